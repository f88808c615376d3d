// Sub-command `selfcheck`: exercises a running cluster from inside, through the Services that applications use.
import { SpaceClusterError, messageOf } from '../errors.ts';
import { mountedContext } from './check.ts';
import type { Check, CheckContext, Outcome } from './check.ts';
import { cassandraCheck } from './cassandra.ts';
import { mysqlCheck } from './mysql.ts';
import { postgresqlCheck } from './postgresql.ts';

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

async function attempt(check: Check, context: CheckContext): Promise<Outcome> {
  const name = check.name.replaceAll('NAME', context.cluster);
  const started = performance.now();
  const took = (): number => Math.round(performance.now() - started);
  try {
    return { name, ok: true, detail: await check.run(context), ms: took() };
  } catch (error) {
    return { name, ok: false, detail: messageOf(error), ms: took() };
  }
}
