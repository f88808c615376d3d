// The pod's own heartbeat: renews its Lease, and knows until when the pod may rely on it (L5).
import { ANNOTATIONS } from '../api/v1alpha1/names.ts';
import { ApiError, LeaseLostError, messageOf } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { Leases } from '../kube/resources.ts';
import type { Lease } from '../kube/types.ts';
import type { Logger } from '../log.ts';
import { certainUntil, confirmed, NO_CERTAINTY, refused, sending } from './certainty.ts';
import type { Certainty } from './certainty.ts';
import { holderIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import type { Peers } from './peers.ts';
import { RenewTimes } from './renew-times.ts';
import { outage, startPace, step, timingOf } from './timing.ts';
import type { Beat, Level, Pace, Profile, Timing } from './timing.ts';
import { monotonicNow, Wake } from './wake.ts';

export interface HeartbeatOptions {
  readonly kube: KubeClient;
  readonly identity: Identity;
  readonly peers: Peers;
  readonly log: Logger;
  readonly beat: Beat;
  /** `spec.failureDetection.profile`, asked before every renewal. */
  readonly profile: () => Profile;
  /** Must answer true before a renewal is sent (M8: a fresh marker commit). Given up with the signal. */
  readonly gate?: (signal: AbortSignal) => Promise<boolean>;
  /** After each confirmed renewal, with the new `certainUntil()`: renews a supervisor's deadline file. */
  readonly onRenewed?: (until: number) => void;
  /** Auto has changed its level. */
  readonly onLevel?: (level: Level) => void;
  readonly now?: () => number;
}

/** Confirmed renewals that may be missing from the watch before it is taken for dead. */
const MISSED_ECHOES = 2;

const TIMER_MS = 2;

/** While renewals fail, so that the end of an outage is noticed soon at every level. */
const RETRY_MS = 500;
const RETRY_ATTEMPT_MS = 2_500;

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #self: string;
  readonly #now: () => number;
  readonly #times = new RenewTimes();
  /** When renewals of unknown outcome began, the gate before them included, by token. */
  readonly #begun = new Map<string, number>();
  readonly #wake = new Wake();
  /** Since when (monotonic ms) the gate holds the next renewal up: it is slow, though what is sent in the end is quick. */
  #heldUpSince: number | undefined;
  #pace: Pace;
  #certainty: Certainty = NO_CERTAINTY;
  #lease: Lease | undefined;
  #held = false;
  #replaced = false;
  #failingSince: number | undefined;
  #missedEchoes = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#self = holderIdentity(options.identity);
    this.#now = options.now ?? monotonicNow;
    this.#pace = startPace(options.profile());
    options.peers.onEcho((token) => {
      this.#missedEchoes = 0;
      this.#confirm(token);
    });
  }

  /** Monotonic ms (performance.now()) until which this pod may act under its Lease. In the past while nothing is certain. */
  certainUntil(): number {
    return certainUntil(this.#certainty);
  }

  /** Ask right before acting: a stalled event loop counts (L5). */
  certain(): boolean {
    return this.#now() < this.certainUntil();
  }

  timing(): Timing {
    return timingOf(this.#pace.level, this.#options.beat);
  }

  level(): Level {
    return this.#pace.level;
  }

  /** Tries a renewal now, not at the next period: after a start or a passed deadline (M11). */
  renewNow(): void {
    this.#wake.notify();
  }

  /**
   * Renews until `signal` is aborted.
   * @throws LeaseLostError when another pod of this name has taken the Lease over: this one has been replaced
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const begunAt = this.#now();
      // The pace that this renewal is sent with: it lasts no longer, also when it changes the level.
      const { periodMs } = this.timing();
      await this.#renew(begunAt, signal);
      if (this.#replaced) {
        throw new LeaseLostError(`Lease ${this.#options.identity.pod} belongs to a newer pod of that name`);
      }
      const pauseMs = this.#failingSince === undefined ? periodMs : Math.min(periodMs, RETRY_MS);
      const untilBeat = begunAt + pauseMs - this.#now();
      // A timer may ring a fraction early, and a renewal sent before the silence has lasted long enough proves nothing.
      await this.#wake.wait(Math.min(untilBeat, this.#options.peers.untilExpiry() + TIMER_MS), signal);
    }
  }

  /**
   * Empties the Lease, so that nobody has to wait for it to run out. Only after nothing that it protects runs any more,
   * and never from a crash handler (L4).
   */
  async release(): Promise<void> {
    this.#certainty = NO_CERTAINTY;
    const lease = await this.#options.kube.get(
      Leases,
      this.#options.identity.namespace,
      this.#options.identity.pod,
    );
    if (lease.spec?.holderIdentity !== this.#self) return;
    const { holderIdentity: _, ...spec } = lease.spec;
    await this.#options.kube.replace(Leases, { ...lease, spec });
  }

  async #renew(begunAt: number, signal: AbortSignal): Promise<void> {
    const timing = this.timing();
    // Half the deadline, so that one lost request leaves time for another on a fresh connection.
    const half = timing.renewDeadlineMs / 2;
    const attemptMs = this.#failingSince === undefined ? half : Math.min(half, RETRY_ATTEMPT_MS);
    const bound = AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]);
    try {
      this.#lease ??= await this.#read(bound);
      const passed = this.#options.gate === undefined || (await this.#options.gate(bound));
      if (!passed || bound.aborted) {
        this.#heldUpSince ??= begunAt;
        return;
      }
      await this.#send(this.#lease, begunAt, timing, bound);
    } catch (error) {
      if (signal.aborted) return;
      // Whatever went wrong, what was known of the Lease's version is not to be relied on.
      this.#lease = undefined;
      this.#heldUpSince = undefined;
      this.#options.peers.ownFailed();
      if (this.#failingSince === undefined) {
        this.#failingSince = this.#now();
        this.#options.log.warn('heartbeat not renewed', { error: messageOf(error) });
      }
      this.#setPace(outage(this.#pace, this.#options.profile(), this.#now() - this.#failingSince));
    }
  }

  async #read(signal: AbortSignal): Promise<Lease> {
    const { kube, identity } = this.#options;
    const lease = await kube.get(Leases, identity.namespace, identity.pod, { signal });
    const holder = lease.spec?.holderIdentity;
    if (holder === this.#self && lease.spec?.renewTime !== undefined) this.#confirm(lease.spec.renewTime);
    // Seized once, at the start, from a pod of this name that is gone; later another holder is our successor.
    if (holder !== undefined && holder !== '' && holder !== this.#self && this.#held) {
      this.#certainty = NO_CERTAINTY;
      this.#replaced = true;
      throw new LeaseLostError(`held by ${holder}`);
    }
    return lease;
  }

  async #send(lease: Lease, begunAt: number, timing: Timing, signal: AbortSignal): Promise<void> {
    const token = this.#times.next();
    const sentAt = this.#now();
    const next = renewed(lease, this.#self, this.#options.identity.node, timing, token);
    this.#begun.set(token, this.#heldUpSince ?? begunAt);
    this.#heldUpSince = undefined;
    this.#certainty = sending(this.#certainty, token, sentAt, timing.renewDeadlineMs);
    this.#options.peers.ownSent(token);
    try {
      this.#lease = await this.#options.kube.replace(Leases, next, {
        signal,
      });
    } catch (error) {
      if (isRefusal(error)) {
        this.#certainty = refused(this.#certainty, token);
        this.#begun.delete(token);
      }
      throw error;
    }
    this.#confirm(token);
    this.#missedEchoes += 1;
    if (this.#missedEchoes > MISSED_ECHOES) {
      this.#missedEchoes = 0;
      this.#options.peers.restartWatch();
    }
  }

  /** By the answer, by a later read, or by the watch, whichever comes first. */
  #confirm(token: string): void {
    const begunAt = this.#begun.get(token);
    if (begunAt === undefined) return;
    for (const [each, at] of this.#begun) if (at <= begunAt) this.#begun.delete(each);
    this.#certainty = confirmed(this.#certainty, token);
    this.#held = true;
    if (this.#failingSince !== undefined) {
      this.#options.log.info('heartbeat renewed again', {
        afterMs: Math.round(this.#now() - this.#failingSince),
      });
      this.#failingSince = undefined;
    }
    const now = this.#now();
    this.#setPace(step(this.#pace, this.#options.profile(), now - begunAt, now));
    this.#options.onRenewed?.(this.certainUntil());
  }

  #setPace(pace: Pace): void {
    const before = this.#pace.level;
    this.#pace = pace;
    if (this.#pace.level === before) return;
    this.#options.log.warn('failure detection changes its level', { from: before, to: this.#pace.level });
    this.#options.onLevel?.(this.#pace.level);
  }
}

/** Refused for certain: the server answered, and not with a failure of its own in the middle of the write. */
function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status < 500;
}

function renewed(lease: Lease, self: string, node: string, timing: Timing, at: string): Lease {
  const held = lease.spec?.holderIdentity === self;
  return {
    ...lease,
    metadata: {
      ...lease.metadata,
      annotations: { ...lease.metadata.annotations, [ANNOTATIONS.node]: node },
    },
    spec: {
      ...lease.spec,
      holderIdentity: self,
      leaseDurationSeconds: timing.durationMs / 1_000,
      renewTime: at,
      ...(held ? {} : { acquireTime: at, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 }),
    },
  };
}
