// The dead-rule (design, "Failure detection"; checked exhaustively as a tick model): who may be taken for dead, and when.
// An identity is dead once a renewal of the observer's own, sent at least one duration after the identity's Lease was last
// seen to change, has come back on the observer's watch with no change before it. Counting renewals, or time alone, fails.
import { LONGEST_DURATION_MS } from './timing.ts';

/** The last sign of life of one identity (`POD/UID`). Times are monotonic milliseconds of the observer's clock. */
export interface Sighting {
  readonly at: number;
  readonly durationMs: number;
  readonly node: string;
  /** It emptied its own Lease: it has stopped all it did under it. */
  readonly released: boolean;
}

/** All an observer knows. One ordered watch feeds it, so that an own renewal seen proves that nothing older is missing. */
export interface Observation {
  /** No identity counts as last seen before this: the start, and again each failure of an own renewal. */
  readonly since: number;
  readonly sightings: ReadonlyMap<string, Sighting>;
  /** Heartbeat Lease name to the identity in it. */
  readonly holders: ReadonlyMap<string, string>;
  /** Send times of own renewals that have not come back yet, by token (`renewTime`). */
  readonly sent: ReadonlyMap<string, number>;
  /** Send time of the newest own renewal that came back; undefined where a failure ended what it had proved. */
  readonly proof: number | undefined;
}

export function startObservation(now: number): Observation {
  return { since: now, sightings: new Map(), holders: new Map(), sent: new Map(), proof: undefined };
}

/** A change of a heartbeat Lease was seen: its first sight, a renewal, a new holder, or a release (`identity` undefined). */
export function seen(
  observation: Observation,
  lease: string,
  identity: string | undefined,
  facts: { readonly durationMs: number; readonly node: string },
  now: number,
): Observation {
  const sightings = new Map(observation.sightings);
  const holders = new Map(observation.holders);
  if (identity === undefined) {
    const before = holders.get(lease);
    const last = before === undefined ? undefined : sightings.get(before);
    if (before !== undefined && last !== undefined) sightings.set(before, { ...last, released: true });
    holders.delete(lease);
  } else {
    sightings.set(identity, { at: now, ...facts, released: false });
    holders.set(lease, identity);
  }
  return { ...observation, sightings: pruned(sightings, holders, now), holders };
}

/** The Lease itself is gone. Proves nothing about its holder, which counts from its last sighting. */
export function leaseGone(observation: Observation, lease: string): Observation {
  const holders = new Map(observation.holders);
  holders.delete(lease);
  return { ...observation, holders };
}

export function ownSent(observation: Observation, token: string, now: number): Observation {
  return { ...observation, sent: new Map(observation.sent).set(token, now) };
}

/** An own renewal came back on the watch. All changes before it in the store have been seen by now. */
export function ownEchoed(observation: Observation, token: string): Observation {
  const at = observation.sent.get(token);
  if (at === undefined) return observation;
  const sent = new Map([...observation.sent].filter(([, each]) => each > at));
  return { ...observation, sent, proof: Math.max(at, observation.proof ?? at) };
}

/** An own renewal failed or is of unknown outcome: every verdict ends and every wait starts anew. So an API outage kills nobody. */
export function ownFailed(observation: Observation, now: number): Observation {
  return { ...observation, since: now, sent: new Map(), proof: undefined };
}

/** A promise was given to a peer not to take for one duration: its wait starts anew (failsafe; the spec's `resetOnPromise`). */
export function promised(observation: Observation, identity: string, now: number): Observation {
  const { durationMs, node } = observation.sightings.get(identity) ?? {
    durationMs: LONGEST_DURATION_MS,
    node: '',
  };
  const sighting = { at: now, durationMs, node, released: false };
  return { ...observation, sightings: new Map(observation.sightings).set(identity, sighting) };
}

/** May whoever bears this identity be taken for dead? It holds until the next call of `seen`, `ownFailed` or `promised` for it. */
export function isDead(observation: Observation, identity: string): boolean {
  const last = observation.sightings.get(identity);
  if (last?.released === true) return true;
  if (observation.proof === undefined) return false;
  return observation.proof >= lastSeenAt(observation, identity) + waitFor(observation, identity);
}

/**
 * When the next silence will have lasted for its duration: an own renewal sent then, not at the next beat, is what a verdict waits
 * for. Undefined while nobody's silence has yet to run out.
 */
export function nextExpiry(observation: Observation, now: number): number | undefined {
  const ends = [...observation.holders.values()]
    .map((identity) => lastSeenAt(observation, identity) + durationOf(observation, identity))
    .filter((end) => end > now);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** How long ago the identity gave its last sign of life, for status and Events. */
export function silentFor(observation: Observation, identity: string, now: number): number {
  return now - lastSeenAt(observation, identity);
}

function lastSeenAt(observation: Observation, identity: string): number {
  return Math.max(observation.since, observation.sightings.get(identity)?.at ?? observation.since);
}

function durationOf(observation: Observation, identity: string): number {
  return observation.sightings.get(identity)?.durationMs ?? LONGEST_DURATION_MS;
}

/**
 * One duration; two where the Leases of more than half of the nodes ran out together, which looks rather like trouble
 * between the API server and all of them. By node, not by Lease: in a pair of nodes, one must be able to fail.
 */
function waitFor(observation: Observation, identity: string): number {
  const durationMs = durationOf(observation, identity);
  const reference = observation.sightings.get(identity)?.at ?? observation.since;
  let nodes = 0;
  let together = 0;
  for (const [, members] of Map.groupBy(currentMembers(observation), ({ node }) => node)) {
    const expired = members.every((member) => expiredAlone(observation, member.identity));
    const lastSeen = Math.max(...members.map((member) => member.at));
    // A node that was lost long before is no part of this event, nor of the nodes it is measured by.
    if (expired && lastSeen < reference - durationMs) continue;
    nodes += 1;
    if (expired) together += 1;
  }
  return together * 2 > nodes ? 2 * durationMs : durationMs;
}

function currentMembers(
  observation: Observation,
): readonly { readonly identity: string; readonly node: string; readonly at: number }[] {
  return [...observation.holders.values()].flatMap((identity) => {
    const sighting = observation.sightings.get(identity);
    // Without a node's name a pod stands for itself.
    return sighting === undefined
      ? []
      : [{ identity, node: sighting.node === '' ? identity : sighting.node, at: sighting.at }];
  });
}

function expiredAlone(observation: Observation, identity: string): boolean {
  const { proof } = observation;
  return (
    proof !== undefined && proof >= lastSeenAt(observation, identity) + durationOf(observation, identity)
  );
}

/** Identities of pods long replaced are forgotten; an unknown one counts from `since`, which is no later than their time. */
const FORGET_MS = 3_600_000;

function pruned(
  sightings: Map<string, Sighting>,
  holders: ReadonlyMap<string, string>,
  now: number,
): ReadonlyMap<string, Sighting> {
  const current = new Set(holders.values());
  for (const [identity, { at }] of sightings) {
    if (!current.has(identity) && at < now - FORGET_MS) sightings.delete(identity);
  }
  return sightings;
}
