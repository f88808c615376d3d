// Which statements give the ring its roles, keyspaces and replication, in which order. Pure: what is seen in, plan out.
import { DATACENTER } from './members.ts';

/** The keyspace in which Cassandra keeps its roles: as many copies as the data, or a lost member locks everybody out. */
const AUTH_KEYSPACE = 'system_auth';
const STOCK_ROLE = 'cassandra';

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** The role every new ring has: superuser, with a password that everybody knows. */
export const STOCK_LOGIN: Login = { username: STOCK_ROLE, password: STOCK_ROLE };

/** How the ring has to be. */
export interface Settlement {
  readonly superuser: Login;
  readonly application: Login;
  readonly keyspace: string;
  /** Copies of each row. */
  readonly replication: number;
}

/** Copies that each keyspace's rows are known to have on disk: below its replication while a sweep is due. */
export type Spread = Readonly<Record<string, number>>;

/** What the ring says. */
export interface RingSeen {
  /** Whose log-in it accepted. */
  readonly as: 'superuser' | 'stock';
  readonly roles: readonly string[];
  /** Copies by keyspace; a keyspace that does not exist is absent. */
  readonly replication: Readonly<Record<string, number>>;
}

export type Step =
  | { readonly kind: 'execute'; readonly what: string; readonly statement: string }
  /** Read every row of the keyspace at consistency ALL, so that read repair puts it on every replica. */
  | { readonly kind: 'sweep'; readonly keyspace: string; readonly copies: number };

/**
 * As the stock superuser: only what is needed to become our own. As our own: everything. Roles are written after their
 * keyspace has all its copies, so that no log-in depends on one member.
 */
export function plan(seen: RingSeen, wanted: Settlement, spread: Spread): readonly Step[] {
  // A log-in that works has the password that is wanted: only the stock superuser can make our own. While it still can, no
  // role of ours can be lost on the way, so the copies are raised at once.
  if (seen.as === 'stock') {
    return [raiseTo(AUTH_KEYSPACE, wanted.replication), role(wanted.superuser, true, seen)];
  }
  return [
    ...raise(AUTH_KEYSPACE, seen, wanted.replication, spread),
    ...disableStock(seen),
    ...keyspace(seen, wanted, spread),
    role(wanted.application, false, seen),
    {
      kind: 'execute',
      what: `grant the keyspace to ${wanted.application.username}`,
      statement: `GRANT ALL PERMISSIONS ON KEYSPACE ${name(wanted.keyspace)} TO ${name(wanted.application.username)}`,
    },
  ];
}

/** Spread after `step` was done. */
export function spreadAfter(spread: Spread, step: Step): Spread {
  return step.kind === 'sweep' ? { ...spread, [step.keyspace]: step.copies } : spread;
}

function keyspace(seen: RingSeen, wanted: Settlement, spread: Spread): readonly Step[] {
  if (seen.replication[wanted.keyspace] !== undefined) {
    return raise(wanted.keyspace, seen, wanted.replication, spread);
  }
  return [
    {
      kind: 'execute',
      what: `create keyspace ${wanted.keyspace}`,
      statement: `CREATE KEYSPACE IF NOT EXISTS ${name(wanted.keyspace)} WITH replication = ${replication(wanted.replication)}`,
    },
    { kind: 'sweep', keyspace: wanted.keyspace, copies: wanted.replication },
  ];
}

/**
 * One copy more at a time, each step swept before the next: then any quorum of the new replicas holds at least one that
 * had the row already, and no read at LOCAL_QUORUM misses it meanwhile. Never fewer copies.
 */
function raise(keyspace: string, seen: RingSeen, wanted: number, spread: Spread): readonly Step[] {
  const now = seen.replication[keyspace] ?? 1;
  const steps: Step[] = [];
  if ((spread[keyspace] ?? 0) < now) steps.push({ kind: 'sweep', keyspace, copies: now });
  for (let copies = now + 1; copies <= wanted; copies += 1) {
    steps.push(raiseTo(keyspace, copies), { kind: 'sweep', keyspace, copies });
  }
  return steps;
}

function raiseTo(keyspace: string, copies: number): Step {
  return {
    kind: 'execute',
    what: `raise ${keyspace} to ${copies} copies`,
    statement: `ALTER KEYSPACE ${name(keyspace)} WITH replication = ${replication(copies)}`,
  };
}

function role(login: Login, superuser: boolean, seen: RingSeen): Step {
  const exists = seen.roles.includes(login.username);
  return {
    kind: 'execute',
    what: `${exists ? 'alter' : 'create'} role ${login.username}`,
    statement: `${exists ? 'ALTER ROLE' : 'CREATE ROLE IF NOT EXISTS'} ${name(login.username)} WITH PASSWORD = ${text(login.password)} AND LOGIN = true AND SUPERUSER = ${superuser}`,
  };
}

/** Not dropped: a ring without any role makes the stock one anew. */
function disableStock(seen: RingSeen): readonly Step[] {
  if (!seen.roles.includes(STOCK_ROLE)) return [];
  return [
    {
      kind: 'execute',
      what: 'disable the stock superuser',
      statement: `ALTER ROLE ${name(STOCK_ROLE)} WITH SUPERUSER = false AND LOGIN = false`,
    },
  ];
}

function replication(copies: number): string {
  return `{'class': 'NetworkTopologyStrategy', '${DATACENTER}': ${copies}}`;
}

/** A quoted CQL identifier. */
function name(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A CQL string literal. */
function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** Copies out of `system_schema.keyspaces.replication`, in either strategy. */
export function copiesOf(replication: Readonly<Record<string, string>>): number {
  return Number(replication[DATACENTER] ?? replication['replication_factor'] ?? 1);
}
