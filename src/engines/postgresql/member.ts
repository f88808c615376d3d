// A member's agent at work: look, decide, act, one operation at a time, while what is served follows every look at once.
import type { RoleClient } from '../../agent/role.ts';
import { monotonicNow, Wake } from '../../agent/wake.ts';
import { messageOf } from '../../errors.ts';
import type { Occurrence } from '../../kube/events.ts';
import type { Logger } from '../../log.ts';
import type { AuditResult } from './audit.ts';
import { decide, serves } from './decide.ts';
import { Gatherer } from './gather.ts';
import type { GatherOptions } from './gather.ts';
import type { Observation } from './observation.ts';
import { operate } from './operations.ts';
import { encodeReport, report } from './report.ts';
import type { Wish } from './routing.ts';
import type { Step } from './step.ts';

export interface MemberOptions extends GatherOptions {
  readonly role: RoleClient;
  readonly log: Logger;
  /** Alive by its heartbeat, and an endpoint of the pair's Service. */
  readonly peerServes: () => boolean;
  readonly peerDead: () => boolean;
  readonly soloAfterMs: () => number;
  /** The member that is to be rebuilt on request; '' for none. */
  readonly replace: () => string;
  /** The pod's UID, for the report. */
  readonly uid: string;
  readonly publish: (wish: Wish) => void;
  readonly tell: (occurrence: Occurrence) => void;
  /** The last comparison of the rows. */
  readonly audit: () => AuditResult | undefined;
}

const PERIOD_MS = 500;
/** Pause after an operation that failed. */
const RETRY_MS = 1_000;

export class Member {
  readonly #options: MemberOptions;
  readonly #gatherer: Gatherer;
  readonly #wake = new Wake();
  #seen: Observation | undefined;
  #step: Step | undefined;
  #failure: string | undefined;
  #report: string | undefined;
  #working: Promise<void> | undefined;
  #leaving = false;
  #lookedAt = monotonicNow();

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#gatherer = new Gatherer(options, () => {
      this.#publish();
      this.#wake.notify();
    });
  }

  /** Something may have changed: looks again now. */
  notify(): void {
    this.#wake.notify();
  }

  /** The peer, which heard nothing of this member, took it out of the Services. */
  takenOut(): void {
    this.#gatherer.interrupt();
    this.#wake.notify();
  }

  /** From now on this member wants no clients; what else it does goes on until its server ends. */
  leave(): void {
    this.#leaving = true;
    this.#publish();
  }

  /** The last look; undefined before the first. */
  get seen(): Observation | undefined {
    return this.#seen;
  }

  /** Milliseconds since the last look began. */
  silentMs(): number {
    return monotonicNow() - this.#lookedAt;
  }

  /** Why no clients may come; undefined while they may. */
  unready(): string | undefined {
    if (this.#leaving) return 'leaving';
    if (this.#seen === undefined) return 'starting';
    if (this.#gatherer.refused) return 'the server takes no new connections';
    if (serves(this.#seen)) return undefined;
    const step = this.#step;
    return step?.kind === 'wait' || step?.kind === 'blocked' ? `${step.reason}: ${step.message}` : 'joining';
  }

  /** Runs until `signal` is aborted and the operation under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const looking = this.#gatherer.run(signal);
    while (!signal.aborted) {
      await this.#look(signal);
      await this.#wake.wait(PERIOD_MS, signal);
    }
    await Promise.all([looking, this.#working]);
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { role, peerServes, soloAfterMs, replace, log } = this.#options;
    this.#lookedAt = monotonicNow();
    try {
      this.#seen = await this.#gatherer.look({
        record: role.current(),
        peerServes: peerServes(),
        soloAfterMs: soloAfterMs(),
        replace: replace(),
        now: monotonicNow(),
      });
    } catch (error) {
      this.#failure = messageOf(error);
      log.error('the member could not be looked at', { error: this.#failure });
      return;
    }
    if (this.#working === undefined) this.#begin(this.#seen, signal);
    this.#publish();
  }

  #begin(seen: Observation, signal: AbortSignal): void {
    const step = decide(seen);
    if (step.kind === 'wait' && step.reason === 'Looking') return;
    if (tell(step) !== tell(this.#step))
      this.#options.log.info('next step', { step: step.kind, why: tell(step) });
    this.#step = step;
    if (step.kind === 'wait' || step.kind === 'blocked' || step.kind === 'settled') {
      this.#failure = undefined;
      return;
    }
    this.#working = this.#work(step, seen, signal).finally(() => {
      this.#working = undefined;
      this.#wake.notify();
    });
  }

  /** Never throws: a step that failed is decided anew. */
  async #work(step: Step, seen: Observation, signal: AbortSignal): Promise<void> {
    const own = seen.local.kind === 'up' ? seen.local.state : undefined;
    try {
      await operate(step, own, { ...this.#options, signal });
      if (step.kind === 'admit') this.#gatherer.admitted();
      if (step.kind === 'retire') {
        const note = `${this.#options.member} has left the PostgreSQL pair to be rebuilt: ${this.#options.peer} has everything that it had`;
        this.#options.tell({ type: 'Normal', reason: 'PostgreSQLMemberRetired', action: 'Replace', note });
      }
      this.#failure = undefined;
    } catch (error) {
      this.#failure = `${step.kind}: ${messageOf(error)}`;
      this.#options.log.warn('step failed', { step: step.kind, error: messageOf(error) });
      await new Wake().wait(RETRY_MS, signal);
    }
    this.#gatherer.changed();
  }

  #publish(): void {
    if (this.#seen === undefined || this.#step === undefined) return;
    // Between an operation and the next look at the peer there is nothing new to be said.
    if (this.#seen.remote.kind !== 'unseen') {
      this.#report = encodeReport(
        report(this.#seen, this.#step, {
          failure: this.#failure,
          audit: this.#options.audit(),
          pod: this.#options.uid,
        }),
      );
    }
    this.#options.publish({
      serving: serves(this.#seen) && !this.#leaving && !this.#gatherer.refused,
      peerDead: this.#options.peerDead(),
      report: this.#report,
    });
  }
}

function tell(step: Step | undefined): string {
  if (step === undefined) return '';
  return step.kind === 'wait' || step.kind === 'blocked' ? `${step.reason}: ${step.message}` : step.kind;
}
