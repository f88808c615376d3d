// Carries out one step of a member's agent. Every step may be repeated: what is done already is left as it is.
import { randomBytes, randomUUID } from 'node:crypto';
import type { RoleClient } from '../../agent/role.ts';
import type { RoleChange, RoleRecord } from '../../agent/role-record.ts';
import { monotonicNow, Wake } from '../../agent/wake.ts';
import { assertNever, EngineError, WaitingError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { connectionString, connectLocal, connectPeer, OPERATION_MS, withSession } from './admin.ts';
import type { Row, Session } from './admin.ts';
import { applicationPassword } from './gather.ts';
import {
  APPLICATION_USER,
  DATABASE,
  nodeOf,
  PUBLICATION,
  slotTo,
  subscriptionFrom,
  SUPERUSER,
} from './names.ts';
import type { MemberState } from './observation.ts';
import { scramVerifier } from './scram.ts';
import { baseSql, CREATE_DATABASE_SQL, ROLES_SQL } from './sql/base.ts';
import { CONFIRMED_SQL, WAL_END_SQL } from './sql/audit.ts';
import { CHANGES_SQL } from './sql/state.ts';
import type { Step } from './step.ts';

export interface Place {
  readonly member: string;
  readonly ordinal: number;
  readonly peerHost: string;
  readonly role: RoleClient;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** For the endpoint's withdrawal to be written and to reach every node, before the clients' sessions are ended. */
const LEAVE_MS = 2_000;
/** For the peer to apply what this member has. */
const HAND_OVER_MS = 30_000;
const POLL_MS = 200;
/** Seconds a schema change may wait for the tables' locks before it is tried again at the next look. */
const LOCK_TIMEOUT_S = 5;

/**
 * @param own the member's state as it was when the step was decided; undefined before the server was prepared
 * @throws EngineError when a server refuses or fails; WaitingError when the record has changed meanwhile
 */
export async function operate(step: Step, own: MemberState | undefined, place: Place): Promise<void> {
  switch (step.kind) {
    case 'wait':
    case 'blocked':
    case 'settled':
      return;
    case 'prepare':
      return prepare(place);
    case 'setPassword':
      return setPassword();
    case 'reload':
      return local('SELECT pg_reload_conf()');
    case 'found':
      return found(step.base, own, place);
    case 'record':
      return writeRecord(step.base, step.change, place);
    case 'mark':
      return local('UPDATE spacecluster.member SET pair = $1', [step.pair]);
    case 'fetchChanges':
      return fetchChanges(step.names, place);
    case 'subscribe':
      return subscribe(step.publisher, step.copyData, own, place);
    case 'reconnect':
      return local(
        `ALTER SUBSCRIPTION ${quoted(step.subscription)} CONNECTION '${connectionString(place.peerHost, identifierSlot(own))}'`,
      );
    case 'enable':
      return local(`ALTER SUBSCRIPTION ${quoted(step.subscription)} ENABLE`);
    case 'refresh':
      // Rows may be on both sides already: the copy merges them by their stamps.
      return local(
        `ALTER SUBSCRIPTION ${quoted(step.subscription)} REFRESH PUBLICATION WITH (copy_data = true)`,
      );
    case 'dropSubscription':
      return dropSubscription(step.subscription);
    case 'dropSlot':
      return local('SELECT pg_drop_replication_slot($1)', [step.slot]);
    case 'join':
      await local('SELECT spacecluster.advance_sequences()');
      await writeRecord(step.base, step.change, place);
      return local('UPDATE spacecluster.member SET pair = $1', [step.pair]);
    case 'retire':
      await handOver(step.slot, place.signal);
      return writeRecord(step.base, step.change, place);
    case 'admit':
      return local('UPDATE spacecluster.member SET admitted = pg_postmaster_start_time()');
    default:
      return assertNever(step);
  }
}

async function prepare(place: Place): Promise<void> {
  await withSession(connectLocal(SUPERUSER, 'postgres', OPERATION_MS), async (session) => {
    for (const statement of ROLES_SQL) await session.query(statement);
    const present = await session.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (present.length === 0) await session.query(CREATE_DATABASE_SQL);
  });
  await local(baseSql(nodeOf(place.ordinal)));
}

/** Only the verifier travels; a failing statement is not to be found in the server's log either. */
async function setPassword(): Promise<void> {
  const verifier = scramVerifier(await applicationPassword(), randomBytes(16));
  await withSession(connectLocal(SUPERUSER, DATABASE, OPERATION_MS), async (session) => {
    await session.query("SET log_min_error_statement = 'panic'");
    await session.query(`ALTER ROLE ${APPLICATION_USER} PASSWORD '${verifier}'`);
  });
}

/**
 * Ends the clients' sessions, which the Services bring no more of by now, and waits until the peer has all. What a client
 * should still write past the Services is sent by the server's own orderly end.
 */
async function handOver(slot: string, signal: AbortSignal): Promise<void> {
  await new Wake().wait(LEAVE_MS, signal);
  await withSession(connectLocal(SUPERUSER, DATABASE, OPERATION_MS), async (session) => {
    await session.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
      APPLICATION_USER,
    ]);
    const target = String((await session.query(WAL_END_SQL))[0]?.['wal']);
    const end = monotonicNow() + HAND_OVER_MS;
    while (monotonicNow() < end && !signal.aborted) {
      const [row] = await session.query(CONFIRMED_SQL, [slot]);
      const confirmed = row?.['confirmed'] as string | null | undefined;
      if (confirmed && BigInt(confirmed) >= BigInt(target)) return;
      await new Wake().wait(POLL_MS, signal);
    }
    throw new WaitingError('PeerBehind', 'the peer has not applied yet what only this member has');
  });
}

