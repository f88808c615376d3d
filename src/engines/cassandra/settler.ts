// Brings roles, keyspaces and replication to what is wanted, as a process of its own: one job on stdin, one answer on stdout.
// Passwords travel by the pipe only. Every step can be repeated, so a run that was cut short is simply run again.
import { EngineError, messageOf, WaitingError } from '../../errors.ts';
import { answerOwnProgram } from '../../runtime/own-program.ts';
import { openSession } from './admin.ts';
import type { RingAccess, Session } from './admin.ts';
import { plan, spreadAfter, STOCK_LOGIN } from './settlement.ts';
import type { RingSeen, Settlement, Spread } from './settlement.ts';

export interface SettlerJob {
  readonly access: RingAccess;
  readonly wanted: Settlement;
  readonly spread: Spread;
}

export type SettlerAnswer =
  /** `spread` is what was reached, also when it failed on the way. */
  | { readonly kind: 'done'; readonly spread: Spread; readonly steps: readonly string[] }
  | { readonly kind: 'failed'; readonly spread: Spread; readonly message: string }
  /** Nothing was done: a new ring makes its stock superuser a moment after its port has opened. */
  | { readonly kind: 'waiting'; readonly message: string };

/** The sub-command's body. */
export function runSettler(): Promise<void> {
  return answerOwnProgram((job) => settle(job as SettlerJob, new AbortController().signal));
}

export async function settle(job: SettlerJob, signal: AbortSignal): Promise<SettlerAnswer> {
  const steps: string[] = [];
  let { spread } = job;
  try {
    for (const as of ['stock', 'superuser'] as const) {
      await using opened = await open(job, as);
      if (opened === undefined) continue;
      for (const step of plan(await opened.session.seen(as), job.wanted, spread)) {
        signal.throwIfAborted();
        if (step.kind === 'sweep') {
          await opened.session.sweep(step.keyspace, signal);
        } else {
          await opened.session.execute(step.statement);
          steps.push(step.what);
        }
        spread = spreadAfter(spread, step);
      }
    }
    return { kind: 'done', spread, steps };
  } catch (error) {
    if (error instanceof WaitingError) return { kind: 'waiting', message: error.message };
    return { kind: 'failed', spread, message: messageOf(error) };
  }
}

interface Opened extends AsyncDisposable {
  readonly session: Session;
}

/** The stock log-in is tried only while our own is refused, and refused is then what it should be. */
async function open(job: SettlerJob, as: RingSeen['as']): Promise<Opened | undefined> {
  const own = await openSession(job.access, job.wanted.superuser);
  if (as === 'superuser') {
    if (own === undefined && Object.keys(job.spread).length === 0) {
      throw new WaitingError('RolesMissing', 'the new ring lets nobody in yet: it is still making its roles');
    }
    if (own === undefined) {
      throw new EngineError(
        `the ring refuses ${job.wanted.superuser.username} and the stock superuser: the password in the Secret is not the one the ring was settled with`,
      );
    }
    return disposable(own);
  }
  if (own !== undefined) {
    await own.close();
    return undefined;
  }
  const stock = await openSession(job.access, STOCK_LOGIN);
  return stock === undefined ? undefined : disposable(stock);
}

function disposable(session: Session): Opened {
  return { session, [Symbol.asyncDispose]: () => session.close() };
}
