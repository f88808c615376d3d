// Plays one fault: writers run outside, the fault strikes and heals, the fabric becomes whole, and every acknowledged write is
// looked up.
import { eventually, pause } from '../integration/kube-support.ts';
import type { NodeName } from '../lab/lab.ts';
import type { Fault } from './faults.ts';
import type { Ground, Kind } from './ground.ts';
import { History } from './history.ts';
import { changesOfWriter, errorsSince, longestGap, missing } from './ledger.ts';
import { lookup, startWriter } from './outside.ts';
import type { Place, Writer } from './outside.ts';

const NODES: readonly NodeName[] = ['n1', 'n2', 'n3'];
/** Before the fault, so that everything is under way. */
const WARM_UP_MS = 3_000;
/** After all is whole again. */
const COOL_DOWN_MS = 3_000;
const TOOK_HOLD_MS = 120_000;
const EVERY_MS: Readonly<Record<Kind, number>> = { mysql: 20, postgresql: 20, cassandra: 50, http: 25 };
const TIMEOUT_MS: Readonly<Record<Kind, number>> = {
  mysql: 1_500,
  postgresql: 1_500,
  cassandra: 5_000,
  http: 1_000,
};

export interface Ledger {
  readonly kind: Kind;
  readonly acknowledged: number;
  /** Acknowledged and not there. */
  readonly lost: readonly number[];
  /** Milliseconds without an acknowledgement, the worst after the fault. */
  readonly gapMs: number;
  readonly errors: ReadonlyMap<string, number>;
  /** Changes of writer beyond the role's hand-overs: two wrote at once. */
  readonly strays: number;
}

export interface Played {
  readonly fault: string;
  readonly ledgers: readonly Ledger[];
  /** Milliseconds from the fault until every condition was True again. */
  readonly wholeMs: number;
  /** '' when the role records kept the rules. */
  readonly violation: string;
}

/** @throws Error when the fault did not take hold, or the fabric does not become whole */
export async function play(ground: Ground, fault: Fault): Promise<Played> {
  await ground.untilWhole();
  const struck = (await fault.strikes?.(ground)) ?? [];
  const place = NODES.find((node) => !struck.includes(node)) ?? 'client';
  const history = new History();
  await history.start(ground.kube, ground.fabric.namespace, ground.log);
  const writers = await Promise.all(fault.ledgers.map((kind) => start(ground, kind, place)));
  const began = Date.now();
  try {
    await pause(WARM_UP_MS);
    const blow = await fault.strike(ground);
    await blow.heal();
    await eventually(`it took hold: ${fault.name}`, TOOK_HOLD_MS, blow.tookHold);
    await ground.untilWhole();
    const wholeMs = Date.now() - blow.at;
    await pause(COOL_DOWN_MS);
    await Promise.all(writers.map((writer) => writer.stop()));
    const handOvers = history.handOvers(ground.leaseOf('mysql'), began);
    const ledgers = await Promise.all(writers.map((writer) => close(writer, place, blow.at, handOvers)));
    return { fault: fault.name, ledgers, wholeMs, violation: history.violation() };
  } finally {
    await Promise.allSettled(writers.map((writer) => writer.stop()));
    await history.stop();
  }
}

async function start(ground: Ground, kind: Kind, place: Place): Promise<Writer> {
  // The Web IP is for those outside; the databases' Services are known on the nodes only.
  return startWriter(kind === 'http' ? 'client' : place, {
    target: await ground.target(kind),
    // Unique for all runs on one fabric.
    firstId: Date.now() * 100,
    everyMs: EVERY_MS[kind],
    timeoutMs: TIMEOUT_MS[kind],
  });
}

async function close(
  { target, attempts }: Writer,
  place: Place,
  at: number,
  handOvers: number,
): Promise<Ledger> {
  const ids = attempts.map(({ id }) => id);
  const found =
    target.kind === 'http'
      ? new Map(ids.map((id) => [id, '']))
      : await lookup(place, { target, first: Math.min(...ids), last: Math.max(...ids) });
  return {
    kind: target.kind,
    acknowledged: attempts.filter(({ error }) => error === '').length,
    lost: missing(attempts, found),
    gapMs: longestGap(attempts, at),
    errors: errorsSince(attempts, at),
    strays: target.kind === 'mysql' ? Math.max(0, changesOfWriter(found) - handOvers) : 0,
  };
}
