// GTID sets: which transactions a server has. Pure algebra over MySQL's textual form, tags (8.3+) included.
import { EngineError } from '../../errors.ts';

/** Closed interval of transaction numbers. */
type Interval = readonly [first: number, last: number];

/** By `uuid` or `uuid:tag`, in lower case; intervals sorted, apart from each other and never adjacent; no empty entries. */
export type GtidSet = ReadonlyMap<string, readonly Interval[]>;

export const NO_GTIDS: GtidSet = new Map();

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^(\d+)(?:-(\d+))?$/;

/**
 * Reads `uuid:1-5:7:tag:1-3,...` as servers print it (line breaks included).
 * @throws EngineError when the text is no GTID set: one must never be guessed at
 */
export function parseGtids(text: string): GtidSet {
  const found = new Map<string, Interval[]>();
  for (const part of text.toLowerCase().split(',')) {
    const [uuid = '', ...items] = part.split(':').map((item) => item.trim());
    if (uuid === '' && items.length === 0) continue;
    if (!UUID.test(uuid) || items.length === 0) throw unreadable(text);
    let origin = uuid;
    for (const item of items) {
      const match = INTERVAL.exec(item);
      if (match !== null) {
        const first = Number(match[1]);
        const last = Number(match[2] ?? match[1]);
        if (first < 1 || last < first || !Number.isSafeInteger(last)) throw unreadable(text);
        found.set(origin, [...(found.get(origin) ?? []), [first, last]]);
      } else if (TAG.test(item)) {
        origin = `${uuid}:${item}`;
      } else {
        throw unreadable(text);
      }
    }
  }
  return new Map([...found].map(([origin, intervals]) => [origin, normalised(intervals)]));
}

/** The canonical text: origins sorted, so that equal sets have equal texts. */
export function formatGtids(set: GtidSet): string {
  return [...Map.groupBy(set, ([origin]) => origin.slice(0, 36))]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([uuid, entries]) =>
      entries
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .reduce((text, [origin, intervals]) => {
          const tag = origin.slice(36);
          return `${text}${tag}:${intervals.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(':')}`;
        }, uuid),
    )
    .join(',');
}

export function unionGtids(a: GtidSet, b: GtidSet): GtidSet {
  const origins = new Set([...a.keys(), ...b.keys()]);
  return new Map(
    [...origins].map((origin) => [origin, normalised([...(a.get(origin) ?? []), ...(b.get(origin) ?? [])])]),
  );
}

/** What is in `a` and not in `b`. */
export function subtractGtids(a: GtidSet, b: GtidSet): GtidSet {
  return new Map(
    [...a]
      .map(([origin, intervals]) => [origin, difference(intervals, b.get(origin) ?? [])] as const)
      .filter(([, intervals]) => intervals.length > 0),
  );
}

/** Is all of `part` in `whole`? */
export function containsGtids(whole: GtidSet, part: GtidSet): boolean {
  return subtractGtids(part, whole).size === 0;
}

/** The set without the transactions that first committed on one server, tagged or not. */
export function withoutOrigin(set: GtidSet, uuid: string): GtidSet {
  return new Map([...set].filter(([origin]) => origin.slice(0, 36) !== uuid.toLowerCase()));
}

export function countGtids(set: GtidSet): number {
  return [...set.values()].flat().reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

function normalised(intervals: readonly Interval[]): readonly Interval[] {
  const merged: Interval[] = [];
  for (const [first, last] of intervals.toSorted((a, b) => a[0] - b[0])) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before[1] + 1) {
      merged[merged.length - 1] = [before[0], Math.max(before[1], last)];
    } else {
      merged.push([first, last]);
    }
  }
  return merged;
}

function difference(from: readonly Interval[], away: readonly Interval[]): readonly Interval[] {
  return away.reduce<readonly Interval[]>(
    (rest, [first, last]) =>
      rest.flatMap(([a, b]): readonly Interval[] => {
        if (last < a || first > b) return [[a, b]];
        const left: readonly Interval[] = first > a ? [[a, first - 1]] : [];
        return last < b ? [...left, [last + 1, b]] : left;
      }),
    from,
  );
}

function unreadable(text: string): EngineError {
  return new EngineError(`not a GTID set: ${text.slice(0, 200)}`);
}
