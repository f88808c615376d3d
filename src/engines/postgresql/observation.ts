// What an agent knows at one moment: its own server, the peer's, and the pair's record. Plain data, what decide.ts works on.
import type { RoleRecord } from '../../agent/role-record.ts';

export interface Subscription {
  readonly name: string;
  readonly enabled: boolean;
  /** Its apply worker is there. Absent while the link is broken, and for moments after an error. */
  readonly running: boolean;
  /** Replicated tables, as `schema.table`, sorted. */
  readonly tables: readonly string[];
  /** How many of them are not yet copied and caught up (`srsubstate` other than `r`). */
  readonly pending: number;
}

export interface Slot {
  readonly name: string;
  readonly active: boolean;
  /** Byte position up to which the subscriber has applied and kept everything. */
  readonly confirmed: bigint;
  /** PostgreSQL has removed WAL that the subscriber still needs: the link cannot go on. */
  readonly lost: boolean;
}

/** A member's server, prepared by its agent. The same query reads it at home and on the peer. */
export interface MemberState {
  /** Of one life of the data directory: a rebuilt member has another. */
  readonly systemIdentifier: string;
  readonly base: string;
  /** When the server was started: what it kept in memory only is of this run. */
  readonly started: string;
  /** The pair this data directory has joined. */
  readonly pair: string | undefined;
  /** May serve under the server's present run: it had caught up, or had nobody to catch up with (P2). */
  readonly admitted: boolean;
  /** Hash of all schema changes executed here. */
  readonly changes: string;
  /** Byte position of the end of the WAL. */
  readonly wal: bigint;
  /** Published tables, as `schema.table`, sorted. */
  readonly tables: readonly string[];
  readonly subscriptions: readonly Subscription[];
  readonly slots: readonly Slot[];
}

/**
 * `unseen`: not looked at since the last operation. `absent`: no answer, `problem` says why. `bare`: a server without our
 * base, or one too old to be asked.
 */
export type Seen =
  | { readonly kind: 'unseen' }
  | { readonly kind: 'absent'; readonly problem: string }
  | { readonly kind: 'bare' }
  | { readonly kind: 'up'; readonly state: MemberState };

/** What only the member's own agent reads. */
export interface LocalSettings {
  readonly passwordCurrent: boolean;
  /** Mounted configuration or certificates are newer than what the server has loaded. */
  readonly reloadDue: boolean;
  /** Subscriptions that would connect otherwise than they should. */
  readonly reconnect: readonly string[];
  /** How often the link from the peer met each kind of conflict or error, by PostgreSQL's own names. */
  readonly conflicts: Readonly<Record<string, number>>;
}

/** Schema changes by name: what the peer has executed and this member has not. */
export interface ChangeGap {
  readonly missing: readonly string[];
  /** Made on both under one name, with different statements. */
  readonly conflicting: readonly string[];
}

export interface Observation {
  readonly member: string;
  readonly ordinal: number;
  readonly peer: string;
  readonly local: Seen;
  readonly remote: Seen;
  readonly settings: LocalSettings;
  readonly gap: ChangeGap;
  /** The pair's record; undefined until it has been seen once. */
  readonly record: RoleRecord | undefined;
  /** Everything the peer had at the first contact has been applied here. */
  readonly caughtUp: boolean;
  /** For how long (ms) the peer has neither answered nor been alive in the Services. */
  readonly peerAwayMs: number;
  readonly soloAfterMs: number;
  /** The member that is to be rebuilt on request; '' for none. */
  readonly replace: string;
}

export const NO_GAP: ChangeGap = { missing: [], conflicting: [] };
export const NO_SETTINGS: LocalSettings = {
  passwordCurrent: true,
  reloadDue: false,
  reconnect: [],
  conflicts: {},
};
