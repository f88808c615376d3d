// The API server is away: may the holder carry on (design, "Failure detection")? And what a peer answers. Pure.
import type { RoleRecord } from '../../agent/role-record.ts';
import { LONG_OUTAGE_MS, timingOf } from '../../agent/timing.ts';
import type { Timing } from '../../agent/timing.ts';

/** Of a member that the record names, phase `open`, with no hand-over under way. */
export interface HolderView {
  readonly now: number;
  /** Of its heartbeat. */
  readonly beat: Timing;
  /** The engine is open. */
  readonly writable: boolean;
  /** Semi-sync is on: a standby is recorded, or may be at any moment. */
  readonly semiSync: boolean;
  /** Until when this member may serve, the failsafe included. */
  readonly permitUntil: number;
  /** Until when the last renewal lasts. */
  readonly heartbeatUntil: number;
  /** See `Permit.lent`. */
  readonly lent: boolean;
  /** The record, or a write that may have landed, names the peer. */
  readonly peerMayCount: boolean;
  /** The peer's last answer, while it means anything. */
  readonly answer: Answer | undefined;
}

export type Answer =
  /** It does not take for one duration. */
  | 'promised'
  /** It can write to the API server, so it may take; or it holds or is taking the role. */
  | 'refused';

export type FailsafeStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'carry-on' }
  | { readonly kind: 'ask' }
  /** No more than the heartbeat grants, before a standby counts. */
  | { readonly kind: 'give-back' }
  | { readonly kind: 'yield' };

/**
 * What is asked for. First as little as a heartbeat grants, so that a short disturbance does not slow down a failover after
 * it. In an outage that goes on, enough for an agent to be started anew in: nobody can take anything meanwhile. The same
 * at any time for a holder that is alone: to kill it for a slow disk or a busy machine would help nobody.
 */
export function paceOf(
  view: Pick<HolderView, 'now' | 'beat' | 'heartbeatUntil' | 'peerMayCount' | 'semiSync'>,
): Timing {
  const alone = !view.peerMayCount && !view.semiSync;
  return alone || view.now - view.heartbeatUntil > LONG_OUTAGE_MS
    ? timingOf('Relaxed', 'candidate')
    : view.beat;
}

/** A holder that was refused closes so long before its permit ends: closed is better than killed. */
const YIELD_MS = 400;

/** Heartbeats that come keep more than half of the permit; below that something is wrong, and time for questions is left. */
export function decideFailsafe(view: HolderView): FailsafeStep {
  if (!view.writable) return { kind: 'none' };
  const renewed = view.heartbeatUntil - view.now > view.beat.renewDeadlineMs / 2;
  if (renewed && view.lent && view.semiSync && !view.peerMayCount) return { kind: 'give-back' };
  const left = view.permitUntil - view.now;
  if (left > paceOf(view).renewDeadlineMs / 2) return { kind: 'none' };
  // Alone in the last confirmed record, nobody else may take.
  if (!view.peerMayCount) return { kind: 'carry-on' };
  return view.answer === 'refused' && left < YIELD_MS ? { kind: 'yield' } : { kind: 'ask' };
}

export interface Question {
  readonly holder: string;
  readonly epoch: number;
  readonly durationMs: number;
}

export interface AskedView {
  readonly record: Pick<RoleRecord, 'holder' | 'epoch'> | undefined;
  /** An own taking of unknown outcome. */
  readonly taking: boolean;
  /** Could the record be read from the API server just now? */
  readonly apiReachable: boolean;
}

/** What a peer answers, and so whether it then keeps from taking. One with an older record believes the asker. */
export function answerTo(question: Question, view: AskedView): Answer {
  if (view.apiReachable || view.taking) return 'refused';
  if (view.record === undefined || view.record.epoch < question.epoch) return 'promised';
  return view.record.epoch === question.epoch && view.record.holder === question.holder
    ? 'promised'
    : 'refused';
}
