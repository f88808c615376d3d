// Waiting that an AbortSignal ends at once, and the back-off between tries of something that failed.

/** Returns after `ms` milliseconds or when `signal` is aborted, whichever is first. Never throws. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = (): void => {
    resolve();
  };
  signal.addEventListener('abort', stop, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
}

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** 0 to 1; a test gives its own. */
  readonly random?: () => number;
}

/** Doubles from `firstMs` to `maxMs`; each pause is cut by up to half at random, so that many do not come together. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to pause after one more failure. */
  next(): number {
    const { firstMs, maxMs, random = Math.random } = this.#options;
    const pause = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return pause * (1 - random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
