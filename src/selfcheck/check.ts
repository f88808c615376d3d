// What a check of a running cluster is, and how its outcome is told: one JSON line each.
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../errors.ts';

export interface Outcome {
  /** What was tried, for people. */
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, or what went wrong. */
  readonly detail: string;
  readonly ms: number;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Database or keyspace. */
  readonly database: string;
}

export interface CheckContext {
  /** Name of the SpaceCluster; its Services are reached by their names. */
  readonly cluster: string;
  /** PEM of the cluster's CA. */
  readonly ca: string;
  credentials(engine: 'mysql' | 'postgresql' | 'cassandra'): Promise<Credentials>;
}

/** @returns what was seen; throws with the reason when the check failed */
export interface Check {
  readonly name: string;
  run(context: CheckContext): Promise<string>;
}

/** Reads the Secrets as the Job mounts them: `/etc/spacecluster/ENGINE/KEY`, and the CA beside them. */
export async function mountedContext(
  env: NodeJS.ProcessEnv,
  root = '/etc/spacecluster',
): Promise<CheckContext> {
  const cluster = env['SPACECLUSTER'];
  if (cluster === undefined || cluster === '')
    throw new ConfigError('SPACECLUSTER not set: it names the cluster to check');
  const read = (path: string): Promise<string> => readFile(`${root}/${path}`, 'utf8');
  return {
    cluster,
    ca: await read('ca/ca.crt'),
    credentials: async (engine) => ({
      username: await read(`${engine}/username`),
      password: await read(`${engine}/password`),
      database: await read(`${engine}/${engine === 'cassandra' ? 'keyspace' : 'database'}`),
    }),
  };
}

/** Tries until `attempt` gives a value, for at most `boundMs`; replication is quick, not instant. */
export async function eventually<T>(
  attempt: () => Promise<T | undefined>,
  boundMs: number,
  pauseMs = 50,
): Promise<T | undefined> {
  const end = performance.now() + boundMs;
  for (;;) {
    const value = await attempt();
    if (value !== undefined || performance.now() > end) return value;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
