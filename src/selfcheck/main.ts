// Sub-command `selfcheck`: exercises a running cluster from inside, through the Services that applications use.
import { setTimeout } from 'node:timers/promises';
import { SpaceClusterError, messageOf } from '../errors.ts';
import { mountedContext } from './check.ts';
import type { Check, CheckContext, Outcome } from './check.ts';
import { cassandraCheck } from './cassandra.ts';
import { mysqlCheck } from './mysql.ts';
import { postgresqlCheck } from './postgresql.ts';

const TRIES = 3;
const PAUSE_MS = 5_000;

const CHECKS: readonly Check[] = [mysqlCheck, postgresqlCheck, cassandraCheck];

/** Prints one JSON line for each check; throws when one failed, so that the Job fails too. */
export async function runSelfcheck(env: NodeJS.ProcessEnv): Promise<void> {
  const context = await mountedContext(env);
  const outcomes: Outcome[] = [];
  for (const check of CHECKS) {
    const outcome = await attempt(check, context);
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
    outcomes.push(outcome);
  }
  const failed = outcomes.filter((outcome) => !outcome.ok);
  if (failed.length > 0) {
    throw new SpaceClusterError('SPC_ENGINE', `${failed.length} of ${outcomes.length} checks failed`);
  }
}

/** Tried as an application would: a fabric that is handing something over answers a moment later. The tries are told. */
async function attempt(check: Check, context: CheckContext): Promise<Outcome> {
  const name = check.name.replaceAll('NAME', context.cluster);
  const started = performance.now();
  const took = (): number => Math.round(performance.now() - started);
  for (let n = 1; ; n++) {
    try {
      const detail = await check.run(context);
      return { name, ok: true, detail: n === 1 ? detail : `${detail}, at try ${n}`, ms: took() };
    } catch (error) {
      if (n === TRIES) return { name, ok: false, detail: messageOf(error), ms: took() };
      await setTimeout(PAUSE_MS);
    }
  }
}
