// All that a decision of the agent rests on, and the steps it can come to: plain data.
import type { Handover } from '../../agent/role-notes.ts';
import type { Copy, RoleChange, RoleRecord } from '../../agent/role-record.ts';
import type { EngineState, PeerReport, RunningEngine } from './member-state.ts';
import { copyOf, sameCopy } from './member-state.ts';
import type { History } from './history.ts';

/** The writes on the role's record, each with its own meaning to M4 and M5. */
export type WriteKind =
  | 'claim'
  | 'take'
  | 'open'
  | 'admit'
  | 'withdraw'
  | 'release'
  | 'prove'
  | 'rearm'
  /** No recorded copy takes the role: this member says what it has. */
  | 'strand'
  /** The standby leaves the record for good: it is made anew. */
  | 'condemn'
  /** A request that cannot be granted counts as answered. */
  | 'refuse'
  /** How the role came here. */
  | 'note';

/** A write whose outcome is not known. It can land only while the record still is the version it was sent for. */
export interface PendingWrite {
  readonly kind: WriteKind;
  readonly base: string;
  readonly copies: readonly Copy[] | undefined;
}

export interface View {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** This pod: `POD/UID`, and its member name. */
  readonly self: string;
  readonly member: string;
  readonly ordinal: number;
  /** The other member's name. */
  readonly peerMember: string;
  /** The newest record known: by the watch, or by an own confirmed write. */
  readonly record: RoleRecord | undefined;
  /** Is `record` the one seen on the watch that feeds the verdict (M4)? */
  readonly recordOnWatch: boolean;
  /** Own writes of unknown outcome over `record`. */
  readonly pending: readonly PendingWrite[];
  /** Was a cluster of this name initialised before? undefined: could not be read. */
  readonly initialised: boolean | undefined;
  /** The own heartbeat is renewed. */
  readonly certain: boolean;
  /** It may serve: the heartbeat is renewed, or the failsafe holds. */
  readonly permitted: boolean;
  /** mysqld may run for longer than the last heartbeat says: no standby is recorded now (L1). */
  readonly lent: boolean;
  /** A write on the record was confirmed since the agent's start and since the last passed deadline (M11). */
  readonly proven: boolean;
  /** The dead-rule's word on `record.holder`. */
  readonly holderDead: boolean;
  /** A promise to the peer not to take is in force. */
  readonly promised: boolean;
  /** This member has just released the role: the other has the first go. */
  readonly refrain: boolean;
  /** The pod is being stopped: it takes nothing any more. */
  readonly stopping: boolean;
  /** Why this holder has begun to hand over; undefined when it has not. */
  readonly handingOver: string | undefined;
  /** The SpaceCluster's switchover annotation as far as it means this role; '' when it does not. */
  readonly asked: string;
  /** The member that is to be made anew, by the replace-member annotation; '' when it names none of this pair. */
  readonly replace: string;
  /** The token of accepted loss, where the annotations force the role onto this member; else ''. */
  readonly force: string;
  /** For how long nobody alive has held the role; 0 while somebody does. */
  readonly unheldMs: number;
  /** RFC 3339: this member has all that was committed until then; '' when it has nothing, or it was not looked for. */
  readonly upTo: string;
  /** How the role came here, once it is routed and where the record does not say so yet. */
  readonly handover: Handover | undefined;
  readonly durability: 'Preferred' | 'Required';
  /** So long a standby may be gone, or an acknowledgement outstanding, before it leaves `copies`. */
  readonly graceMs: number;
  readonly engine: EngineState;
  /** The peer agent's word, when it is fresh. */
  readonly peer: PeerReport | undefined;
  readonly history: History;
  /** Users, schema and marker table are as the Secrets say, in this life of the engine. */
  readonly provisioned: boolean;
  /** Passwords that were replaced long enough ago are still valid. */
  readonly retire: boolean;
  /** The rw slice names this pod under the record's epoch. */
  readonly published: boolean;
  /** A long work under way. */
  readonly job: 'initialize' | 'clone' | 'tidy' | undefined;
  /** Data directories in the volume that are not in use. */
  readonly leftovers: readonly string[];
  /** Names for a data directory to be made. */
  readonly fresh: { readonly datadir: string; readonly serverUuid: string };
}

