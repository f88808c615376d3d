// Starts a process's parts in order and stops them in order: caches first and last, reconciling only while leading.
import { messageOf, TimeoutError } from '../errors.ts';
import { sleep } from '../kube/wait.ts';
import type { Logger } from '../log.ts';

/** A cache: a Reflector of any kind. */
export interface Source {
  readonly hasSynced: Promise<void>;
  readonly synced: boolean;
  /** Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

/** Something that works until it is told to stop: a Controller. */
export interface Runnable {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** A LeaderElection. */
export interface Election {
  run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

export interface ManagerOptions {
  readonly log: Logger;
  readonly sources: readonly Source[];
  /** Run only while leading, or from the start when there is no election. */
  readonly runnables: readonly Runnable[];
  readonly election?: Election;
  /** Milliseconds that work under way gets to end after a stop or a lost leadership. @default 20,000 */
  readonly graceMs?: number;
}

export class Manager {
  readonly #options: ManagerOptions;

  constructor(options: ManagerOptions) {
    this.#options = options;
  }

  /** Every cache has been filled: the process may be called ready, leading or not. */
  get synced(): boolean {
    return this.#options.sources.every((source) => source.synced);
  }

  /**
   * Runs until `signal` is aborted and everything has ended.
   * @throws LeaseLostError when leadership was lost; TimeoutError when work did not end in time; what a runnable throws
   */
  async run(signal: AbortSignal): Promise<void> {
    const { sources, election, log } = this.#options;
    const caches = new AbortController();
    const following = sources.map((source) => source.run(caches.signal));
    try {
      await untilAborted(signal, Promise.all(sources.map((source) => source.hasSynced)));
      if (signal.aborted) return;
      log.info('caches are filled', { sources: sources.length });
      const lead = (leading: AbortSignal): Promise<void> => this.#lead(leading);
      await (election === undefined ? lead(signal) : election.run(signal, lead));
    } finally {
      // Last: work that is ending still reads them.
      caches.abort();
      await Promise.all(following);
    }
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { runnables, log, graceMs = 20_000 } = this.#options;
    const failed = new AbortController();
    const forward = (): void => {
      failed.abort(signal.reason);
    };
    if (signal.aborted) forward();
    signal.addEventListener('abort', forward, { once: true });
    const work = Promise.all(
      runnables.map(async (runnable) => {
        try {
          await runnable.run(failed.signal);
        } catch (error) {
          log.error('a part of the process failed', { part: runnable.name, error: messageOf(error) });
          failed.abort(error);
          throw error;
        }
      }),
    );
    const late = new AbortController();
    try {
      await untilAborted(failed.signal, work);
      const ended = await Promise.race([
        work.then(() => true),
        sleep(graceMs, late.signal).then(() => false),
      ]);
      // Thrown, so that the Lease is not given up while something that it guards may still run.
      if (!ended) throw new TimeoutError(`work under way did not end within ${graceMs} ms`);
    } finally {
      late.abort();
      signal.removeEventListener('abort', forward);
      work.catch(() => undefined);
    }
  }
}

/** Returns when `work` ends or `signal` is aborted; throws what `work` throws before that. */
async function untilAborted(signal: AbortSignal, work: Promise<unknown>): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const stop = (): void => {
    resolve();
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
