// Holds, takes and gives up the Web IP: first the record, then the endpoint that the address follows; else stays behind that.
import { ANNOTATIONS, names } from '../../api/v1alpha1/names.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { LeaseLostError, messageOf } from '../../errors.ts';
import type { Heartbeat } from '../../agent/heartbeat.ts';
import { holderIdentity } from '../../agent/identity.ts';
import type { Identity } from '../../agent/identity.ts';
import type { Peers } from '../../agent/peers.ts';
import type { RoleClient } from '../../agent/role.ts';
import type { RoleChange, RoleRecord } from '../../agent/role-record.ts';
import { decideRole, explain } from '../../agent/simple-role.ts';
import type { RoleReason, RoleStep } from '../../agent/simple-role.ts';
import type { Slices } from '../../agent/slices.ts';
import { monotonicNow, Wake } from '../../agent/wake.ts';
import type { Logger } from '../../log.ts';
import type { Drain } from './drain.ts';

export interface VipRoleOptions {
  readonly identity: Identity;
  readonly peers: Peers;
  readonly heartbeat: Heartbeat;
  readonly role: RoleClient;
  readonly slices: Slices;
  readonly log: Logger;
  readonly cluster: () => SpaceCluster;
  /** Does the own HAProxy serve? */
  readonly serving: () => boolean;
  /** Which HAProxy that is. */
  readonly life: () => number;
  readonly drain: Drain;
  /** Told of each take-over, for an Event. */
  readonly onTaken: (epoch: number, reason: RoleReason) => void;
}

const TICK_MS = 250;
const CALL_MS = 2_000;
/** The holder reads its slice so often, to put right what others did to it. */
const AUDIT_MS = 5_000;
/** After giving up while fit: time for the other to take. */
const REFRAIN_MS = 5_000;
/** How long a hand-over may take before this balancer ends all the same. */
const HAND_OVER_MS = 8_000;
/** Who has handed over takes nothing with that HAProxy any more: longer than the pod's grace, in case it is never ended. */
const LEAVING_MS = 60_000;
/** Requests under way may end for so long after the endpoint has moved. */
const LINGER_MS = 1_000;

export class VipRole {
  readonly #options: VipRoleOptions;
  readonly #self: string;
  readonly #service: string;
  readonly #wake = new Wake();
  #published: { readonly epoch: number; readonly at: number } | undefined;
  #followedAt = Number.NEGATIVE_INFINITY;
  #troubled = false;
  #refrainUntil = Number.NEGATIVE_INFINITY;
  #leaving = { life: 0, until: Number.NEGATIVE_INFINITY };

  constructor(options: VipRoleOptions) {
    this.#options = options;
    this.#self = holderIdentity(options.identity);
    this.#service = names(options.identity.cluster).services.vip;
    options.peers.onChange(() => {
      this.#wake.notify();
    });
  }

  /** Something this rests on has changed. */
  notify(): void {
    this.#wake.notify();
  }

  holds(): boolean {
    return this.#options.role.current()?.holder === this.#self;
  }

