// Plays one fault: writers run outside, the fault strikes and heals, the fabric becomes whole, and every acknowledged write is
// looked up.
import { eventually, pause } from '../integration/kube-support.ts';
import { NODES } from '../lab/lab.ts';
import type { Target } from './clients/client.ts';
import type { Attempt } from './clients/main.ts';
import { WAITS_MS } from './faults.ts';
import type { Fault } from './faults.ts';
import { untilFollowed } from './followers.ts';
import type { Ground, Kind } from './ground.ts';
import { History } from './history.ts';
import { acknowledged, changesOfWriter, differences, failures, longestGap, missing } from './ledger.ts';
import type { Failure } from './ledger.ts';
import { lookup, startWriter } from './outside.ts';
import type { Place, Writer } from './outside.ts';

/** Before the fault, so that everything is under way. */
const WARM_UP_MS = 3_000;
/** Clients are served again when they were for so long, with no longer pause. */
const SERVED_FOR_MS = 2_000;
const PAUSE_MS = 1_000;
const TOOK_HOLD_MS = 120_000;
const LOOK_EVERY_MS = 1_000;
/** Longer than any wait that is borne: the verdict says of one that it was too long. */
const SERVED_MS = 240_000;
const CONVERGED_MS = 120_000;
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
  /** Acknowledged and not there; of a pair with two writable members, on either. */
  readonly lost: readonly number[];
  /** Rows that two members do not hold alike. */
  readonly different: readonly number[];
  /** Milliseconds without an acknowledgement, the worst after the fault. */
  readonly gapMs: number;
  /** The longest that is borne. */
  readonly boundMs: number;
  readonly failures: readonly Failure[];
  /** Changes of writer beyond the role's hand-overs: two wrote at once. */
  readonly strays: number;
}

export interface Played {
  readonly fault: string;
  readonly ledgers: readonly Ledger[];
  /** Milliseconds from the fault until every condition was True again. */
  readonly wholeMs: number;
  /** Milliseconds from the fault until every node followed the API server again, where it had been taken from some. */
  readonly followedMs: number | undefined;
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
  const books: Book[] = [];
  const closed: Book[] = [];
  const stop = (some: readonly Book[]): Promise<unknown> =>
    Promise.all(writersOf(some).map((writer) => writer.stop()));
  const began = Date.now();
  try {
    for (const kind of fault.ledgers) books.push(await open(ground, kind, place));
    for (const kind of fault.closed ?? []) closed.push(await open(ground, kind, NODES[0]));
    await pause(WARM_UP_MS);
    await stop(closed);
    const blow = await fault.strike(ground);
    await blow.heal();
    await eventually(`it took hold: ${fault.name}`, TOOK_HOLD_MS, blow.tookHold, LOOK_EVERY_MS);
    const wholeFirst = await ground.untilStaysWhole();
    await eventually(`writes are acknowledged again: ${fault.name}`, SERVED_MS, () =>
      books.every(({ main }) => isServed(main.attempts)),
    );
    const end = Date.now();
    await stop(books);
    const followedMs = fault.deafens === true ? (await untilFollowed(ground.kube)) - blow.at : undefined;
    // Where the operators were struck too, the status was from before until they were back.
    const wholeMs = (await ground.untilStaysWhole(wholeFirst)) - blow.at;
    const handOvers = history.handOvers(ground.leaseOf('mysql'), began);
    const shut = async (book: Book): Promise<Ledger> => ({
      ...(await close(ground, book, [blow.at, end], handOvers)),
      boundMs: fault.waitsMs?.[book.main.target.kind] ?? WAITS_MS,
    });
    const ledgers = await Promise.all(books.map(shut));
    // What it saw ended before the fault: only what it was promised counts.
    for (const book of closed) ledgers.push({ ...(await shut(book)), gapMs: 0 });
    return { fault: fault.name, ledgers, wholeMs, followedMs, violation: history.violation() };
  } finally {
    await stop([...books, ...closed]).catch(() => undefined);
    await history.stop();
  }
}

function isServed(attempts: readonly Attempt[]): boolean {
  const now = Date.now();
  return longestGap(attempts, now - SERVED_FOR_MS, now) < PAUSE_MS;
}

/** A writer, and where two members take writes one more at each, for the same rows. */
interface Book {
  readonly place: Place;
  readonly main: Writer;
  readonly rivals: readonly Writer[];
}

function writersOf(books: readonly Book[]): readonly Writer[] {
  return books.flatMap(({ main, rivals }) => [main, ...rivals]);
}

async function open(ground: Ground, kind: Kind, node: Place): Promise<Book> {
  // The Web IP is for those outside; the databases' Services are known on the nodes only.
  const place = kind === 'http' ? 'client' : node;
  const start = (target: Target): Promise<Writer> =>
    // Ids are unique for all runs on one fabric.
    startWriter(place, {
      target,
      firstId: nextId(),
      everyMs: EVERY_MS[kind],
      timeoutMs: TIMEOUT_MS[kind],
    });
  const main = await start(await ground.target(kind));
  const rivals = [];
  for (const target of await members(ground, kind)) rivals.push(await start(target));
  return { place, main, rivals };
}

let last = 0;

/** Far from all others: a writer makes less than a million attempts. */
function nextId(): number {
  last = Math.max(last + 1_000_000, Date.now() * 1_000);
  return last;
}

async function members(ground: Ground, kind: Kind): Promise<readonly Target[]> {
  if (kind !== 'postgresql') return [];
  return Promise.all([0, 1].map((n) => ground.target(kind, ground.pod(`postgresql-${n}`))));
}

async function close(
  ground: Ground,
  book: Book,
  [from, to]: readonly [from: number, to: number],
  handOvers: number,
): Promise<Omit<Ledger, 'boundMs'>> {
  const { place, main, rivals } = book;
  const { kind } = main.target;
  const attempts = main.attempts;
  const base = {
    kind,
    acknowledged: acknowledged(attempts).length,
    gapMs: longestGap(attempts, from, to),
    failures: failures(attempts, from),
  };
  if (kind === 'http') return { ...base, lost: [], different: [], strays: 0 };
  const every = [main, ...rivals].flatMap((writer) => writer.attempts);
  const ids = every.map(({ id }) => id);
  const find = (target: Target): Promise<ReadonlyMap<number, string>> =>
    lookup(place, { target, first: Math.min(...ids), last: Math.max(...ids) });
  if (rivals.length === 0) {
    const found = await find(main.target);
    const strays = kind === 'mysql' ? Math.max(0, changesOfWriter(found) - handOvers) : 0;
    return { ...base, lost: missing(every, found), different: [], strays };
  }
  const [a, b] = await alike(await members(ground, kind), find);
  return {
    ...base,
    lost: [...missing(every, a), ...missing(every, b)],
    different: differences(a, b),
    strays: 0,
  };
}

/** Both members' rows, as soon as they are alike, or as they are when the time is over. */
async function alike(
  targets: readonly Target[],
  find: (target: Target) => Promise<ReadonlyMap<number, string>>,
): Promise<readonly [ReadonlyMap<number, string>, ReadonlyMap<number, string>]> {
  const end = Date.now() + CONVERGED_MS;
  for (;;) {
    const [a = new Map<number, string>(), b = new Map<number, string>()] = await Promise.all(
      targets.map(find),
    );
    if (differences(a, b).length === 0 || Date.now() > end) return [a, b];
    await pause(1_000);
  }
}
