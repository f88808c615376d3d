// Names inside the PostgreSQL pair: databases, users, slots, subscriptions, files. Kubernetes names are in api/v1alpha1/names.ts.
import { names, podName } from '../../api/v1alpha1/names.ts';

/** Database, and the schema in it that is replicated (P4). The application's user bears the same name. */
export const DATABASE = 'space';
export const SCHEMA = 'space';
export const APPLICATION_USER = 'space';

/** Logs in to the peer by the members' certificate: subscriptions and the agents' view of each other. Has no password. */
export const REPLICATION_USER = 'space_repl';

/** The image's superuser: by the local socket only. */
export const SUPERUSER = 'postgres';

/** What the agent's UID is called in the engine's container, so that peer authentication can tell it. */
export const AGENT_OS_USER = 'spacecluster';

export const PUBLICATION = 'space';

/** UID and GID of the official image's `postgres`. */
export const POSTGRES_UID = 999;

export const ORDINALS = [0, 1] as const;

export const PATHS = {
  /** Where the volume is mounted. */
  volume: '/var/lib/postgresql',
  data: '/var/lib/postgresql/18/docker',
  config: '/etc/spacecluster/postgresql',
  tls: '/etc/spacecluster/tls',
  credentials: '/etc/spacecluster/credentials',
} as const;

/** Headless; `NAME-postgresql` itself is the Service of the serving members. */
export function membersService(cluster: string): string {
  return `${names(cluster).services.postgresql}-members`;
}

/** `NAME-postgresql-0`: the Service of one member, called like its pod. */
export function memberService(cluster: string, ordinal: number): string {
  return podName(cluster, 'postgresql', ordinal);
}

/** The pair's record, a Lease: which data directories belong to the pair (P3, P7). */
export function pairRecord(cluster: string): string {
  return names(cluster).services.postgresql;
}

/** A member's own name, which its certificate bears. */
export function memberHost(cluster: string, namespace: string, ordinal: number): string {
  return `${podName(cluster, 'postgresql', ordinal)}.${membersService(cluster)}.${namespace}.svc`;
}

/** `space_at` and `space_node` decide between two versions of a row (P5): 1 or 2, by the member's place in the pair. */
export function nodeOf(ordinal: number): number {
  return ordinal + 1;
}

/**
 * Subscriptions and slots bear the system identifier of the life of the member that they lead to or come from, so that
 * a rebuilt member never meets what belonged to an earlier one (P7).
 */
export function subscriptionFrom(publisher: string): string {
  return `from_${publisher}`;
}

export function slotTo(subscriber: string): string {
  return `to_${subscriber}`;
}

/** The subscriber whose slot this is, for our slots and those of PostgreSQL's table synchronisation. */
export function subscriberOf(slot: string): string | undefined {
  return /^(?:to|pg_\d+_sync_\d+)_(\d+)$/.exec(slot)?.[1];
}
