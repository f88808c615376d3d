// A planned move waits until the requests have ended that were under way when it was asked for: none of them would survive it.
import { messageOf } from '../../errors.ts';
import { monotonicNow } from '../../agent/wake.ts';
import type { Logger } from '../../log.ts';
import type { RuntimeSocket } from './admin.ts';
import { WEB_FRONTEND } from './config.ts';

/** What has not ended by then would not end soon; a pod that is to go has no more time. */
const BOUND_MS = 5_000;

export class Drain {
  readonly #socket: RuntimeSocket;
  readonly #log: Logger;
  #since: number | undefined;

  constructor(socket: RuntimeSocket, log: Logger) {
    this.#socket = socket;
    this.#log = log;
  }

  /**
   * Have they ended? The first question begins the wait; new requests are served all the while and not waited for. True as well
   * when the time is over, and where HAProxy does not say. Devices' connections last for days: they are not asked about.
   */
  async ended(): Promise<boolean> {
    const now = monotonicNow();
    this.#since ??= now;
    const waitedMs = Math.round(now - this.#since);
    if (waitedMs >= BOUND_MS) return true;
    try {
      const sessions = await this.#socket.command(`show sess older ${waitedMs}ms`);
      return !sessions.includes(` frontend=${WEB_FRONTEND} `);
    } catch (error) {
      this.#log.debug('HAProxy does not tell its requests', { error: messageOf(error) });
      return true;
    }
  }

  /** The move is done or no longer wanted: the next question is about another one. */
  over(): void {
    this.#since = undefined;
  }
}
