// Decides whether an occurrence becomes a new Event, a count on an earlier one, or nothing. Pure but for its own memory.

export type EventDecision =
  | { readonly kind: 'create' }
  /** `count` occurrences so far, to be written onto the Event called `name`. */
  | { readonly kind: 'count'; readonly name: string; readonly count: number }
  | { readonly kind: 'drop' };

interface Series {
  name: string;
  count: number;
  lastSeen: number;
  lastWritten: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Occurrences no further apart than this belong together. */
const SERIES_MS = 10 * 60_000;
/** The count on an Event is written at most this often. */
const COUNT_EVERY_MS = 60_000;
/** New Events about one object: so many at once, then one for each `REFILL_MS`. */
const BURST = 25;
const REFILL_MS = 60_000;
/** Objects and series remembered. */
const MAX_REMEMBERED = 2_000;

export class EventBudget {
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, Bucket>();

  /**
   * @param object whose budget it is: a uid
   * @param key what makes two occurrences the same
   * @param name of the Event, should this become a new one
   * @param now monotonic milliseconds
   */
  decide(object: string, key: string, name: string, now: number): EventDecision {
    const series = this.#series.get(key);
    if (series !== undefined && now - series.lastSeen <= SERIES_MS) {
      series.count += 1;
      series.lastSeen = now;
      if (now - series.lastWritten < COUNT_EVERY_MS) return { kind: 'drop' };
      series.lastWritten = now;
      return { kind: 'count', name: series.name, count: series.count };
    }
    if (!this.#take(object, now)) return { kind: 'drop' };
    remember(this.#series, key, { name, count: 1, lastSeen: now, lastWritten: now });
    return { kind: 'create' };
  }

  /** The Event could not be written, or is gone: the next occurrence makes a new one. */
  forget(key: string): void {
    this.#series.delete(key);
  }

  #take(object: string, now: number): boolean {
    const bucket = this.#buckets.get(object) ?? { tokens: BURST, filledAt: now };
    const refill = Math.floor((now - bucket.filledAt) / REFILL_MS);
    const tokens = Math.min(BURST, bucket.tokens + refill);
    const filledAt = bucket.filledAt + refill * REFILL_MS;
    remember(this.#buckets, object, { tokens: Math.max(0, tokens - 1), filledAt });
    return tokens > 0;
  }
}

/** Puts an entry last, and drops the ones that were put longest ago. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= MAX_REMEMBERED) break;
    map.delete(oldest);
  }
}
