// Turns keys into calls of a reconcile function: so many at a time, bounded in time, errors sorted by what they ask for.
import { LeaseLostError, messageOf, SpaceClusterError, TerminalError, WaitingError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Registry } from './metrics.ts';
import { WorkQueue } from './queue.ts';
import type { QueueMetrics } from './queue.ts';

export interface Result {
  /** Look at this key again after so many milliseconds, whatever happens. */
  readonly requeueAfterMs?: number;
}

/** `signal` is aborted at the time limit and when the process must stop; the function then returns or throws soon. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Result>;

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly log: Logger;
  /** Keys worked on at the same time. @default 2 */
  readonly workers?: number;
  /** Milliseconds for one reconcile. @default 120,000 */
  readonly timeoutMs?: number;
  /** Longest pause between tries of a failing key. @default 60,000 */
  readonly maxBackoffMs?: number;
  readonly metrics?: ControllerMetrics;
  readonly queueMetrics?: QueueMetrics;
}

/** How one reconcile ended, as controller-runtime names it. */
type Ending = 'success' | 'requeue_after' | 'requeue' | 'error';

export interface ControllerMetrics {
  ended(result: Ending, ms: number): void;
  failed(kind: 'error' | 'terminal' | 'panic' | 'timeout'): void;
  active(workers: number): void;
}

export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  #active = 0;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#queue = new WorkQueue({
      ...(options.maxBackoffMs === undefined ? {} : { maxBackoffMs: options.maxBackoffMs }),
      ...(options.queueMetrics === undefined ? {} : { metrics: options.queueMetrics }),
    });
  }

  /** Something about this key changed. Cheap and idempotent. */
  enqueue(key: string): void {
    this.#queue.add(key);
  }

  /** Works until `signal` is aborted and the reconciles under way have ended. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const close = (): void => {
      this.#queue.close();
    };
    if (signal.aborted) close();
    signal.addEventListener('abort', close, { once: true });
    const workers = this.#options.workers ?? 2;
    await Promise.all(Array.from({ length: workers }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let key = await this.#queue.next(); key !== undefined; key = await this.#queue.next()) {
      this.#options.metrics?.active((this.#active += 1));
      try {
        await this.#one(key, signal);
      } finally {
        this.#queue.done(key);
        this.#options.metrics?.active((this.#active -= 1));
      }
    }
  }

  async #one(key: string, signal: AbortSignal): Promise<void> {
    const { metrics, reconcile, log, timeoutMs = 120_000 } = this.#options;
    const start = performance.now();
    const limit = new AbortController();
    const stop = (): void => {
      limit.abort(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    const timer = setTimeout(() => {
      metrics?.failed('timeout');
      log.warn('reconcile passed its time limit', { controller: this.name, key, timeoutMs });
      limit.abort();
    }, timeoutMs);
    let ending: Ending;
    try {
      const { requeueAfterMs } = await reconcile(key, limit.signal);
      this.#queue.forget(key);
      if (requeueAfterMs !== undefined) this.#queue.addAfter(key, requeueAfterMs);
      ending = requeueAfterMs === undefined ? 'success' : 'requeue_after';
    } catch (error) {
      ending = this.#failed(key, error, signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
    metrics?.ended(ending, performance.now() - start);
  }

  #failed(key: string, error: unknown, signal: AbortSignal): Ending {
    const { metrics, log } = this.#options;
    const fields = { controller: this.name, key, error };
    if (error instanceof WaitingError) {
      this.#queue.forget(key);
      this.#queue.addAfter(key, error.retryAfterMs);
      log.debug('waiting', { ...fields, reason: error.reason });
      return 'requeue_after';
    }
    if (error instanceof TerminalError) {
      this.#queue.forget(key);
      metrics?.failed('terminal');
      log.warn('needs a human', { ...fields, reason: error.reason });
      return 'error';
    }
    // What a stop cuts short is no failure; whoever takes over begins anew.
    if (signal.aborted || error instanceof LeaseLostError) return 'requeue';
    metrics?.failed('error');
    const pauseMs = this.#queue.addRateLimited(key);
    if (error instanceof SpaceClusterError) {
      log.warn('reconcile failed, trying again', { ...fields, code: error.code, pauseMs });
    } else {
      // Not one of ours: a bug. The process lives on for the sake of the other clusters.
      metrics?.failed('panic');
      const stack = error instanceof Error ? error.stack : messageOf(error);
      log.error('reconcile broke, trying again', { ...fields, stack, pauseMs });
    }
    return 'error';
  }
}

/** `controller_runtime_*` for a process's controllers, told apart by their name. */
export function controllerMetrics(registry: Registry): (controller: string) => ControllerMetrics {
  const total = registry.counter('controller_runtime_reconcile_total', 'Reconciles, by result.');
  const seconds = registry.histogram('controller_runtime_reconcile_time_seconds', 'Seconds per reconcile.');
  const active = registry.gauge('controller_runtime_active_workers', 'Reconciles under way.');
  const failures = {
    error: registry.counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed.'),
    terminal: registry.counter(
      'controller_runtime_terminal_reconcile_errors_total',
      'Reconciles that only a human can help.',
    ),
    panic: registry.counter('controller_runtime_reconcile_panics_total', 'Reconciles that met a bug.'),
    timeout: registry.counter(
      'controller_runtime_reconcile_timeouts_total',
      'Reconciles that passed their time limit.',
    ),
  };
  return (controller) => {
    const labels = { controller };
    active.set(0, labels);
    failures.error.inc(labels, 0);
    return {
      ended: (result, ms) => {
        total.inc({ controller, result });
        seconds.observe(ms / 1_000, labels);
      },
      failed: (kind) => {
        failures[kind].inc(labels);
      },
      active: (workers) => {
        active.set(workers, labels);
      },
    };
  };
}
