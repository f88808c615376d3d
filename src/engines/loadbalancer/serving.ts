// Is the own HAProxy serving? Its death is noticed at once by a connection that breaks, its hanging by a request each half second.
import type { Logger } from '../../log.ts';
import { Wake } from '../../agent/wake.ts';
import { http } from '../../kube/node-http.ts';
import type { RuntimeSocket } from './admin.ts';
import { CONTAINER_PORTS } from './config.ts';

const PERIOD_MS = 500;
const REQUEST_MS = 1_000;
/** One slow answer is no hang. */
const FAILURES = 2;

export interface ServingOptions {
  readonly socket: RuntimeSocket;
  readonly log: Logger;
  /** Called at each change of `serving()`. Must not throw. */
  readonly onChange: () => void;
}

export class Serving {
  readonly #options: ServingOptions;
  readonly #wake = new Wake();
  #serving = false;
  #attached: Disposable | undefined;
  #failures = 0;
  #life = 0;

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  serving(): boolean {
    return this.#serving;
  }

  /** Which HAProxy this is about: another number for each process, also where one followed the other unseen. */
  life(): number {
    return this.#life;
  }

  /** Watches until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#round();
      await this.#wake.wait(PERIOD_MS, signal);
    }
    this.#attached?.[Symbol.dispose]();
  }

  async #round(): Promise<void> {
    if (!(await this.#isAttached())) {
      this.#set(false, 'its process is not there');
      return;
    }
    this.#failures = (await answers()) ? 0 : this.#failures + 1;
    if (this.#failures === 0) this.#set(true, 'it answers');
    else if (this.#failures >= FAILURES) this.#set(false, 'it does not answer');
  }

  async #isAttached(): Promise<boolean> {
    if (this.#attached !== undefined) return true;
    try {
      this.#attached = await this.#options.socket.attach(() => {
        // Most likely it has died; the next round, begun at once, finds out.
        this.#attached = undefined;
        this.#wake.notify();
      });
      this.#life += 1;
      return true;
    } catch {
      return false;
    }
  }

  #set(serving: boolean, why: string): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    if (serving) this.#options.log.info('HAProxy serves', { why });
    else this.#options.log.warn('HAProxy does not serve', { why });
    this.#options.onChange();
  }
}

async function answers(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const request = http.get(
    { host: '127.0.0.1', port: CONTAINER_PORTS.status, path: '/healthz', timeout: REQUEST_MS, agent: false },
    (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    },
  );
  request.once('timeout', () => {
    request.destroy();
  });
  request.once('error', () => {
    resolve(false);
  });
  const answered = await promise;
  request.destroy();
  return answered;
}
