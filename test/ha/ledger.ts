// What a client was told, and what it proves: how long nobody answered, which acknowledged writes are missing. Pure.
import type { Attempt } from './clients/main.ts';

/** Ids that were acknowledged. */
export function acknowledged(attempts: readonly Attempt[]): readonly number[] {
  return attempts.filter(({ error }) => error === '').map(({ id }) => id);
}

export function missing(
  attempts: readonly Attempt[],
  found: ReadonlyMap<number, unknown>,
): readonly number[] {
  return acknowledged(attempts).filter((id) => !found.has(id));
}

/**
 * The longest time, in milliseconds, between an acknowledgement and the next, of those that end after `since`; that from the last one
 * to `until` as well (both milliseconds since 1970). Infinite when nothing was acknowledged after `since`.
 */
export function longestGap(attempts: readonly Attempt[], since: number, until: number): number {
  const times = attempts.filter(({ error, to }) => error === '' && to <= until).map(({ to }) => to);
  const last = times.at(-1);
  if (last === undefined || last < since) return Number.POSITIVE_INFINITY;
  const gaps = times.flatMap((to, index) => {
    const before = times[index - 1];
    return before === undefined || to < since ? [] : [to - before];
  });
  return Math.max(...gaps, until - last);
}

/** Attempts that failed in one way. */
export interface Failure {
  readonly error: string;
  readonly times: number;
  /** Milliseconds from the fault to the beginning of the last of them. */
  readonly lastMs: number;
}

/** How attempts failed that ended after `since`, the latest kind last. */
export function failures(attempts: readonly Attempt[], since: number): readonly Failure[] {
  const found = new Map<string, Failure>();
  for (const { error, from, to } of attempts) {
    if (error === '' || to < since) continue;
    const times = (found.get(error)?.times ?? 0) + 1;
    found.delete(error);
    found.set(error, { error, times, lastMs: Math.max(0, from - since) });
  }
  return [...found.values()];
}

/** Keys that two members do not hold with the same value. */
export function differences(
  a: ReadonlyMap<number, string>,
  b: ReadonlyMap<number, string>,
): readonly number[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].filter((key) => a.get(key) !== b.get(key));
}

/** How often the writer changed, in the order of ids. One client writes one id after the other: more changes than hand-overs are two writers at once. */
export function changesOfWriter(found: ReadonlyMap<number, string>): number {
  const writers = [...found].toSorted(([a], [b]) => a - b).map(([, writer]) => writer);
  return writers.filter((writer, index) => index > 0 && writer !== writers[index - 1]).length;
}
