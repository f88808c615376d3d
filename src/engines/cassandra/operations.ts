// Acts on a decision: writes the ring's record, has the settler make roles, keyspaces and replication, or looks after the ring.
import { memberTlsSecret, names } from '../../api/v1alpha1/names.ts';
import { assertNever, EngineError, WaitingError } from '../../errors.ts';
import { askOwnProgram } from '../../runtime/own-program.ts';
import type { EngineContext } from '../engine.ts';
import { care } from './care-operations.ts';
import { decide } from './decide.ts';
import type { RingObserved } from './gather.ts';
import { noted } from './record.ts';
import { changeRecord } from './record-keeper.ts';
import type { SettlerAnswer, SettlerJob } from './settler.ts';

/** The ring's own superuser. */
const SUPERUSER = 'space_admin';
/** The program's sub-command that runs settler.ts. */
const SETTLER_COMMAND = 'cassandra-settle';

export async function operate(observed: RingObserved, context: EngineContext): Promise<void> {
  const decision = decide(observed);
  switch (decision.kind) {
    case 'nothing':
      return;
    case 'record':
      await changeRecord(context, (record) => noted(record, decision.addresses));
      return;
    case 'settle': {
      // The driver would cost the operator a third of its memory for ever.
      const job = settlerJob(observed, context, decision.replication);
      const answer = (await askOwnProgram(SETTLER_COMMAND, job, context.signal)) as SettlerAnswer;
      if (answer.kind === 'waiting') throw new WaitingError('RolesMissing', answer.message);
      const { spread } = answer;
      if (answer.kind === 'failed') {
        await changeRecord(context, (record) => ({ ...record, spread }));
        throw new EngineError(`Cassandra's roles and keyspaces could not be settled: ${answer.message}`);
      }
      context.log.info('ring settled', { steps: answer.steps, spread });
      await changeRecord(context, (record) => ({ ...record, spread, settled: decision.key }));
      return;
    }
    case 'leave':
    case 'remake':
    case 'replace':
    case 'task':
    case 'remember':
      return care(decision, observed, context);
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
