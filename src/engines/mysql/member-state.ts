// What is known of one member: plain data that travels between the agents as it is, and that the decider reads.
import type { Copy } from '../../agent/role-record.ts';

/** The replication of a member, where one is configured. */
export interface ReplicaState {
  readonly sourceHost: string;
  /** Of the server last connected to; '' before the first connection. */
  readonly sourceUuid: string;
  readonly io: 'on' | 'connecting' | 'off';
  readonly sql: boolean;
  /** '' when all is well. */
  readonly ioError: string;
  /** Does the source refuse the account? Then what it was told to log in with is of no use. */
  readonly ioRefused?: boolean;
  readonly sqlError: string;
  /** GTIDs in the relay log, applied or not. */
  readonly retrieved: string;
}

/** Of a member as source. */
export interface SemiSyncState {
  /** Do commits wait? */
  readonly on: boolean;
  /** Standbys connected that acknowledge. */
  readonly clients: number;
  /** Sessions that wait for an acknowledgement. */
  readonly waiting: number;
  /** Commits acknowledged since the server's start. */
  readonly acknowledged: number;
}

export interface RunningEngine {
  readonly kind: 'running';
  readonly datadir: string;
  readonly serverUuid: string;
  /** Which run of mysqld this is. */
  readonly run: string;
  readonly writable: boolean;
  /** Clients are let in (offline_mode off). */
  readonly online: boolean;
  /** GTID sets as text. */
  readonly executed: string;
  readonly purged: string;
  readonly semiSync: SemiSyncState;
  readonly replica: ReplicaState | undefined;
}

export type EngineState =
  /** The supervisor has not said anything yet, or mysqld does not answer: nothing may be concluded. */
  | { readonly kind: 'unknown'; readonly why: string }
  /** The volume holds no data directory in use. */
  | { readonly kind: 'empty' }
  /** There are data, and no mysqld runs on them. */
  | { readonly kind: 'down'; readonly datadir: string }
  /**
   * mysqld runs and does not let the agent in yet: start-up and crash recovery take what they take.
   * `closed`: this run began under this agent's eyes and nobody has opened it since (M1).
   */
  | { readonly kind: 'starting'; readonly datadir: string; readonly closed: boolean }
  | RunningEngine;

/** What an agent tells its peer. */
export interface PeerReport {
  readonly member: string;
  readonly engine: EngineState;
  /** The role's epoch as this agent knows it. */
  readonly epoch: number;
  /** Bytes of data a clone would copy; 0 when unknown. */
  readonly dataBytes: number;
  /** Its pod is being stopped. */
  readonly stopping: boolean;
}

/** Who a running member is, for the record (M2). */
export function copyOf(member: string, engine: Pick<RunningEngine, 'serverUuid' | 'datadir'>): Copy {
  return { member, serverUuid: engine.serverUuid, datadir: engine.datadir };
}

export function sameCopy(a: Copy, b: Copy): boolean {
  return a.member === b.member && a.serverUuid === b.serverUuid && a.datadir === b.datadir;
}
