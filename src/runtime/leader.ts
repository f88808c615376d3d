// Leader election on a Lease. Expiry is judged on this process's own monotonic clock, from when it last saw a change;
// a leader asks for certainty before every write, so that a stalled event loop counts as a loss first (L1, L5).
import { ApiError, isConflict, isNotFound, LeaseLostError, messageOf } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { claimed, holderOf, released } from '../kube/lease.ts';
import { Leases } from '../kube/resources.ts';
import type { Lease } from '../kube/types.ts';
import { sleep } from '../kube/wait.ts';
import type { Logger } from '../log.ts';
import type { Gauge } from './metrics.ts';

export interface LeaderElectionOptions {
  /** Not guarded by this election. */
  readonly kube: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Unique to this process, not only to its pod: a restarted container must not take itself for its predecessor. */
  readonly identity: string;
  readonly log: Logger;
  /** Others wait so long after the last change they saw. @default 15,000 */
  readonly durationMs?: number;
  /** The leader stops so long after it sent its last confirmed renewal. @default 10,000 */
  readonly renewDeadlineMs?: number;
  /** Between renewals, and between tries. @default 2,000 */
  readonly retryMs?: number;
  /** `leader_election_master_status` */
  readonly status?: Gauge;
}

interface Observed {
  readonly lease: Lease | undefined;
  /** Monotonic, when this version was first seen. */
  readonly at: number;
}

export class LeaderElection {
  readonly #options: Required<Omit<LeaderElectionOptions, 'status'>>;
  readonly #status: Gauge | undefined;
  #observed: Observed = { lease: undefined, at: Number.POSITIVE_INFINITY };
  /** Monotonic, when the last confirmed renewal was sent; undefined while not leading. */
  #renewedAt: number | undefined;
  /** For good: a late answer to a renewal must not revive a leadership whose work was told to stop. */
  #ended = false;

  constructor(options: LeaderElectionOptions) {
    const { status, ...rest } = options;
    this.#status = status;
    this.#options = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000, ...rest };
    this.#tell(0);
  }

  get leading(): boolean {
    return performance.now() < this.#certainUntil();
  }

  /**
   * Asked at the moment a write leaves (a WriteGuard).
   * @returns milliseconds that the write may be under way: nobody else may lead before they are over
   * @throws LeaseLostError when this process may no longer be the leader
   */
  readonly assertLeader = (): number => {
    const now = performance.now();
    if (this.#renewedAt === undefined || now >= this.#certainUntil()) {
      throw new LeaseLostError(
        `${this.#options.identity} is not certain to lead (Lease ${this.#options.name})`,
      );
    }
    return this.#renewedAt + this.#options.durationMs - now;
  };