export type Step =
  | { readonly kind: 'wait'; readonly reason: string }
  | {
      readonly kind: 'write';
      readonly write: WriteKind;
      readonly base: RoleRecord;
      readonly change: RoleChange;
      readonly reason: string;
    }
  | { readonly kind: 'initialize'; readonly datadir: string; readonly serverUuid: string }
  /** `errant`: GTIDs that only this member has and that are saved before (M9). */
  | { readonly kind: 'clone'; readonly donor: string; readonly bytes: number; readonly errant: string }
  | { readonly kind: 'end-clone' }
  | { readonly kind: 'remove'; readonly datadir: string }
  | { readonly kind: 'follow'; readonly source: string }
  | { readonly kind: 'start-replica' }
  | { readonly kind: 'start-applying' }
  | { readonly kind: 'stop-receiving' }
  /** Cuts off the standbys that receive from here. */
  | { readonly kind: 'stop-sending' }
  | { readonly kind: 'stop-replica' }
  | { readonly kind: 'forget-source' }
  | { readonly kind: 'semi-sync'; readonly on: boolean; readonly reason: string }
  | { readonly kind: 'open' }
  /** `planned`: by the holder, whose deadline still guards it; else it is fencing (M7). */
  | { readonly kind: 'close'; readonly planned: boolean; readonly reason: string }
  /** From now on the role is being given up. */
  | { readonly kind: 'hand-over'; readonly reason: string }
  | { readonly kind: 'let-in' }
  | { readonly kind: 'provision' }
  /** Only the Secrets' passwords are valid from now on. */
  | { readonly kind: 'retire' };

export function wait(reason: string): Step {
  return { kind: 'wait', reason };
}

/** Closes where another may open, or does already: it is killed rather than waited for (M7). */
export function fence(reason: string): Step {
  return { kind: 'close', planned: false, reason };
}

/** The record and the view of it, once there is one. */
export type Recorded = View & { readonly record: RoleRecord };

export function writeStep(view: Recorded, write: WriteKind, change: RoleChange, reason: string): Step {
  return { kind: 'write', write, base: view.record, change, reason };
}

export function ownCopy(view: View, engine: RunningEngine): Copy {
  return copyOf(view.member, engine);
}

/** M2, M3: does the record name exactly this member, server and data directory? */
export function isRecorded(view: Recorded, copy: Copy): boolean {
  return view.record.copies.some((each) => sameCopy(each, copy));
}

/**
 * Might the peer hold the role's data, by the record or by a write that may have landed? Then every commit waits for it.
 * A withdrawal of unknown outcome counts as not done, an admission as done: whichever is worse (M5).
 */
export function peerMayCount(view: Recorded): boolean {
  const named = (copies: readonly Copy[] | undefined): boolean =>
    copies?.some((copy) => copy.member !== view.member) === true;
  return named(view.record.copies) || view.pending.some((write) => named(write.copies));
}

/** Is the peer certainly named, whatever became of own writes of unknown outcome? */
export function peerSurelyCounts(view: Recorded): boolean {
  const named = (copies: readonly Copy[]): boolean => copies.some((copy) => copy.member !== view.member);
  return (
    named(view.record.copies) && view.pending.every(({ copies }) => copies === undefined || named(copies))
  );
}

/** Does the record name the peer, and, as far as its agent tells, the data directory that it runs on? */
export function peerCounts(
  record: RoleRecord | undefined,
  peerMember: string,
  peer: PeerReport | undefined,
): boolean {
  const copy = record?.copies.find(({ member }) => member === peerMember);
  if (copy === undefined) return false;
  return peer?.engine.kind !== 'running' || sameCopy(copy, copyOf(peerMember, peer.engine));
}

export function isPending(view: View, kind: WriteKind): boolean {
  return view.pending.some((write) => write.kind === kind);
}

/** Does a primary that is alive still count on this standby, though it says that it is being stopped? */
export function isStillNeeded(view: View): boolean {
  const { record, engine, holderDead, durability } = view;
  if (record?.holder === undefined || holderDead || durability === 'Required') return false;
  return engine.kind === 'running' && isRecorded({ ...view, record }, ownCopy(view, engine));
}

/** M8: what may be open has to prove that it commits; a server that does not answer is the very case. */
export function mustCommit(view: View): boolean {
  const { engine, record, self, provisioned } = view;
  if (record?.holder !== self || !provisioned) return false;
  return engine.kind === 'unknown' || (engine.kind === 'running' && engine.writable);
}
