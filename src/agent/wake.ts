// Waiting in an agent's loops: until something happens, a time has passed, or the process is to end.

/** Something that one loop waits on. A notice that comes while it does not wait is kept, once. */
export class Wake {
  #pending = false;
  #resume: (() => void) | undefined;

  notify(): void {
    this.#pending = true;
    this.#resume?.();
  }

  /** Returns at the next notice (or one kept), after `ms` milliseconds, or when `signal` is aborted. Never throws. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#pending && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.max(0, ms));
      this.#resume = resolve;
      signal.addEventListener('abort', this.#resume, { once: true });
      await promise;
      clearTimeout(timer);
      signal.removeEventListener('abort', this.#resume);
      this.#resume = undefined;
    }
    this.#pending = false;
  }
}

/** Milliseconds of a clock that no one sets: what every duration and deadline here is counted on. */
export function monotonicNow(): number {
  return performance.now();
}
