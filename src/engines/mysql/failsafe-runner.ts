// The failsafe at work: a holder whose heartbeat is not renewed carries on, asks its peer, or yields.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { decideFailsafe } from './failsafe.ts';
import type { Answer, HolderView, Question } from './failsafe.ts';
import type { Permit } from './permit.ts';

export interface FailsafeOptions {
  readonly permit: Permit;
  readonly log: Logger;
  /** What is known of the role now; undefined where this member is not its open holder. */
  readonly holder: () =>
    (Pick<HolderView, 'writable' | 'peerMayCount'> & { readonly question: Question }) | undefined;
  readonly renewDeadlineMs: () => number;
  readonly ask: (question: Question, timeoutMs: number) => Promise<Answer>;
  /** M8: without it nothing is prolonged. */
  readonly gate: () => Promise<boolean>;
  readonly yield: (reason: string) => void;
}

const TICK_MS = 100;
/** The peer looks at the API server itself before it answers. */
const ASK_MS = 700;
const ANSWER_LASTS_MS = 1_000;

export async function runFailsafe(options: FailsafeOptions, signal: AbortSignal): Promise<void> {
  const { permit, log } = options;
  let answer: { readonly given: Answer; readonly at: number } | undefined;
  while (!signal.aborted) {
    await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
    const holder = options.holder();
    if (holder === undefined) continue;
    const now = performance.now();
    const step = decideFailsafe({
      now,
      writable: holder.writable,
      permitUntil: permit.until(),
      renewDeadlineMs: options.renewDeadlineMs(),
      peerMayCount: holder.peerMayCount,
      answer: answer !== undefined && now - answer.at < ANSWER_LASTS_MS ? answer.given : undefined,
    });
    if (step.kind === 'none') continue;
    if (step.kind === 'yield') {
      log.warn('the API server is out of reach, and the peer can take over: yielding');
      permit.forsake();
      options.yield('the API server is out of reach here');
      continue;
    }
    if (!(await options.gate())) continue;
    if (step.kind === 'carry-on') {
      permit.carryOn(now + options.renewDeadlineMs());
      continue;
    }
    try {
      // Counted from the sending: the promise lasts longer than the permit that rests on it (L5).
      const sentAt = performance.now();
      answer = { given: await options.ask(holder.question, ASK_MS), at: performance.now() };
      log.warn('heartbeat not renewed: asked the peer', { answer: answer.given });
      if (answer.given === 'promised') permit.carryOn(sentAt + options.renewDeadlineMs());
    } catch (error) {
      log.warn('heartbeat not renewed, and the peer is silent', { error: messageOf(error) });
    }
  }
}
