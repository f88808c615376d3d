// Acts on the decisions of care.ts: by the tend script in the member's pod, by deleting pods and claims, by the record.
import { ApiError, assertNever, EngineError } from '../../errors.ts';
import { wasDeleted } from '../../kube/deletion.ts';
import { PersistentVolumeClaims, Pods } from '../../kube/resources.ts';
import type { EngineContext } from '../engine.ts';
import { remembered, retryAt } from './care.ts';
import type { Care } from './care.ts';
import type { RingObserved } from './gather.ts';
import { without } from './record.ts';
import type { RingRecord } from './record.ts';
import { changeRecord } from './record-keeper.ts';
import { TEND_COMMAND } from './tend-script.ts';

/** For the script to answer; what it began goes on. The Java machine of nodetool starts slowly on a busy node. */
const TEND_TIMEOUT_MS = 45_000;
const FORBIDDEN = 403;
/** Characters of a failed task's log that a condition carries. */
const LONGEST_REASON = 300;

export async function care(
  decision: Exclude<Care, { readonly kind: 'nothing' }>,
  observed: RingObserved,
  context: EngineContext,
): Promise<void> {
  switch (decision.kind) {
    case 'remember':
      await changeRecord(context, (record) => remembered(record, observed) ?? record);
      return;
    case 'leave':
      return leave(decision, context);
    case 'remake':
      return deletePod(decision.pod, decision.uid, context);
    case 'replace':
      return replace(decision, observed, context);
    case 'task':
      return task(decision, observed, context);
    default:
      return assertNever(decision);
  }
}

/** The record first: whoever goes on after us knows that this member is leaving, whatever the spec says by then. */
async function leave(
  { pod, uid }: { readonly pod: string; readonly uid: string },
  context: EngineContext,
): Promise<void> {
  const { cluster, kube, log, signal } = context;
  const begun = await changeRecord(context, (record) =>
    record.leaving === '' && record.addresses[pod] !== undefined ? { ...record, leaving: pod } : record,
  );
  if (begun.leaving !== pod) return;
  const { answer, why } = await tend(pod, ['leave'], context);
  if (answer === 'FAILED') return trouble(context, `${pod} could not leave: ${why}`);
  if (answer !== 'LEFT') return;
  log.info('a member has left the ring with its data', { pod });
  if (cluster.spec.deletionPolicy === 'Delete') {
    await wasDeleted(
      kube.delete(PersistentVolumeClaims, cluster.metadata.namespace, claimOf(pod), { signal }),
    );
  }
  await changeRecord(context, (record) => without(record, pod, uid));
}

/** The claim goes with its pod; the StatefulSet makes both anew, and the start script takes the old place by the record. */
async function replace(
  { pod, uid, ready }: Extract<Care, { readonly kind: 'replace' }>,
  { demands }: RingObserved,
  context: EngineContext,
): Promise<void> {
  const { cluster, kube, log, signal } = context;
  const { namespace } = cluster.metadata;
  // The word is used up first: a pass that is cut short, or a cache that is behind, must not take the new disk as well.
  let taken = false;
  await changeRecord(context, (record) => {
    taken = demands.replace !== undefined && record.acted.replace !== demands.replace;
    return taken ? { ...record, acted: { ...record.acted, replace: pod } } : record;
  });
  if (!taken) return;
  log.warn('a member is given up with its disk, as asked for', { pod });
  await wasDeleted(kube.delete(PersistentVolumeClaims, namespace, claimOf(pod), { signal }));
  // One that serves drains; one that does not may be on a node that never answers again.
  if (uid !== undefined) await deletePod(pod, uid, context, ready ? undefined : 0);
}

async function task(
  { task, pod, id }: Extract<Care, { readonly kind: 'task' }>,
  { now }: RingObserved,
  context: EngineContext,
): Promise<void> {
  const { answer, why } = await tend(pod, ['task', task, id], context);
  if (answer === 'FAILED') {
    return trouble(context, `${task} failed in ${pod}: ${why}`, (record) =>
      task === 'cleanup' ? record : { ...record, repaired: { ...record.repaired, [pod]: retryAt(now) } },
    );
  }
  if (answer !== 'DONE') return;
  context.log.info('a task of the ring is done', { task, pod });
  await changeRecord(context, (record) =>
    task === 'cleanup'
      ? { ...record, trouble: '', cleanup: record.cleanup.filter((name) => name !== pod) }
      : { ...record, trouble: '', repaired: { ...record.repaired, [pod]: now } },
  );
}

/** Shown as a condition until the next thing succeeds. Not thrown: what else is to be said of the ring must be said. */
async function trouble(
  context: EngineContext,
  message: string,
  change: (record: RingRecord) => RingRecord = (record) => record,
): Promise<void> {
  context.log.warn('looking after the ring failed', { message });
  await changeRecord(context, (record) => ({ ...change(record), trouble: message }));
}

/**
 * The first line of the script's answer, and why it is no better one. A refusal by the API server (the chart gives the right
 * only together with its admission policy) is a failure to be told, not to be tried in silence.
 * @throws EngineError when the script could not be run
 */
async function tend(
  pod: string,
  words: readonly string[],
  { cluster, kube, signal }: EngineContext,
): Promise<{ readonly answer: string; readonly why: string }> {
  const target = {
    namespace: cluster.metadata.namespace ?? '',
    pod,
    container: 'cassandra',
    command: [...TEND_COMMAND, ...words],
  };
  try {
    const { code, stdout, stderr } = await kube.exec(target, { signal, timeoutMs: TEND_TIMEOUT_MS });
    if (code !== 0) throw new EngineError(`${words.join(' ')} failed in ${pod}: ${stderr.trim()}`, { pod });
    const [answer = '', ...log] = stdout.trim().split('\n');
    return { answer, why: log.join(' ').slice(0, LONGEST_REASON) };
  } catch (error) {
    if (!(error instanceof ApiError && error.status === FORBIDDEN)) throw error;
    return { answer: 'FAILED', why: error.message.slice(0, LONGEST_REASON) };
  }
}

async function deletePod(
  pod: string,
  uid: string,
  { cluster, kube, signal }: EngineContext,
  gracePeriodSeconds?: number,
): Promise<void> {
  await wasDeleted(
    kube.delete(Pods, cluster.metadata.namespace, pod, {
      signal,
      uid,
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    }),
  );
}

function claimOf(pod: string): string {
  return `data-${pod}`;
}