async function found(base: RoleRecord, own: MemberState | undefined, place: Place): Promise<void> {
  const copies = [{ member: place.member, serverUuid: own?.systemIdentifier ?? '', datadir: randomUUID() }];
  await writeRecord(base, { phase: 'open', copies, epoch: base.epoch + 1 }, place);
}

async function writeRecord(base: RoleRecord, change: RoleChange, place: Place): Promise<void> {
  const outcome = await place.role.write(base, change, place.signal);
  switch (outcome.kind) {
    case 'done':
      place.log.info('pair record written', { epoch: outcome.record.epoch, copies: outcome.record.copies });
      return;
    case 'conflict':
      throw new WaitingError('RecordChanged', "the pair's record has changed meanwhile");
    case 'unknown':
      throw outcome.error;
    default:
      assertNever(outcome);
  }
}

/**
 * Executes the peer's schema changes in the peer's order. In a session of the application's user: a statement that was
 * written by the application never runs where the superuser's rights could be reached.
 */
async function fetchChanges(names: readonly string[], place: Place): Promise<void> {
  const changes = await withSession(connectPeer(place.peerHost, OPERATION_MS), (peer) =>
    peer.query(CHANGES_SQL, [names]),
  );
  await withSession(connectLocal(APPLICATION_USER, DATABASE, OPERATION_MS), async (session) => {
    for (const change of changes) {
      await execute(session, change);
      place.log.info('schema change executed', { change: change['name'] });
    }
  });
}

async function execute(session: Session, change: Row): Promise<void> {
  try {
    await session.query('BEGIN');
    await session.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT_S}s'`);
    await session.query("SELECT set_config('search_path', $1, true)", [change['search_path']]);
    await session.query('SELECT spacecluster.change($1, $2)', [change['name'], change['statement']]);
    await session.query('COMMIT');
  } catch (error) {
    throw new EngineError(`schema change ${String(change['name'])} failed here`, {}, error);
  }
}

/** Makes the link from the peer. A slot that an interrupted attempt left behind is removed first. */
async function subscribe(
  publisher: string,
  copyData: boolean,
  own: MemberState | undefined,
  place: Place,
): Promise<void> {
  const slot = identifierSlot(own);
  await withSession(connectPeer(place.peerHost, OPERATION_MS), (peer) =>
    peer.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active',
      [slot],
    ),
  );
  await local(`CREATE SUBSCRIPTION ${quoted(subscriptionFrom(publisher))}
    CONNECTION '${connectionString(place.peerHost, slot)}' PUBLICATION ${PUBLICATION}
    WITH (slot_name = ${quoted(slot)}, origin = none, copy_data = ${copyData}, disable_on_error = false, streaming = on)`);
}

/** Without a word to the peer, which may be gone; it removes slots that nobody needs by itself. */
async function dropSubscription(subscription: string): Promise<void> {
  const name = quoted(subscription);
  await withSession(connectLocal(SUPERUSER, DATABASE, OPERATION_MS), async (session) => {
    await session.query(`ALTER SUBSCRIPTION ${name} DISABLE`);
    await session.query(`ALTER SUBSCRIPTION ${name} SET (slot_name = NONE)`);
    await session.query(`DROP SUBSCRIPTION ${name}`);
  });
}

function identifierSlot(own: MemberState | undefined): string {
  if (own === undefined) throw new EngineError('postgresql: the own server has not been seen yet');
  return slotTo(own.systemIdentifier);
}

async function local(statement: string, values: readonly unknown[] = []): Promise<void> {
  await withSession(connectLocal(SUPERUSER, DATABASE, OPERATION_MS), (session) =>
    session.query(statement, values),
  );
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
