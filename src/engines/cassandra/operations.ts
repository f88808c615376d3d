// Acts on a decision: writes the ring's record, or has the settler make roles, keyspaces and replication.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { memberTlsSecret, names } from '../../api/v1alpha1/names.ts';
import { assertNever, EngineError, isNotFound, WaitingError } from '../../errors.ts';
import { ConfigMaps } from '../../kube/resources.ts';
import type { EngineContext } from '../engine.ts';
import { decide } from './decide.ts';
import type { RingObserved } from './gather.ts';
import { decodeRecord, encodeRecord, STATE_KEY } from './record.ts';
import type { RingRecord } from './record.ts';
import type { SettlerAnswer, SettlerJob } from './settler.ts';

/** The ring's own superuser. */
const SUPERUSER = 'space_admin';
/** The program's sub-command that runs settler.ts. */
export const SETTLER_COMMAND = 'cassandra-settle';

export async function operate(observed: RingObserved, context: EngineContext): Promise<void> {
  const decision = decide(observed);
  switch (decision.kind) {
    case 'nothing':
      return;
    case 'record':
      return changeRecord(context, (record) => ({
        ...record,
        addresses: { ...record.addresses, ...decision.addresses },
      }));
    case 'settle': {
      const answer = await runSettler(settlerJob(observed, context, decision.replication), context.signal);
      if (answer.kind === 'waiting') throw new WaitingError('RolesMissing', answer.message);
      const { spread } = answer;
      if (answer.kind === 'failed') {
        await changeRecord(context, (record) => ({ ...record, spread }));
        throw new EngineError(`Cassandra's roles and keyspaces could not be settled: ${answer.message}`);
      }
      context.log.info('ring settled', { steps: answer.steps, spread });
      return changeRecord(context, (record) => ({ ...record, spread, settled: decision.key }));
    }
    default:
      return assertNever(decision);
  }
}

function settlerJob(
  observed: RingObserved,
  { cluster, view }: EngineContext,
  replication: number,
): SettlerJob {
  const { name, namespace } = cluster.metadata;
  const { secrets, services } = names(name);
  const read = (secret: string, key: string): string => {
    const value = view.secret(secret)?.data?.[key];
    if (value === undefined)
      throw new WaitingError('SecretIncomplete', `Secret ${secret} has no key ${key} yet`);
    return Buffer.from(value, 'base64').toString('utf8');
  };
  return {
    access: {
      addresses: observed.members.flatMap((member) => (member.ip === undefined ? [] : [member.ip])),
      serverName: `${services.cassandra}.${namespace}.svc`,
      ca: read(memberTlsSecret(name, 'cassandra'), 'ca.crt'),
    },
    wanted: {
      superuser: { username: SUPERUSER, password: read(secrets.internal, 'cassandra-superuser-password') },
      application: {
        username: read(secrets.cassandra, 'username'),
        password: read(secrets.cassandra, 'password'),
      },
      keyspace: read(secrets.cassandra, 'keyspace'),
      replication,
    },
    spread: observed.record.spread,
  };
}

/** The driver lives and dies in a child process: it would cost the operator a third of its memory for ever. */
async function runSettler(job: SettlerJob, signal: AbortSignal): Promise<SettlerAnswer> {
  const [program = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [program, SETTLER_COMMAND], {
    stdio: ['pipe', 'pipe', 'inherit'],
    signal,
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new EngineError(`the process that settles Cassandra ended with code ${code ?? 'none'}`));
    });
  });
  child.stdin.end(JSON.stringify(job));
  const [answer] = await Promise.all([text(child.stdout), ended]);
  return JSON.parse(answer) as SettlerAnswer;
}

/**
 * A merge patch of the one key (the rest of `NAME-state` belongs to the reconciler), over the version just read: the cache
 * that the decision came from may be older than our own last write.
 */
async function changeRecord(
  { kube, cluster, signal }: EngineContext,
  change: (record: RingRecord) => RingRecord,
): Promise<void> {
  const { namespace, name } = cluster.metadata;
  const { state } = names(name);
  try {
    const current = await kube.get(ConfigMaps, namespace, state, { signal });
    const before = decodeRecord(current.data?.[STATE_KEY]);
    const after = encodeRecord(change(before));
    if (after === encodeRecord(before)) return;
    const patch = {
      metadata: { resourceVersion: current.metadata.resourceVersion },
      data: { [STATE_KEY]: after },
    };
    await kube.mergePatch(ConfigMaps, namespace, state, patch, { signal });
  } catch (error) {
    if (isNotFound(error)) throw new WaitingError('StateMissing', `ConfigMap ${state} is not there yet`);
    throw error;
  }
}