  epoch(): number {
    return this.#options.role.current()?.epoch ?? 0;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#act(this.#decide(), signal);
        this.#troubled = false;
      } catch (error) {
        // Told once: while the API server is away, this balancer just goes on as it was.
        if (!signal.aborted && !this.#troubled) {
          this.#options.log.warn('the Web IP cannot be seen to, trying on', { error: messageOf(error) });
        }
        this.#troubled = true;
      }
      await this.#wake.wait(TICK_MS, signal);
    }
  }

  /**
   * Gives the Web IP to the other balancer and returns when clients reach that one, or when nobody takes it within the bound.
   * Until then this balancer serves on: the address follows the other's write, not our leaving.
   */
  async handOver(): Promise<void> {
    const bound = AbortSignal.timeout(HAND_OVER_MS);
    this.#leaving = { life: this.#options.life(), until: monotonicNow() + LEAVING_MS };
    this.#wake.notify();
    // A standby has nothing to give; it only takes nothing any more.
    if (!this.holds() && !(await this.#leadsHere(bound))) return this.#withdraw();
    const pause = new Wake();
    while (!bound.aborted && (this.holds() || (await this.#leadsHere(bound)))) {
      await pause.wait(TICK_MS / 2, bound);
      // HAProxy is gone already: there is nothing to keep up until another takes over.
      if (!this.#options.serving() && !this.holds()) return this.#withdraw();
    }
    if (!bound.aborted) await pause.wait(LINGER_MS, new AbortController().signal);
    await this.#withdraw();
  }

  /** An address that may soon be another pod's. Where nobody has taken the lead it stays, and serves to the end. */
  async #withdraw(): Promise<void> {
    const { log, slices } = this.#options;
    const bound = AbortSignal.timeout(CALL_MS);
    try {
      if (!(await slices.leadsToSelf(this.#service, bound))) await slices.withdraw(this.#service, bound);
    } catch (error) {
      log.debug('not taken out of the routing', { error: messageOf(error) });
    }
  }

  async #leadsHere(signal: AbortSignal): Promise<boolean> {
    // Alone, there is nobody to wait for.
    const others = this.#options.peers
      .members()
      .some(
        ({ component, identity, dead }) => component === 'loadbalancer' && identity !== this.#self && !dead,
      );
    if (!others) return false;
    try {
      return await this.#options.slices.leadsToSelf(this.#service, signal);
    } catch (error) {
      // Not known: then rather serve on until the bound.
      this.#options.log.debug('cannot see where the Web IP leads', { error: messageOf(error) });
      return true;
    }
  }

  #isLeaving(): boolean {
    return monotonicNow() < this.#leaving.until && this.#options.life() === this.#leaving.life;
  }

  #decide(): RoleStep {
    const { cluster, heartbeat, peers, role, serving } = this.#options;
    const now = monotonicNow();
    const annotation = cluster().metadata.annotations?.[ANNOTATIONS.switchover] ?? '';
    return decideRole({
      record: role.current(),
      self: this.#self,
      fit: serving(),
      certain: heartbeat.certain(),
      // It is one HAProxy that leaves: the one after it has been started anew, to serve.
      stopping: this.#isLeaving(),
      asked: annotation === 'vip' ? annotation : '',
      refrain: now < this.#refrainUntil,
      // This role needs no fence: a holder whose pod has been made anew need not be waited for.
      isDead: (identity) => peers.isDead(identity) || peers.isReplaced(identity),
    });
  }

  async #act(step: RoleStep, signal: AbortSignal): Promise<void> {
    const { drain } = this.#options;
    if (step.kind !== 'yield') drain.over();
    switch (step.kind) {
      case 'wait':
        this.#follow(signal);
        break;
      case 'hold':
        await this.#publish(step.epoch, signal);
        break;
      case 'take': {
        const silentMs = step.base.holder === undefined ? 0 : this.#options.peers.silentFor(step.base.holder);
        const record = await this.#write(step.base, step.change, signal);
        if (record === undefined) break;
        await this.#publish(record.epoch, signal);
        this.#options.log.info('took the Web IP', {
          epoch: record.epoch,
          why: explain(step.reason),
          silentMs: Math.round(silentMs),
        });
        this.#options.onTaken(record.epoch, step.reason);
        break;
      }
      case 'yield':
        if (step.reason !== 'unfit') {
          if (!(await drain.ended())) break;
          this.#refrainUntil = monotonicNow() + REFRAIN_MS;
        }
        if ((await this.#write(step.base, step.change, signal)) !== undefined) {
          this.#options.log.info('gave the Web IP up', { epoch: step.base.epoch, why: explain(step.reason) });
        }
        break;
      case 'rearm':
        await this.#write(step.base, step.change, signal);
        break;
    }
  }

  /** Undefined where it is not certain that it was written; the watch will tell. */
  async #write(base: RoleRecord, change: RoleChange, signal: AbortSignal): Promise<RoleRecord | undefined> {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
    const outcome = await this.#options.role.write(base, change, bound);
    if (outcome.kind === 'unknown') throw outcome.error;
    return outcome.kind === 'done' ? outcome.record : undefined;
  }

  /** Behind the holder: where the address is announced by old knowledge, clients are served here as well as there. */
  #follow(signal: AbortSignal): void {
    const { log, role, serving, slices } = this.#options;
    const now = monotonicNow();
    this.#published = undefined;
    if (role.current()?.holder === undefined || !serving() || this.#isLeaving()) return;
    if (now - this.#followedAt < AUDIT_MS) return;
    this.#followedAt = now;
    // Not waited for: it is no reason to be late in taking.
    slices
      .follow(this.#service, AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]))
      .catch((error: unknown) => {
        log.debug('not put behind the holder', { error: messageOf(error) });
      });
  }

  async #publish(epoch: number, signal: AbortSignal): Promise<void> {
    const now = monotonicNow();
    if (this.#published?.epoch === epoch && now - this.#published.at < AUDIT_MS) return;
    const bound = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
    try {
      await this.#options.slices.lead(this.#service, epoch, bound);
      this.#published = { epoch, at: now };
    } catch (error) {
      // A newer holder has published already; the record on its way to us says so.
      if (!(error instanceof LeaseLostError)) throw error;
    }
  }
}
