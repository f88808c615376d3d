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
  /** Called when `published` has changed. */
  readonly onDone: () => void;
}

const ATTEMPT_MS = 2_000;
const RETRY_MS = 200;
/** Slices that somebody else changed are put right so often. */
const REASSERT_MS = 10_000;
/**
 * So long a member that no longer serves leaves the rw slice to its successor: kube-proxy rests for a second after each change
 * (`minSyncPeriod`), so an endpoint that is taken away first makes the next one wait. A closed engine refuses clients as well.
 */
const LINGER_MS = 2_000;

export class Router {
  readonly #options: RouterOptions;
  readonly #wake = new Wake();
  #wanted: Routing | undefined;
  #published: number | undefined;
  #lingersUntil = Number.NEGATIVE_INFINITY;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  want(routing: Routing): void {
    const now = this.#wanted;
    if (now !== undefined && now.rw === routing.rw && now.ro === routing.ro && now.drop === routing.drop)
      return;
    if (now?.rw !== undefined && routing.rw === undefined) {
      this.#lingersUntil = performance.now() + LINGER_MS;
    }
    this.#wanted = routing;
    this.#wake.notify();
  }

  /** Epoch under which the rw slice was last made to name this member; undefined once it has been seen not to. */
  published(): number | undefined {
    return this.#published;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wanted = this.#wanted;
      const brought = wanted === undefined || (await this.#bring(wanted, signal));
      const rest = this.#lingerMs() > 0 ? this.#lingerMs() : REASSERT_MS;
      if (this.#wanted === wanted) await this.#wake.wait(brought ? rest : RETRY_MS, signal);
    }
  }

  #lingerMs(): number {
    return this.#wanted?.rw === undefined ? this.#lingersUntil - performance.now() : 0;
  }

  async #bring(wanted: Routing, signal: AbortSignal): Promise<boolean> {
    const { slices, roService, log } = this.#options;
    const bound = AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]);
    try {
      await this.#bringRw(wanted.rw, bound);
      await (wanted.ro ? slices.addSelf(roService, bound) : slices.withdraw(roService, bound));
      if (wanted.drop !== undefined) await slices.removeMember(roService, wanted.drop, bound);
    } catch (error) {
      if (signal.aborted) return false;
      log.warn('routing could not be written', { error: messageOf(error) });
      return error instanceof LeaseLostError;
    }
    return true;
  }

  async #bringRw(epoch: number | undefined, signal: AbortSignal): Promise<void> {
    const { slices, rwService, onDone } = this.#options;
    if (epoch === undefined && this.#lingerMs() > 0) return;
    await (epoch === undefined
      ? slices.withdraw(rwService, signal)
      : slices.publishSole(rwService, epoch, signal));
    if (this.#published === epoch) return;
    this.#published = epoch;
    onDone();
  }
}
