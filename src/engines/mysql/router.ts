// Brings the two routing slices to what the role asks for, in its own loop: the API server's pace must not hold up decisions.
import { LeaseLostError, messageOf } from '../../errors.ts';
import type { Slices } from '../../agent/slices.ts';
import { Wake } from '../../agent/wake.ts';
import type { Logger } from '../../log.ts';

export interface Routing {
  /** Epoch under which this member is the rw endpoint; undefined: it is not. */
  readonly rw: number | undefined;
  /** Does it take reads? */
  readonly ro: boolean;
  /** A member that must take no reads. */
  readonly drop: string | undefined;
}

export interface RouterOptions {
  readonly slices: Slices;
  readonly rwService: string;
  readonly roService: string;
  readonly log: Logger;
  /** Called when something was brought about. */
  readonly onDone: () => void;
}

const ATTEMPT_MS = 2_000;
const RETRY_MS = 200;
/** Slices that somebody else changed are put right so often. */
const REASSERT_MS = 10_000;

export class Router {
  readonly #options: RouterOptions;
  readonly #wake = new Wake();
  #wanted: Routing | undefined;
  #done: Routing | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  want(routing: Routing): void {
    const now = this.#wanted;
    if (now !== undefined && now.rw === routing.rw && now.ro === routing.ro && now.drop === routing.drop)
      return;
    this.#wanted = routing;
    this.#wake.notify();
  }

  /** Epoch under which the rw slice was last made to name this member; undefined once it was made not to. */
  published(): number | undefined {
    return this.#done?.rw;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wanted = this.#wanted;
      const pause = wanted === undefined || (await this.#bring(wanted, signal)) ? REASSERT_MS : RETRY_MS;
      if (this.#wanted === wanted) await this.#wake.wait(pause, signal);
    }
  }

  async #bring(wanted: Routing, signal: AbortSignal): Promise<boolean> {
    const { slices, rwService, roService, log } = this.#options;
    const bound = AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]);
    const before = this.#done;
    try {
      await (wanted.rw === undefined
        ? slices.withdraw(rwService, bound)
        : slices.publishSole(rwService, wanted.rw, bound));
      this.#done = { rw: wanted.rw, ro: before?.ro ?? false, drop: before?.drop };
      await (wanted.ro ? slices.addSelf(roService, bound) : slices.withdraw(roService, bound));
      if (wanted.drop !== undefined) await slices.removeMember(roService, wanted.drop, bound);
      this.#done = wanted;
    } catch (error) {
      if (signal.aborted) return false;
      log.warn('routing could not be written', { error: messageOf(error) });
      return error instanceof LeaseLostError;
    } finally {
      if (this.#done !== before) this.#options.onDone();
    }
    return true;
  }
}
