// The SQL verbs of the agent, each a small function over one session.
import { EngineError } from '../../errors.ts';
import { PORTS } from '../../api/v1alpha1/names.ts';
import { AGENT_SCHEMA, REPLICATION_USER, TLS_MOUNT } from './config.ts';
import type { Session } from './connection.ts';
import type { ReplicaState, RunningEngine } from './member-state.ts';
import type { Row } from './packets.ts';

/** A log-in with a wrong password. */
const ER_ACCESS_DENIED = 1045;
/** Statements that nothing should hold up. */
const QUICK_MS = 1_000;
/** STOP, CHANGE, RESET: they wait for threads and the disk. */
const WORK_MS = 10_000;

const STATE_SQL = `SELECT @@GLOBAL.server_uuid AS uuid, @@GLOBAL.datadir AS datadir, @@GLOBAL.read_only AS read_only,
  @@GLOBAL.super_read_only AS super_read_only, @@GLOBAL.offline_mode AS offline,
  @@GLOBAL.gtid_executed AS executed, @@GLOBAL.gtid_purged AS purged, @@GLOBAL.rpl_semi_sync_source_enabled AS semi_sync`;

/** All the decider needs of a running mysqld. Quick statements only. */
export async function readEngine(session: Session, run: string): Promise<RunningEngine> {
  const [[state], status, [replica]] = await Promise.all([
    session.run('admin', STATE_SQL, QUICK_MS),
    session.run('admin', "SHOW GLOBAL STATUS LIKE 'Rpl\\_semi\\_sync\\_source\\_%'", QUICK_MS),
    session.run('admin', 'SHOW REPLICA STATUS', QUICK_MS),
  ]);
  if (state === undefined) throw new EngineError('mysqld told nothing about itself');
  const counters = new Map(status.map((row) => [text(row, 'Variable_name'), text(row, 'Value')]));
  const counter = (name: string): string => counters.get(`Rpl_semi_sync_source_${name}`) ?? '';
  return {
    kind: 'running',
    datadir:
      text(state, 'datadir')
        .split('/')
        .findLast((part) => part !== '') ?? '',
    serverUuid: text(state, 'uuid'),
    run,
    writable: number(state, 'read_only') === 0 && number(state, 'super_read_only') === 0,
    online: number(state, 'offline') === 0,
    executed: text(state, 'executed'),
    purged: text(state, 'purged'),
    semiSync: {
      on: number(state, 'semi_sync') === 1 && counter('status') === 'ON',
      clients: Number(counter('clients')),
      waiting: Number(counter('wait_sessions')),
      acknowledged: Number(counter('yes_tx')),
    },
    replica: replica === undefined ? undefined : readReplica(replica),
  };
}

function readReplica(row: Row): ReplicaState {
  const io = text(row, 'Replica_IO_Running');
  return {
    sourceHost: text(row, 'Source_Host'),
    sourceUuid: text(row, 'Source_UUID'),
    io: io === 'Yes' ? 'on' : io === 'No' ? 'off' : 'connecting',
    sql: text(row, 'Replica_SQL_Running') === 'Yes',
    ioError: text(row, 'Last_IO_Error'),
    ioRefused: number(row, 'Last_IO_Errno') === ER_ACCESS_DENIED,
    sqlError: text(row, 'Last_SQL_Error'),
    retrieved: text(row, 'Retrieved_Gtid_Set'),
  };
}

/** Writable, for clients that are let in. The caller has armed the deadline. */
export async function open(session: Session): Promise<void> {
  await session.run('admin', 'SET GLOBAL read_only = OFF', QUICK_MS);
}

/**
 * Takes no more writes. Clients are put out first, which returns at once; read-only waits behind commits that wait for
 * their acknowledgement. Each of the two is given `withinMs`, and the caller then kills (M7).
 */
export async function closeWrites(session: Session, withinMs: number): Promise<void> {
  await session.run('admin', 'SET GLOBAL offline_mode = ON', withinMs);
  await session.run('work', 'SET GLOBAL super_read_only = ON', withinMs);
}

export async function letClientsIn(session: Session): Promise<void> {
  await session.run('admin', 'SET GLOBAL offline_mode = OFF', QUICK_MS);
}

export async function setSemiSync(session: Session, on: boolean): Promise<void> {
  await session.run('admin', `SET GLOBAL rpl_semi_sync_source_enabled = ${on ? 'ON' : 'OFF'}`, QUICK_MS);
}

/** Cuts off the standbys that receive from here. */
export async function stopSending(session: Session): Promise<void> {
  const senders = await session.run(
    'admin',
    "SELECT PROCESSLIST_ID AS id FROM performance_schema.threads WHERE PROCESSLIST_COMMAND LIKE 'Binlog Dump%'",
    QUICK_MS,
  );
  for (const sender of senders) await session.run('admin', `KILL ${number(sender, 'id')}`, QUICK_MS);
}

export async function stopReceiving(session: Session): Promise<void> {
  await session.run('work', 'STOP REPLICA IO_THREAD', WORK_MS);
}

/** Applying ends first: at a shutdown mysqld ends it last, and waits long for the rest of a transaction. */
export async function stopReplica(session: Session): Promise<void> {
  await session.run('work', 'STOP REPLICA SQL_THREAD', WORK_MS);
  await stopReceiving(session);
}

export async function startApplying(session: Session): Promise<void> {
  await session.run('work', 'START REPLICA SQL_THREAD', WORK_MS);
}

