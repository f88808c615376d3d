// The tick model of the time rules (heartbeat, deadline from send, verdict by own renewals, question and promise), walked
// at random over the real verdict and certainty: A must never be able to serve while B may take.
import { describe, expect, test } from '@jest/globals';
import { certainUntil, confirmed, NO_CERTAINTY, sending } from './certainty.ts';
import type { Certainty } from './certainty.ts';
import { isDead, ownEchoed, ownFailed, ownSent, promised, seen, startObservation } from './verdict.ts';
import type { Observation } from './verdict.ts';

/** In ticks: duration, renew deadline, time to fence. */
interface Rule {
  readonly duration: number;
  readonly deadline: number;
  readonly fence: number;
}

const A = 'a/1';
const NEVER = Number.NEGATIVE_INFINITY;

/** Both sides, and what is under way between them and the API server. A serves, B watches. */
interface World {
  readonly now: number;
  readonly certainty: Certainty;
  readonly failsafeUntil: number;
  /** A's renewal under way. */
  readonly renewal: { readonly token: string; readonly landed: boolean } | undefined;
  /** A's Lease has changed, and B has not seen it yet. */
  readonly unseen: boolean;
  readonly b: Observation;
  /** B's own renewal under way. */
  readonly own: string | undefined;
  /** A's question to B while the API server is away from both, and B's answer. */
  readonly question: { readonly sentAt: number; readonly promised: boolean } | undefined;
  readonly promiseUntil: number;
  readonly apiOfA: boolean;
  readonly apiOfB: boolean;
}

type Change = Partial<World> | undefined;
type Move = (world: World, rule: Rule) => Change;

function start({ deadline, duration }: Rule): World {
  return {
    now: 0,
    certainty: confirmed(sending(NO_CERTAINTY, 'first', 0, deadline), 'first'),
    failsafeUntil: NEVER,
    renewal: undefined,
    unseen: false,
    b: sightOfA(startObservation(0), 0, duration),
    own: undefined,
    question: undefined,
    promiseUntil: NEVER,
    apiOfA: true,
    apiOfB: true,
  };
}

function sightOfA(observation: Observation, now: number, durationMs: number): Observation {
  return seen(observation, 'a', A, { durationMs, node: 'a' }, now);
}

function aHasGrounds(world: World): boolean {
  return world.now < Math.max(certainUntil(world.certainty), world.failsafeUntil);
}

/** The engine is surely stopped only the fencing time after the last ground to serve has gone. */
function aMayServe(world: World, rule: Rule): boolean {
  return world.now < Math.max(certainUntil(world.certainty), world.failsafeUntil) + rule.fence;
}

function bMayTake(world: World): boolean {
  return world.apiOfB && world.now >= world.promiseUntil && isDead(world.b, A);
}

