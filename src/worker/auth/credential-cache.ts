// Remembers for a minute which Basic credentials were right, so that a REST client does not cost an argon2id with every call.
// Keyed by an HMAC under a key that lives in this process only: no password is kept.
import { createHmac, randomBytes } from 'node:crypto';

const LIFE_MS = 60_000;
const MAX_ENTRIES = 1_000;

export class CredentialCache<T> {
  readonly #key = randomBytes(32);
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  get(user: string, password: string, now: number): T | undefined {
    const entry = this.#entries.get(this.#keyOf(user, password));
    return entry !== undefined && now < entry.until ? entry.value : undefined;
  }

  set(user: string, password: string, value: T, now: number): void {
    const oldest = this.#entries.keys().next();
    if (this.#entries.size >= MAX_ENTRIES && oldest.done !== true) this.#entries.delete(oldest.value);
    const key = this.#keyOf(user, password);
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: now + LIFE_MS });
  }

  /** After a change of any user: cheaper than finding whose entries are stale. */
  clear(): void {
    this.#entries.clear();
  }

  #keyOf(user: string, password: string): string {
    return createHmac('sha256', this.#key).update(`${user.length}:${user}:${password}`).digest('base64');
  }
}
