// postgresql.conf, pg_hba.conf, pg_ident.conf and the container's account list. Pure; golden test beside it.
import { parseQuantity } from '../../kube/quantity.ts';
import { workloadName } from '../../api/v1alpha1/names.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { AGENT_UID, RUN_DIR } from '../shared/pods.ts';
import {
  AGENT_OS_USER,
  APPLICATION_USER,
  DATABASE,
  PATHS,
  POSTGRES_UID,
  REPLICATION_USER,
  SUPERUSER,
} from './names.ts';

const MIB = 1024 * 1024;

/** Server memory for cached pages when the user asks for none: a small network's data. */
const SHARED_BUFFERS_MIB = 128;

/** MiB of WAL that may be kept for a peer that is away: a quarter of the volume, so that its slot never fills it (P3). */
export function slotWalMiB(cluster: SpaceCluster): number {
  return share(cluster, 4);
}

function share(cluster: SpaceCluster, part: number): number {
  const bytes = parseQuantity(cluster.spec.postgresql.storage.size) ?? 0;
  return Math.max(64, Math.floor(bytes / part / MIB));
}

/** A quarter of the memory that is asked for. */
function sharedBuffersMiB(cluster: SpaceCluster): number {
  const memory = cluster.spec.resources.postgresql?.requests?.memory;
  const bytes = memory === undefined ? undefined : parseQuantity(memory);
  return bytes === undefined ? SHARED_BUFFERS_MIB : Math.max(32, Math.floor(bytes / 4 / MIB));
}

export function postgresqlConf(cluster: SpaceCluster): string {
  return `# Written by the operator. A member's own name comes from its command line.
listen_addresses = '*'
port = 5432
unix_socket_directories = '${RUN_DIR}'
unix_socket_permissions = 0770
hba_file = '${PATHS.config}/pg_hba.conf'
ident_file = '${PATHS.config}/pg_ident.conf'
max_connections = 200
superuser_reserved_connections = 5
password_encryption = 'scram-sha-256'

ssl = on
ssl_cert_file = '${PATHS.tls}/tls.crt'
ssl_key_file = '${PATHS.tls}/tls.key'
ssl_ca_file = '${PATHS.tls}/ca.crt'
ssl_min_protocol_version = 'TLSv1.2'

shared_buffers = ${sharedBuffersMiB(cluster)}MB
min_wal_size = 80MB
max_wal_size = ${Math.min(share(cluster, 8), 4096)}MB
wal_compression = on

# Replication between the members
wal_level = logical
track_commit_timestamp = on
max_wal_senders = 10
max_replication_slots = 10
max_active_replication_origins = 10
max_worker_processes = 16
max_logical_replication_workers = 8
max_sync_workers_per_subscription = 2
wal_sender_timeout = 10s
wal_receiver_timeout = 10s
wal_receiver_status_interval = 1s
# How soon a link is tried again that was lost, or whose worker met an error that heals
wal_retrieve_retry_interval = 500ms
max_slot_wal_keep_size = ${slotWalMiB(cluster)}MB

# A client's connection that is dead without saying so is noticed
tcp_keepalives_idle = 30
tcp_keepalives_interval = 5
tcp_keepalives_count = 4

log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d %h '
log_checkpoints = off
log_timezone = 'UTC'
timezone = 'UTC'
`;
}

/**
 * By socket: only the agent and the container's own user. From the network: the application by password and the members
 * by certificate, over TLS, and nobody else, the superuser neither.
 */
export function pgHba(): string {
  return `local all ${SUPERUSER} peer map=local
local ${DATABASE} ${APPLICATION_USER} peer map=local
hostssl ${DATABASE} ${REPLICATION_USER} 0.0.0.0/0 cert map=members
hostssl ${DATABASE} ${APPLICATION_USER} 0.0.0.0/0 scram-sha-256
`;
}

/** The members' certificate bears their workload's name. */
export function pgIdent(cluster: SpaceCluster): string {
  return `local ${AGENT_OS_USER} ${SUPERUSER}
local ${AGENT_OS_USER} ${APPLICATION_USER}
local postgres ${SUPERUSER}
local postgres ${APPLICATION_USER}
members ${workloadName(cluster.metadata.name, 'postgresql')} ${REPLICATION_USER}
`;
}

/** /etc/passwd of the engine's container: the image's accounts that it needs, and the agent's UID by name. */
export function passwd(): string {
  return `root:x:0:0:root:/root:/usr/sbin/nologin
postgres:x:${POSTGRES_UID}:${POSTGRES_UID}::${PATHS.volume}:/bin/bash
${AGENT_OS_USER}:x:${AGENT_UID}:${AGENT_UID}::/:/usr/sbin/nologin
`;
}
