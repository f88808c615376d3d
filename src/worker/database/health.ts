// Knows, without asking at the moment of the question, whether each database answers: probes must be cheap and never hang.
import { messageOf } from '../../errors.ts';
import { sleep } from '../../kube/wait.ts';
import type { Logger } from '../../log.ts';

export type DatabaseName = 'mysql' | 'postgresql' | 'cassandra';

export interface DatabaseState {
  readonly name: DatabaseName;
  readonly up: boolean;
  /** Milliseconds since it last answered; undefined when it never did. */
  readonly silentMs: number | undefined;
}

export interface Check {
  readonly name: DatabaseName;
  /** Milliseconds between checks. */
  readonly periodMs: number;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export class DatabaseHealth {
  readonly #checks: readonly Check[];
  readonly #log: Logger;
  readonly #answeredAt = new Map<DatabaseName, number>();
  readonly #failing = new Set<DatabaseName>();

  constructor(checks: readonly Check[], log: Logger) {
    this.#checks = checks;
    this.#log = log;
  }

  /** Checks until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#checks.map((check) => this.#repeat(check, signal)));
  }

  /** @param now performance.now() */
  states(now: number): readonly DatabaseState[] {
    return this.#checks.map(({ name }) => {
      const answeredAt = this.#answeredAt.get(name);
      return {
        name,
        up: answeredAt !== undefined && !this.#failing.has(name),
        silentMs: answeredAt === undefined ? undefined : Math.round(now - answeredAt),
      };
    });
  }

  async #repeat({ name, periodMs, run }: Check, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await run(signal);
        if (this.#failing.delete(name)) this.#log.info('database answers again', { database: name });
        this.#answeredAt.set(name, performance.now());
      } catch (error) {
        if (!this.#failing.has(name) && !signal.aborted) {
          this.#log.warn('database does not answer', { database: name, error: messageOf(error) });
        }
        this.#failing.add(name);
      }
      await sleep(periodMs, signal);
    }
  }
}
