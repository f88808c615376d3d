// A work queue of keys: each waits at most once, none is handed out twice at a time, failures back off key by key.
import type { Registry } from './metrics.ts';

export interface QueueMetrics {
  added(): void;
  retried(): void;
  depth(depth: number): void;
  /** Milliseconds. */
  waited(ms: number): void;
  worked(ms: number): void;
}

export interface WorkQueueOptions {
  /** Pause after the first failure of a key; doubles with each further one. @default 5 */
  readonly firstBackoffMs?: number;
  /** @default 60,000 */
  readonly maxBackoffMs?: number;
  readonly metrics?: QueueMetrics;
}

interface Delayed {
  readonly due: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * First in, first out. A key added while it is waiting stays where it is; one added while it is worked on is worked on once
 * more afterwards, so that no change is missed.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** Waiting, in order, with the time each was added. */
  readonly #waiting = new Map<string, number>();
  readonly #working = new Map<string, number>();
  /** Added again while being worked on. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#options = options;
  }

  /** Keys that wait for a worker; delayed ones do not count. */
  get length(): number {
    return this.#waiting.size;
  }

  add(key: string): void {
    if (this.#closed || this.#waiting.has(key) || this.#again.has(key)) return;
    this.#options.metrics?.added();
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#waiting.set(key, performance.now());
    this.#dispatch();
  }

  /** Adds the key after `ms` milliseconds. Of several delays, the one that ends first counts. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const due = performance.now() + ms;
    const earlier = this.#delayed.get(key);
    if (earlier !== undefined && earlier.due <= due) return;
    clearTimeout(earlier?.timer);
    const timer = setTimeout(() => {
      this.#delayed.delete(key);
      this.add(key);
    }, ms);
    this.#delayed.set(key, { due, timer });
  }

  /** Adds the key after a pause that grows with its failures in a row. Returns the pause. */
  addRateLimited(key: string): number {
    const { firstBackoffMs = 5, maxBackoffMs = 60_000 } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const pause = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(failures, 40));
    this.#options.metrics?.retried();
    this.addAfter(key, pause);
    return pause;
  }

  /** The key went well: its next failure counts as the first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, which must be given back by `done`; undefined once the queue is closed. */
  async next(): Promise<string | undefined> {
    if (this.#closed) return undefined;
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#dispatch();
    });
  }

  /** The work on a key is over, well or not. */
  done(key: string): void {
    const since = this.#working.get(key);
    if (since === undefined) return;
    this.#working.delete(key);
    this.#options.metrics?.worked(performance.now() - since);
    if (!this.#again.delete(key) || this.#closed) return;
    this.#waiting.set(key, performance.now());
    this.#dispatch();
  }

  /** Hands out nothing more. What is being worked on goes on. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) clearTimeout(timer);
    this.#delayed.clear();
    this.#waiting.clear();
    this.#again.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #dispatch(): void {
    for (const [key, since] of this.#waiting) {
      const taker = this.#takers.shift();
      if (taker === undefined) break;
      const now = performance.now();
      this.#waiting.delete(key);
      this.#working.set(key, now);
      this.#options.metrics?.waited(now - since);
      taker(key);
    }
    this.#options.metrics?.depth(this.#waiting.size);
  }
}

/** `workqueue_*` for a process's queues, told apart by their name. */
export function queueMetrics(registry: Registry): (name: string) => QueueMetrics {
  const depth = registry.gauge('workqueue_depth', 'Keys that wait.');
  const adds = registry.counter('workqueue_adds_total', 'Keys added.');
  const retries = registry.counter('workqueue_retries_total', 'Keys added again after a failure.');
  const queued = registry.histogram('workqueue_queue_duration_seconds', 'Seconds a key waits.');
  const worked = registry.histogram('workqueue_work_duration_seconds', 'Seconds a key is worked on.');
  return (name) => {
    const labels = { name, controller: name };
    depth.set(0, labels);
    return {
      added: () => {
        adds.inc(labels);
      },
      retried: () => {
        retries.inc(labels);
      },
      depth: (value) => {
        depth.set(value, labels);
      },
      waited: (ms) => {
        queued.observe(ms / 1_000, labels);
      },
      worked: (ms) => {
        worked.observe(ms / 1_000, labels);
      },
    };
  };
}
