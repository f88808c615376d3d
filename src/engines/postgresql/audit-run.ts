// One audit: slice by slice the peer's rows are compared with those here by hash, what differs is looked at again once the
// link has caught up, and what is then still behind is brought in line by the rows' stamps (P1, P5).
import { EngineError } from '../../errors.ts';
import { Wake, monotonicNow } from '../../agent/wake.ts';
import type { Session } from './admin.ts';
import type { AuditResult } from './audit.ts';
import { PUBLICATION } from './names.ts';
import {
  AUDIT_SETTINGS_SQL,
  AUDIT_TABLES_SQL,
  behindSql,
  columnsOf,
  CONFIRMED_SQL,
  parseSlice,
  parseTables,
  parseVersions,
  rangeSql,
  repairSql,
  rowsSql,
  sliceSql,
  versionsSql,
  WAL_END_SQL,
} from './sql/audit.ts';
import type { Key, Slice, Table, Version } from './sql/audit.ts';

export interface AuditPlace {
  /** Sessions of the superuser here, and of the replication user on the peer, which may only read. */
  readonly home: Session;
  readonly away: Session;
  /** The own slot on the peer. */
  readonly slot: string;
  /** False ends the audit: what is compared has to be one pair. */
  readonly whole: () => boolean;
  readonly signal: AbortSignal;
  /** Called for each table with differences. */
  readonly onDifference: (relation: string, counts: Counts) => void;
}

export interface Counts {
  readonly rows: number;
  readonly differing: number;
  readonly repaired: number;
  readonly left: number;
}

/** Rows a slice: what is held in memory, and what one query reads. */
const SLICE_ROWS = 2_000;
/** Rows seen different that are looked at again together. */
const SUSPECTS = 1_000;
/** Rows fetched and written at once; a row fits a page (P6). */
const BATCH_ROWS = 200;
/** After each slice, so many times its own duration belongs to everybody else. */
const REST = 2;
const CAUGHT_UP_MS = 60_000;
const POLL_MS = 250;

const NONE: Counts = { rows: 0, differing: 0, repaired: 0, left: 0 };

/** @throws EngineError when a server fails, when the pair is not whole any more, or when the link does not catch up */
export async function runAudit(place: AuditPlace): Promise<Omit<AuditResult, 'at'>> {
  const began = monotonicNow();
  for (const session of [place.home, place.away]) await session.query(AUDIT_SETTINGS_SQL);
  const tables = parseTables(await place.home.query(AUDIT_TABLES_SQL, [PUBLICATION]));
  let total = NONE;
  for (const table of tables) {
    const counts = await compare(table, place);
    if (counts.differing > 0) place.onDifference(table.relation, counts);
    total = add(total, counts);
  }
  return { tables: tables.length, ...total, seconds: Math.round((monotonicNow() - began) / 1_000) };
}

async function compare(table: Table, place: AuditPlace): Promise<Counts> {
  const { home, away } = place;
  let counts = NONE;
  let suspects: readonly Version[] = [];
  let after: Key | undefined;
  for (;;) {
    const began = monotonicNow();
    stillWhole(place);
    const theirs: Slice = parseSlice(await away.query(sliceSql(table, after, SLICE_ROWS), after));
    if (theirs.last === undefined) break;
    const range = [...(after ?? []), ...theirs.last];
    const ours = parseSlice(await home.query(rangeSql(table, after), range));
    if (ours.rows !== theirs.rows || ours.hash !== theirs.hash) {
      const versions = parseVersions(await away.query(versionsSql(table, after), range));
      suspects = [...suspects, ...(await behind(table, versions, home)).map(({ version }) => version)];
    }
    counts = add(counts, { ...NONE, rows: theirs.rows });
    if (suspects.length >= SUSPECTS) {
      counts = add(counts, await settle(table, suspects, place));
      suspects = [];
    }
    after = theirs.last;
    await new Wake().wait((monotonicNow() - began) * REST, place.signal);
  }
  return add(counts, await settle(table, suspects, place));
}

/** Of rows that were under way nothing is left once the link has passed the WAL in which they were written. */
async function settle(table: Table, suspects: readonly Version[], place: AuditPlace): Promise<Counts> {
  if (suspects.length === 0) return NONE;
  await caughtUp(place);
  const differing = (await behind(table, suspects, place.home)).map(({ version }) => version);
  for (let first = 0; first < differing.length; first += BATCH_ROWS) {
    await repair(table, differing.slice(first, first + BATCH_ROWS), place);
  }
  const after = await behind(table, differing, place.home);
  // One stamp and two contents: the larger hash wins on both sides, and this one won here.
  const tied = after.filter(({ tied }) => tied).length;
  const left = after.length - tied;
  return { rows: 0, differing: differing.length, repaired: differing.length - after.length, left };
}

async function caughtUp(place: AuditPlace): Promise<void> {
  const { away, slot, signal } = place;
  const target = BigInt(String((await away.query(WAL_END_SQL))[0]?.['wal']));
  const end = monotonicNow() + CAUGHT_UP_MS;
  for (;;) {
    stillWhole(place);
    const [row] = await away.query(CONFIRMED_SQL, [slot]);
    const confirmed = row?.['confirmed'] as string | null | undefined;
    if (confirmed && BigInt(confirmed) >= target) return;
    if (monotonicNow() > end) {
      throw new EngineError(`postgresql: the link did not catch up within ${CAUGHT_UP_MS / 1_000} s`);
    }
    await new Wake().wait(POLL_MS, signal);
  }
}

async function repair(table: Table, versions: readonly Version[], place: AuditPlace): Promise<void> {
  stillWhole(place);
  const rows = await place.away.query(rowsSql(table), [...keysOf(table, versions)]);
  const values = columnsOf(
    rows.map((row) => row['values'] as readonly (string | null)[]),
    table.columns.length,
  );
  const { home } = place;
  await home.query('BEGIN');
  try {
    await home.query('SET LOCAL session_replication_role = replica');
    await home.query(repairSql(table), [...values]);
    await home.query('COMMIT');
  } catch (error) {
    await home.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Which of the peer's versions are not here, nor a newer one. */
async function behind(
  table: Table,
  versions: readonly Version[],
  home: Session,
): Promise<readonly { readonly version: Version; readonly tied: boolean }[]> {
  if (versions.length === 0) return [];
  const rows = await home.query(behindSql(table), [
    ...keysOf(table, versions),
    versions.map(({ at }) => at),
    versions.map(({ node }) => node),
    versions.map(({ hash }) => hash),
  ]);
  return rows.flatMap((row) => {
    const version = versions[Number(row['position']) - 1];
    return version === undefined ? [] : [{ version, tied: row['kind'] === 'tied' }];
  });
}

function keysOf(table: Table, versions: readonly Version[]): readonly (readonly string[])[] {
  return columnsOf(
    versions.map(({ key }) => key),
    table.keys.length,
  );
}

function stillWhole({ whole, signal }: AuditPlace): void {
  if (signal.aborted) throw new EngineError('postgresql: the agent ends');
  if (!whole()) throw new EngineError('postgresql: the members do not follow each other any more');
}

function add(a: Counts, b: Counts): Counts {
  return {
    rows: a.rows + b.rows,
    differing: a.differing + b.differing,
    repaired: a.repaired + b.repaired,
    left: a.left + b.left,
  };
}