  /**
   * Once. Waits until this process leads, then runs `lead` until it returns, leadership is lost (its signal is then aborted with
   * a LeaseLostError) or `signal` is aborted. Gives the Lease up last, when `lead` has ended.
   * @throws LeaseLostError when leadership was lost: the process should end, and begin anew
   */
  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (!(await this.#acquire(signal))) return;
    this.#tell(1);
    this.#options.log.info('leading', { lease: this.#options.name });
    const work = new AbortController();
    const stop = (): void => {
      work.abort(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const over = new AbortController();
    const renewing = this.#keepRenewing(over.signal, work);
    try {
      await lead(work.signal);
    } finally {
      over.abort();
      await renewing;
      signal.removeEventListener('abort', stop);
    }
    if (work.signal.reason instanceof LeaseLostError) throw work.signal.reason;
    await this.#release();
  }

  /** False when `signal` was aborted first. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      try {
        if (await this.#tryToTake(signal)) return true;
      } catch (error) {
        if (signal.aborted) break;
        this.#options.log.warn('cannot take the leader Lease yet', { error: messageOf(error) });
      }
      await sleep(this.#options.retryMs * (0.8 + Math.random() * 0.4), signal);
    }
    return false;
  }

  async #tryToTake(signal: AbortSignal): Promise<boolean> {
    const { identity } = this.#options;
    const lease = await this.#read(signal);
    if (lease !== undefined && ![identity, ''].includes(holderOf(lease)) && !this.#expired(lease))
      return false;
    try {
      await this.#claim(lease ?? this.#blank());
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }

  async #read(signal?: AbortSignal): Promise<Lease | undefined> {
    const { kube, namespace, name } = this.#options;
    let lease: Lease | undefined;
    try {
      lease = await kube.get(Leases, namespace, name, {
        timeoutMs: this.#callTimeout(),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (lease?.metadata.resourceVersion !== this.#observed.lease?.metadata.resourceVersion) {
      this.#observed = { lease, at: performance.now() };
    }
    return lease;
  }

  #expired(lease: Lease): boolean {
    const duration = (lease.spec?.leaseDurationSeconds ?? 0) * 1_000 || this.#options.durationMs;
    return performance.now() - this.#observed.at > duration;
  }

  /** One conditional write. Certainty counts from when it was sent (L5). */
  async #claim(lease: Lease): Promise<void> {
    const { kube, identity: holder, durationMs } = this.#options;
    const sentAt = performance.now();
    const next = claimed(lease, { holder, durationMs, at: Date.now() });
    const call = { timeoutMs: this.#callTimeout() };
    const written = await (lease.metadata.resourceVersion === undefined
      ? kube.create(Leases, next, call)
      : kube.replace(Leases, next, call));
    this.#observed = { lease: written, at: performance.now() };
    if (!this.#ended) this.#renewedAt = sentAt;
  }

  async #keepRenewing(over: AbortSignal, work: AbortController): Promise<void> {
    const { retryMs, identity, log } = this.#options;
    for (;;) {
      await sleep(Math.min(retryMs, Math.max(0, this.#certainUntil() - performance.now())), over);
      if (over.aborted) return;
      if (!this.leading) break;
      try {
        await this.#withinDeadline(this.#renew());
      } catch (error) {
        log.warn('the leader Lease was not renewed', { error: messageOf(error) });
        if (error instanceof LeaseLostError) break;
      }
    }
    this.#end();
    log.error('leadership lost', { lease: this.#options.name, identity });
    work.abort(new LeaseLostError(`leadership lost (Lease ${this.#options.name})`));
  }

  /** A renewal that hangs must not keep the loss from being noticed. */
  async #withinDeadline(renewal: Promise<void>): Promise<void> {
    const timer = new AbortController();
    const deadline = sleep(this.#certainUntil() - performance.now(), timer.signal);
    try {
      await Promise.race([renewal, deadline]);
    } finally {
      timer.abort();
    }
    renewal.catch(() => undefined);
  }

  async #renew(): Promise<void> {
    const { identity } = this.#options;
    let lease = this.#observed.lease;
    if (lease === undefined) lease = await this.#read();
    try {
      await this.#claim(lease ?? this.#blank());
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 409 && error.status !== 404)) throw error;
      // Changed by somebody: perhaps by ourselves, in a write whose answer was lost.
      const now = await this.#read();
      if (now !== undefined && holderOf(now) !== identity) {
        throw new LeaseLostError(`Lease ${this.#options.name} is now held by ${holderOf(now) || 'nobody'}`);
      }
      if (now === undefined) throw error;
      await this.#claim(now);
    }
  }

  /** Lets the other replica lead at once. Best effort: a Lease that is not given up runs out. */
  async #release(): Promise<void> {
    const { kube, log, identity } = this.#options;
    this.#end();
    const { lease } = this.#observed;
    if (lease === undefined || holderOf(lease) !== identity) return;
    try {
      await kube.replace(Leases, released(lease, Date.now()), { timeoutMs: this.#callTimeout() });
      log.info('leadership given up', { lease: this.#options.name });
    } catch (error) {
      log.warn('the leader Lease was not given up; it runs out', { error: messageOf(error) });
    }
  }

  #end(): void {
    this.#ended = true;
    this.#renewedAt = undefined;
    this.#tell(0);
  }

  #certainUntil(): number {
    return this.#renewedAt === undefined
      ? Number.NEGATIVE_INFINITY
      : this.#renewedAt + this.#options.renewDeadlineMs;
  }

  #callTimeout(): number {
    return Math.max(1_000, this.#options.renewDeadlineMs / 2);
  }

  #blank(): Lease {
    const { name, namespace } = this.#options;
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec: {} };
  }

  #tell(value: number): void {
    this.#status?.set(value, { name: this.#options.name });
  }
}