export async function startReplica(session: Session): Promise<void> {
  await session.run('work', 'START REPLICA', WORK_MS);
}

/** Forgets the source. Only with the relay log applied: it may hold the only copy of an acknowledged commit (M10). */
export async function forgetSource(session: Session): Promise<void> {
  await session.run('work', 'STOP REPLICA', WORK_MS);
  await session.run('work', 'RESET REPLICA ALL', WORK_MS);
}

/** Follows `host`. Only with the relay log applied (M10). */
export async function followSource(session: Session, host: string, password: string): Promise<void> {
  await session.run('work', 'STOP REPLICA', WORK_MS);
  await session.run(
    'work',
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST = ?, SOURCE_PORT = ${PORTS.mysql}, SOURCE_USER = '${REPLICATION_USER}',
      SOURCE_PASSWORD = ?, SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1, SOURCE_SSL_VERIFY_SERVER_CERT = 1,
      SOURCE_SSL_CA = '${TLS_MOUNT}/ca.crt', SOURCE_SSL_CERT = '${TLS_MOUNT}/tls.crt', SOURCE_SSL_KEY = '${TLS_MOUNT}/tls.key',
      SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 0, SOURCE_HEARTBEAT_PERIOD = 1`,
    WORK_MS,
    [host, password],
  );
  await session.run('work', 'START REPLICA', WORK_MS);
}

export interface CloneRequest {
  readonly host: string;
  readonly password: string;
  /** Absolute; must not exist (M9). */
  readonly directory: string;
  readonly timeoutMs: number;
}

/** Copies the donor into a new directory; this server runs on meanwhile, on its own. */
export async function cloneInto(session: Session, request: CloneRequest): Promise<void> {
  const donor = `${request.host}:${PORTS.mysql}`;
  await session.run('admin', 'SET GLOBAL clone_valid_donor_list = ?', QUICK_MS, [donor]);
  await session.run(
    'work',
    `CLONE INSTANCE FROM '${REPLICATION_USER}'@?:${PORTS.mysql} IDENTIFIED BY ? DATA DIRECTORY = ? REQUIRE SSL`,
    request.timeoutMs,
    [request.host, request.password, request.directory],
  );
}

/** Ends whatever the work lane is doing: a clone that a promotion overtakes (M4). */
export async function interruptWork(session: Session): Promise<void> {
  await session.run('admin', `KILL QUERY ${session.threadId('work')}`, QUICK_MS);
}

/** Bytes a clone would copy. */
export async function readDataBytes(session: Session): Promise<number> {
  const [row] = await session.run(
    'admin',
    'SELECT SUM(FILE_SIZE) AS bytes FROM information_schema.INNODB_TABLESPACES',
    QUICK_MS,
  );
  return row === undefined ? 0 : Number(row['bytes'] ?? 0);
}

/** Takes up certificates that were renewed on disk; connections that are open keep the old ones. */
export async function reloadTls(session: Session): Promise<void> {
  await session.run('work', 'ALTER INSTANCE RELOAD TLS', WORK_MS);
}

/** One small commit that takes the whole way of any other: log, disk, acknowledgement. Waits as long as that takes. */
export async function commitMarker(session: Session, epoch: number, timeoutMs: number): Promise<void> {
  await session.run(
    'marker',
    `INSERT INTO ${AGENT_SCHEMA}.marker (id, epoch, seq) VALUES (1, ?, 1)
      ON DUPLICATE KEY UPDATE epoch = VALUES(epoch), seq = seq + 1`,
    timeoutMs,
    [epoch],
  );
}

/** RFC 3339 of the last marker commit that this member has: it has all that was acknowledged before. '' where it has none. */
export async function readUpTo(session: Session): Promise<string> {
  const [row] = await session.run(
    'admin',
    `SELECT DATE_FORMAT(at, '%Y-%m-%dT%H:%i:%sZ') AS at FROM ${AGENT_SCHEMA}.marker WHERE id = 1`,
    QUICK_MS,
  );
  return row === undefined ? '' : text(row, 'at');
}

/**
 * Does the marker lane wait for nothing but the standby's acknowledgement (M8)? For its own, or for that of an earlier commit:
 * whoever waits for one (AFTER_SYNC) holds the last stage of the group commit, and all behind it wait for their turn. The disk has
 * taken the commit that waits; on a disk that stalls nobody waits for an acknowledgement, since nothing new is sent. (The thread
 * that receives them says that it waits at any time; it has no id.)
 */
export async function markerWaitsForAck(session: Session, timeoutMs: number): Promise<boolean> {
  const [row] = await session.run(
    'admin',
    `SELECT MAX(PROCESSLIST_ID = ? AND (PROCESSLIST_STATE LIKE 'Waiting for semi-sync ACK%'
        OR PROCESSLIST_STATE = 'waiting for handler commit')) AS marker,
      MAX(PROCESSLIST_STATE LIKE 'Waiting for semi-sync ACK%') AS acks
      FROM performance_schema.threads WHERE PROCESSLIST_ID IS NOT NULL`,
    timeoutMs,
    [session.threadId('marker')],
  );
  return row !== undefined && text(row, 'marker') === '1' && text(row, 'acks') === '1';
}

function text(row: Row, column: string): string {
  return row[column] ?? '';
}

function number(row: Row, column: string): number {
  return Number(row[column]);
}
