// Has this member been away while its server went on running (pure)? A server that hung, or that the peer took out of the
// Services because nothing was heard of it, has missed what its peer was told meanwhile: it catches up before it serves (P2).
import type { MemberState, Seen } from './observation.ts';

/** Plain data, carried from one look to the next. */
export interface Presence {
  /** The server's run that was last seen answering. */
  readonly run: string | undefined;
  readonly absent: boolean;
  /** It was away, and has not been admitted again since. */
  readonly interrupted: boolean;
  /** How often it came back: each time, what it was caught up with counts no more. */
  readonly returns: number;
}

export const UNKNOWN_PRESENCE: Presence = { run: undefined, absent: false, interrupted: false, returns: 0 };

/**
 * @param peerServes alive, and in the pair's Service. Who is the last one to serve has missed nothing, and must not wait for one
 * that cannot.
 */
export function presence(before: Presence, local: Seen, peerServes: boolean): Presence {
  if (local.kind !== 'up') return { ...before, absent: true };
  const run = local.state.started;
  const returns = before.returns + (before.absent ? 1 : 0);
  // A new run of the server is not admitted anyway.
  const sameRun = before.run === undefined || before.run === run;
  const away = before.interrupted || before.absent;
  return { run, absent: false, interrupted: sameRun && away && peerServes, returns };
}

/** Not admitted, as after a start of the server. */
export function asReturning(state: MemberState): MemberState {
  return { ...state, admitted: false };
}
