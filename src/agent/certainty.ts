// Until when a pod may rely on its own heartbeat (L5): counted from the time a renewal was sent, never from its answer.

/** Plain data; monotonic milliseconds. */
export interface Certainty {
  /** Relied on until then, by the last confirmed renewal. */
  readonly until: number;
  /** Renewals whose outcome is not known yet: each may already have shortened what others grant. */
  readonly pending: readonly {
    readonly token: string;
    readonly sentAt: number;
    readonly deadlineMs: number;
  }[];
}

export const NO_CERTAINTY: Certainty = { until: Number.NEGATIVE_INFINITY, pending: [] };

/** Newest renewals that are kept through an outage, beside the one that binds. */
const KEPT = 4;

export function sending(certainty: Certainty, token: string, sentAt: number, deadlineMs: number): Certainty {
  const binding = certainty.pending.toSorted(
    (a, b) => a.sentAt + a.deadlineMs - (b.sentAt + b.deadlineMs),
  )[0];
  const pending = certainty.pending.filter(
    (each, index) => each === binding || index >= certainty.pending.length - KEPT,
  );
  return { ...certainty, pending: [...pending, { token, sentAt, deadlineMs }] };
}

/** The renewal is in the store (by its answer, or seen on the watch). Older ones have been decided with it. */
export function confirmed(certainty: Certainty, token: string): Certainty {
  const renewal = certainty.pending.find((each) => each.token === token);
  if (renewal === undefined) return certainty;
  return {
    until: renewal.sentAt + renewal.deadlineMs,
    pending: certainty.pending.filter((each) => each.sentAt > renewal.sentAt),
  };
}

/** The renewal was refused and changed nothing. */
export function refused(certainty: Certainty, token: string): Certainty {
  return { ...certainty, pending: certainty.pending.filter((each) => each.token !== token) };
}

/** Monotonic ms until which this pod may act as the Lease's holder. A pending renewal never lengthens it, but may shorten it. */
export function certainUntil(certainty: Certainty): number {
  return Math.min(certainty.until, ...certainty.pending.map((each) => each.sentAt + each.deadlineMs));
}
