// What mysqld is started with: my.cnf, the init file, the names of paths and users. Pure generators.
import { timingOf } from '../../agent/timing.ts';
import { PORTS } from '../../api/v1alpha1/names.ts';
import { AGENT_UID, RUN_DIR } from '../shared/pods.ts';

/** User and group of the official image. */
export const MYSQL_UID = 999;

/** The member's volume: data directories beside each other, and the file `current` that names the one in use (M9). */
export const DATA_MOUNT = '/var/lib/mysql';
/** my.cnf, init file, supervisor, passwd. */
export const CONFIG_MOUNT = '/etc/spacecluster';
/** The members' certificate (`ca.crt`, `tls.crt`, `tls.key`). */
export const TLS_MOUNT = '/etc/spacecluster-tls';
/** In the agent's container only: the application's user, and the replication password. */
export const USER_SECRET_MOUNT = '/etc/spacecluster-user';
export const INTERNAL_SECRET_MOUNT = '/etc/spacecluster-internal';

export const SOCKET = `${RUN_DIR}/mysql.sock`;

/** Agents ask each other here, by mutual TLS. */
export const PEER_PORT = 8082;

/** The agent's account: only its own UID gets in, by the local socket, without a password that could leak or be lost. */
export const AGENT_USER = 'space_agent';
export const REPLICATION_USER = 'space_repl';
/** Schema of the agents: markers and what has been provisioned. */
export const AGENT_SCHEMA = 'spacecluster';

/** Client connections, of which the application may have all but a few. */
export const MAX_CONNECTIONS = 500;
export const MAX_USER_CONNECTIONS = MAX_CONNECTIONS - 50;

/**
 * Seconds without a word from the source until the receiver connects anew. Longer than the standby waits at `Safe`, with what a
 * take-over needs beside: STOP REPLICA IO_THREAD waits until a connection to a lost node fails, and the promotion with it.
 */
const SOURCE_SILENT_S = timingOf('Safe', 'candidate').durationMs / 1000 + 3;

const MEBI = 1_048_576;
const BUFFER_POOL_STEP = 128 * MEBI;

/**
 * my.cnf. Each start is closed: read-only, offline, replication stopped; only the agent opens (M1).
 * @param memoryBytes what the container asked for; half of it becomes the buffer pool
 */
export function serverConfig(memoryBytes: number): string {
  const pool = Math.max(BUFFER_POOL_STEP, Math.floor(memoryBytes / 2 / BUFFER_POOL_STEP) * BUFFER_POOL_STEP);
  return `${[
    '[mysqld]',
    '# M1: never writable, never serving, never replicating by itself.',
    'read_only=ON',
    'super_read_only=ON',
    'offline_mode=ON',
    'skip_replica_start=ON',
    '# Every transaction has a name, and is on disk before it is acknowledged, here and on the standby (M5).',
    'gtid_mode=ON',
    'enforce_gtid_consistency=ON',
    'log_bin=binlog',
    'log_replica_updates=ON',
    'sync_binlog=1',
    'innodb_flush_log_at_trx_commit=1',
    'relay_log=relay',
    'sync_relay_log=1',
    '# The standby syncs after each event, one after the other: a compressed transaction has two of them, not five.',
    'binlog_transaction_compression=ON',
    '# ON would throw away what was acknowledged and not applied yet.',
    'relay_log_recovery=OFF',
    'plugin_load_add=auth_socket=auth_socket.so',
    'plugin_load_add=rpl_semi_sync_source=semisync_source.so',
    'plugin_load_add=rpl_semi_sync_replica=semisync_replica.so',
    'plugin_load_add=clone=mysql_clone.so',
    'loose_rpl_semi_sync_replica_enabled=ON',
    'loose_rpl_semi_sync_source_wait_point=AFTER_SYNC',
    'loose_rpl_semi_sync_source_wait_for_replica_count=1',
    'loose_rpl_semi_sync_source_wait_no_replica=ON',
    '# The longest there is: a time-out would silently acknowledge what only one member has.',
    'loose_rpl_semi_sync_source_timeout=4294967295',
    'loose_replication_optimize_for_static_plugin_config=ON',
    '# ON keeps a crashed replica from starting again.',
    'loose_replication_sender_observe_commit_only=OFF',
    `replica_net_timeout=${SOURCE_SILENT_S}`,
    'replica_parallel_workers=4',
    'replica_preserve_commit_order=ON',
    'binlog_expire_logs_seconds=86400',
    'max_binlog_size=128M',
    '# Not transactional, so not in any GTID order.',
    'disabled_storage_engines=MyISAM,BLACKHOLE,FEDERATED,ARCHIVE,MEMORY',
    'event_scheduler=OFF',
    '# The restricted seccomp profile forbids it.',
    'loose_innodb_numa_interleave=OFF',
    `innodb_buffer_pool_size=${pool}`,
    `max_connections=${MAX_CONNECTIONS}`,
    'max_allowed_packet=64M',
    'default_time_zone=+00:00',
    'skip_name_resolve=ON',
    'local_infile=OFF',
    'secure_file_priv=NULL',
    'mysqlx=OFF',
    'bind_address=0.0.0.0',
    `port=${PORTS.mysql}`,
    `socket=${SOCKET}`,
    'tmpdir=/tmp',
    `init_file=${CONFIG_MOUNT}/init.sql`,
    'auto_generate_certs=OFF',
    `ssl_ca=${TLS_MOUNT}/ca.crt`,
    `ssl_cert=${TLS_MOUNT}/tls.crt`,
    `ssl_key=${TLS_MOUNT}/tls.key`,
    `loose_clone_ssl_ca=${TLS_MOUNT}/ca.crt`,
    `loose_clone_ssl_cert=${TLS_MOUNT}/tls.crt`,
    `loose_clone_ssl_key=${TLS_MOUNT}/tls.key`,
  ].join('\n')}\n`;
}

/**
 * Run by mysqld at every start, before it is read-only and outside the binary log: the agent can administer a server that
 * was just made or cloned, and one whose account somebody dropped.
 */
export const INIT_SQL = `SET sql_log_bin=0;
CREATE USER IF NOT EXISTS '${AGENT_USER}'@'localhost' IDENTIFIED WITH auth_socket;
ALTER USER '${AGENT_USER}'@'localhost' IDENTIFIED WITH auth_socket ACCOUNT UNLOCK;
GRANT ALL PRIVILEGES ON *.* TO '${AGENT_USER}'@'localhost' WITH GRANT OPTION;
DROP USER IF EXISTS 'root'@'localhost';
`;

/** /etc/passwd of the mysql container: gives the agent's UID the name that auth_socket compares with the account's. */
export const PASSWD = `root:x:0:0:root:/root:/bin/bash
mysql:x:${MYSQL_UID}:${MYSQL_UID}::${DATA_MOUNT}:/bin/bash
${AGENT_USER}:x:${AGENT_UID}:${AGENT_UID}::/nonexistent:/usr/sbin/nologin
`;
