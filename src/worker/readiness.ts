// May the balancer send requests to this worker? Pure: what is known of the databases and applications in, the answer out.
import type { DatabaseState } from './database/health.ts';

export interface ReadinessFacts {
  readonly databases: readonly DatabaseState[];
  /** What applications miss, one line each. */
  readonly missing: readonly string[];
  /** The worker is ending: requests under way are finished, new ones belong elsewhere. */
  readonly stopping: boolean;
}

/** Told without log-in, so it names no host and quotes no error: those are in the worker's log. */
export interface Readiness {
  readonly ready: boolean;
  readonly detail: string;
  readonly databases: readonly Pick<DatabaseState, 'name' | 'up'>[];
}

/**
 * A MySQL failover takes a few seconds and hits all workers alike: those who then left the balancer would turn waiting
 * requests, which the client rides over, into errors for everybody.
 */
const MYSQL_GRACE_MS = 10_000;

/** MySQL decides; the other two are parts that can be missed for a while, and are told. */
export function readiness({ databases, missing, stopping }: ReadinessFacts): Readiness {
  const down = databases.filter((database) => !database.up).map((database) => database.name);
  const mysql = databases.find((database) => database.name === 'mysql');
  const reachable = mysql?.silentMs !== undefined && mysql.silentMs <= MYSQL_GRACE_MS;
  const reasons = [
    ...(stopping ? ['the worker is ending'] : []),
    ...(reachable ? [] : ['MySQL does not answer']),
    ...missing,
  ];
  const told = databases.map(({ name, up }) => ({ name, up }));
  if (reasons.length > 0) return { ready: false, detail: reasons.join('; '), databases: told };
  return {
    ready: true,
    detail: down.length === 0 ? 'all databases answer' : `serving without ${down.join(', ')}`,
    databases: told,
  };
}