/** Each returns what it changes; undefined where it is not possible. A lapsed A never resumes: that is the record's part (M11). */
const MOVES: Readonly<Record<string, Move>> = {
  tick: (world) => ({ now: world.now + 1 }),
  'A sends': (world, { deadline }) => {
    if (world.renewal !== undefined || !world.apiOfA || !aHasGrounds(world)) return undefined;
    const token = `a${world.now}`;
    return {
      renewal: { token, landed: false },
      certainty: sending(world.certainty, token, world.now, deadline),
    };
  },
  'A lands': (world) =>
    world.renewal?.landed === false && world.apiOfA
      ? { renewal: { ...world.renewal, landed: true }, unseen: true }
      : undefined,
  'A answered': (world) => {
    if (world.renewal?.landed !== true) return undefined;
    const { token } = world.renewal;
    return aHasGrounds(world)
      ? { renewal: undefined, certainty: confirmed(world.certainty, token) }
      : { renewal: undefined };
  },
  'A gives up': (world) => (world.renewal === undefined ? undefined : { renewal: undefined }),
  'B sees': (world, { duration }) =>
    world.unseen && world.apiOfB ? { unseen: false, b: sightOfA(world.b, world.now, duration) } : undefined,
  'B sends': (world) => {
    if (world.own !== undefined || !world.apiOfB) return undefined;
    const own = `b${world.now}`;
    return { own, b: ownSent(world.b, own, world.now) };
  },
  // One ordered watch: what was written before is seen before.
  'B echoed': (world, { duration }) => {
    if (world.own === undefined || !world.apiOfB) return undefined;
    const all = world.unseen ? sightOfA(world.b, world.now, duration) : world.b;
    const own = seen(all, 'b', 'b/1', { durationMs: duration, node: 'b' }, world.now);
    return { unseen: false, own: undefined, b: ownEchoed(own, world.own) };
  },
  'B fails': (world) =>
    world.own === undefined ? undefined : { own: undefined, b: ownFailed(world.b, world.now) },
  'A asks': (world) =>
    world.question === undefined && !world.apiOfA && aHasGrounds(world)
      ? { question: { sentAt: world.now, promised: false } }
      : undefined,
  'B promises': (world, { duration }) =>
    world.question?.promised === false && !world.apiOfB
      ? {
          question: { ...world.question, promised: true },
          promiseUntil: world.now + duration,
          b: promised(world.b, A, world.now),
        }
      : undefined,
  'promise arrives': (world, { deadline }) => {
    if (world.question?.promised !== true) return undefined;
    const until = world.question.sentAt + deadline;
    return aHasGrounds(world)
      ? { question: undefined, failsafeUntil: Math.max(world.failsafeUntil, until) }
      : { question: undefined };
  },
  'question lost': (world) => (world.question === undefined ? undefined : { question: undefined }),
  'cut A': (world) => ({ apiOfA: !world.apiOfA }),
  'cut B': (world) => ({ apiOfB: !world.apiOfB }),
  'B restarts': (world, { duration }) => ({
    b: sightOfA(startObservation(world.now), world.now, duration),
    unseen: false,
    own: undefined,
    promiseUntil: NEVER,
  }),
};

/** Time and B's own beats are common, faults are rare: else no wait would ever last one duration. */
const WEIGHTS: Readonly<Record<string, number>> = {
  tick: 20,
  'B sends': 20,
  'B echoed': 20,
  'A lands': 8,
  'A answered': 8,
  'promise arrives': 8,
  'B sees': 5,
  'A asks': 5,
  'B promises': 5,
  'A sends': 4,
  'cut A': 2,
  'cut B': 1,
  'A gives up': 1,
};
const FAULT_WEIGHT = 0.3;

/** Small and seeded (mulberry32): a failing walk can be run again. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<T extends { readonly weight: number }>(options: readonly T[], random: number): T | undefined {
  let left = random * options.reduce((sum, { weight }) => sum + weight, 0);
  return options.find(({ weight }) => (left -= weight) <= 0);
}

interface Result {
  readonly taken: number;
  readonly violation: { readonly seed: number; readonly path: readonly string[] } | undefined;
}

const WALKS = 3_000;
const STEPS = 200;

function walk(rule: Rule): Result {
  let taken = 0;
  for (let seed = 1; seed <= WALKS; seed += 1) {
    const random = generator(seed);
    let world = start(rule);
    const path: string[] = [];
    while (path.length < STEPS && !bMayTake(world)) {
      const enabled = Object.entries(MOVES).flatMap(([name, move]) => {
        const change = move(world, rule);
        return change === undefined ? [] : [{ name, change, weight: WEIGHTS[name] ?? FAULT_WEIGHT }];
      });
      const move = pick(enabled, random());
      if (move === undefined) break;
      path.push(move.name);
      world = { ...world, ...move.change };
    }
    if (!bMayTake(world)) continue;
    if (aMayServe(world, rule)) return { taken, violation: { seed, path } };
    taken += 1;
  }
  return { taken, violation: undefined };
}

describe('the time rules', () => {
  test.each<Rule>([
    { duration: 6, deadline: 4, fence: 1 },
    { duration: 10, deadline: 7, fence: 1 },
    { duration: 3, deadline: 2, fence: 1 },
  ])('$duration/$deadline/$fence ticks: B never may take while A may serve', (rule) => {
    const { violation, taken } = walk(rule);
    expect(violation).toBeUndefined();
    expect(taken).toBeGreaterThan(WALKS / 20);
  });

  test('the walks find a deadline that leaves no time to fence', () => {
    expect(walk({ duration: 6, deadline: 6, fence: 1 }).violation).toBeDefined();
  });
});
