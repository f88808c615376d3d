// The failsafe at work: a holder whose heartbeat is not renewed carries on, asks its peer, or yields; a peer answers.
import type { Heartbeat } from '../../agent/heartbeat.ts';
import type { Peers } from '../../agent/peers.ts';
import type { RoleClient } from '../../agent/role.ts';
import type { Timing } from '../../agent/timing.ts';
import { Wake } from '../../agent/wake.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { answerTo, decideFailsafe, paceOf } from './failsafe.ts';
import type { Answer, HolderView, Question } from './failsafe.ts';
import type { Lookout } from './lookout.ts';
import type { PeerClient } from './peer-channel.ts';
import type { Permit } from './permit.ts';
import type { RecordKeeper } from './record-keeper.ts';
import { isPending, peerMayCount } from './view.ts';

export interface FailsafeOptions {
  readonly self: string;
  readonly permit: Permit;
  readonly keeper: RecordKeeper;
  readonly role: RoleClient;
  readonly peers: Peers;
  readonly heartbeat: Heartbeat;
  readonly lookout: Lookout;
  readonly peerClient: PeerClient;
  readonly log: Logger;
  /** M8: without it nothing is prolonged. */
  readonly gate: () => Promise<boolean>;
  /** Gives the role up. */
  readonly yield: (reason: string) => void;
}

const TICK_MS = 100;
/** The peer looks at the API server itself before it answers. */
const ASK_MS = 700;
const PROBE_MS = 400;
const ANSWER_LASTS_MS = 1_000;

interface Holding {
  readonly view: HolderView;
  readonly question: Omit<Question, 'durationMs'>;
}

export class Failsafe {
  readonly #options: FailsafeOptions;
  #answer: { readonly given: Answer; readonly at: number } | undefined;

  constructor(options: FailsafeOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const pause = new Wake();
    while (!signal.aborted) {
      await pause.wait(TICK_MS, signal);
      const holding = this.#holding();
      if (holding !== undefined) await this.#hold(holding);
    }
  }

  /** To the peer's question whether it may carry on. A promise ends the verdict, and begins a new wait. */
  async answer(question: Question): Promise<Answer> {
    const { keeper, role, peers, log } = this.#options;
    const apiReachable = await role.read(AbortSignal.timeout(PROBE_MS)).then(
      () => true,
      () => false,
    );
    const answer = answerTo(question, {
      record: keeper.record(),
      taking: keeper.pending().some(({ kind }) => kind === 'take'),
      apiReachable,
    });
    if (answer === 'promised') {
      keeper.promise(question.durationMs);
      peers.promised(question.holder);
    }
    log.warn('the holder asks whether it may carry on', { answer });
    return answer;
  }

  async #hold(holding: Holding): Promise<void> {
    const { permit, log } = this.#options;
    switch (decideFailsafe(holding.view).kind) {
      case 'none':
        return;
      case 'give-back':
        return permit.giveBack();
      case 'yield':
        log.warn('the API server is out of reach, and the peer can take over: yielding');
        permit.forsake();
        return this.#options.yield('the API server is out of its reach');
      case 'ask':
        if (await this.#options.gate()) await this.#ask(holding.question, paceOf(holding.view));
        return;
      case 'carry-on': {
        if (!(await this.#options.gate())) return;
        // Only while it still is alone: a standby may have been recorded while the commit was waited for. Counted from before (L5).
        const now = this.#holding();
        if (now !== undefined && decideFailsafe(now.view).kind === 'carry-on')
          permit.carryOn(holding.view.now + paceOf(now.view).renewDeadlineMs);
      }
    }
  }

  async #ask(question: Holding['question'], { durationMs, renewDeadlineMs }: Timing): Promise<void> {
    const { permit, peerClient, log } = this.#options;
    // Counted from before anything is sent: the promise lasts longer than the permit that rests on it (L5).
    const sentAt = performance.now();
    try {
      const given = await peerClient.ask({ ...question, durationMs }, ASK_MS);
      this.#answer = { given, at: performance.now() };
      log.warn('heartbeat not renewed: asked the peer', { answer: given });
      if (given === 'promised') permit.carryOn(sentAt + renewDeadlineMs);
    } catch (error) {
      log.warn('heartbeat not renewed, and the peer is silent', { error: messageOf(error) });
    }
  }

  /** undefined where this member is not the open holder, or is giving the role up. */
  #holding(): Holding | undefined {
    const { lookout, keeper, permit, heartbeat, self } = this.#options;
    const view = lookout.view();
    const record = keeper.record();
    if (view === undefined || record?.holder !== self || record.phase !== 'open') return undefined;
    if (view.stopping || view.handingOver !== undefined) return undefined;
    const current = { ...view, record, pending: keeper.pending() };
    if (isPending(current, 'release')) return undefined;
    const now = performance.now();
    const { engine } = view;
    return {
      view: {
        now,
        beat: heartbeat.timing(),
        writable: engine.kind === 'running' && engine.writable,
        semiSync: engine.kind === 'running' && engine.semiSync.on,
        permitUntil: permit.until(),
        heartbeatUntil: permit.heartbeatUntil(),
        lent: permit.lent(),
        peerMayCount: peerMayCount(current),
        answer:
          this.#answer !== undefined && now - this.#answer.at < ANSWER_LASTS_MS
            ? this.#answer.given
            : undefined,
      },
      question: { holder: self, epoch: record.epoch },
    };
  }
}
