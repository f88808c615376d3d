// Log-in throttling: after a few failures each further one doubles the wait, by user and address and by address alone.
// Kept in the worker: with N workers an attacker gets N times the tries, which is nothing against argon2id and the doubling.

interface Limit {
  /** Failures that cost nothing. */
  readonly free: number;
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
}

const BY_USER: Limit = { free: 5, firstWaitMs: 1_000, maxWaitMs: 60_000 };
const BY_ADDRESS: Limit = { free: 50, firstWaitMs: 1_000, maxWaitMs: 60_000 };
/** Failures are forgotten after so long without another. */
const MEMORY_MS = 15 * 60_000;
const MAX_ENTRIES = 10_000;

interface Entry {
  readonly failures: number;
  readonly lastAt: number;
  readonly blockedUntil: number;
}

export class Throttle {
  readonly #entries = new Map<string, Entry>();

  /** Milliseconds to wait before another try is looked at; 0 when it may be made. */
  waitMs(user: string, address: string, now: number): number {
    return Math.max(
      0,
      ...keysOf(user, address).map(({ key }) => (this.#entries.get(key)?.blockedUntil ?? 0) - now),
    );
  }

  /** Counts a try as failed before its outcome is known, so that many at once cannot slip through. */
  begin(user: string, address: string, now: number): void {
    for (const { key, limit } of keysOf(user, address)) {
      const before = this.#entries.get(key);
      const failures = before === undefined || now - before.lastAt > MEMORY_MS ? 1 : before.failures + 1;
      this.#entries.delete(key);
      this.#entries.set(key, { failures, lastAt: now, blockedUntil: now + waitAfter(failures, limit) });
    }
    while (this.#entries.size > MAX_ENTRIES) {
      const oldest = this.#entries.keys().next();
      if (oldest.done === true) return;
      this.#entries.delete(oldest.value);
    }
  }

  /** The try was not a wrong password after all: as if it had not been made. */
  undo(user: string, address: string): void {
    for (const { key, limit } of keysOf(user, address)) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      const failures = entry.failures - 1;
      if (failures === 0) this.#entries.delete(key);
      else
        this.#entries.set(key, {
          ...entry,
          failures,
          blockedUntil: entry.lastAt + waitAfter(failures, limit),
        });
    }
  }

  /** The user is who they say: their own failures are forgiven, the address's are not. */
  succeeded(user: string, address: string): void {
    this.undo(user, address);
    this.#entries.delete(userKey(user, address));
  }
}

/** Milliseconds of waiting that the n-th failure costs. */
export function waitAfter(failures: number, { free, firstWaitMs, maxWaitMs }: Limit = BY_USER): number {
  if (failures <= free) return 0;
  return Math.min(maxWaitMs, firstWaitMs * 2 ** Math.min(failures - free - 1, 30));
}

function keysOf(user: string, address: string): readonly { readonly key: string; readonly limit: Limit }[] {
  return [
    { key: userKey(user, address), limit: BY_USER },
    { key: `address:${address}`, limit: BY_ADDRESS },
  ];
}

function userKey(user: string, address: string): string {
  return `user:${address}:${user}`;
}
