// A ring without the operator, from the engine's own objects and functions: formed, settled, and healed after the member
// that formed it has lost its disk.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { names } from '../../src/api/v1alpha1/names.ts';
import { openSession } from '../../src/engines/cassandra/admin.ts';
import { decide } from '../../src/engines/cassandra/decide.ts';
import type { RingObserved } from '../../src/engines/cassandra/gather.ts';
import { operate } from '../../src/engines/cassandra/operations.ts';
import { decodeRecord, encodeRecord, STATE_KEY } from '../../src/engines/cassandra/record.ts';
import { STOCK_LOGIN } from '../../src/engines/cassandra/settlement.ts';
import { settle } from '../../src/engines/cassandra/settler.ts';
import { assess } from '../../src/engines/cassandra/status.ts';
import { ConfigMaps, PersistentVolumeClaims, Pods } from '../../src/kube/resources.ts';
import { APPLICATION, NAME, openRing, SUPERUSER } from './cassandra-support.ts';
import type { Ring } from './cassandra-support.ts';
import { eventually, pause } from './kube-support.ts';
import type { Bench } from './kube-support.ts';
import { mustKubectl } from './kubectl.ts';

jest.setTimeout(600_000);

const NAMESPACE = 'it-cassandra';
const FIRST = `${NAME}-cassandra-r1-0`;

let ring: Ring;
let bench: Bench;

/** Every member serves, and the record says so. */
async function untilRecorded(ms: number): Promise<RingObserved> {
  return eventually('all members serve and are recorded', ms, async () => {
    const observed = await ring.observe();
    if (decide(observed).kind === 'record') await operate(observed, await ring.context());
    else if (observed.members.every((member) => member.ready)) return observed;
    await pause(1_000);
    return undefined;
  });
}

async function refuses(username: string, password: string): Promise<boolean> {
  const session = await openSession(await ring.access(), { username, password });
  await session?.close();
  return session === undefined;
}

/** Two members: the smallest ring that can replace one, with a copy of each row on both. */
beforeAll(async () => {
  ring = await openRing(NAMESPACE, 2);
  bench = ring.bench;
});

afterAll(async () => {
  await ring.close();
});

describe('a Cassandra ring', () => {
  it('forms from empty disks, and is recorded before anything is written', async () => {
    const observed = await untilRecorded(300_000);
    expect(Object.keys(observed.record.addresses)).toEqual([FIRST, `${NAME}-cassandra-r2-0`]);
    expect(assess(observed)).toMatchObject({ ready: false, reason: 'Settling' });
  });

  it('gets its own superuser, the application role and the keyspace; the stock superuser is closed', async () => {
    const answer = await eventually('the new ring has made its roles', 60_000, async () => {
      const job = { access: await ring.access(), wanted: ring.settlement(2), spread: {} };
      const answer = await settle(job, AbortSignal.timeout(120_000));
      return answer.kind === 'waiting' ? undefined : answer;
    });
    expect(answer).toMatchObject({ kind: 'done', spread: { system_auth: 2, space: 2 } });
    expect(await refuses(STOCK_LOGIN.username, STOCK_LOGIN.password)).toBe(true);
    expect(await refuses('space', 'wrong')).toBe(true);
    expect(await refuses('space', 'application-password')).toBe(false);
    await recordSpread();
  });

  it('takes the application role for what it is: its keyspace, no more', async () => {
    const session = await openSession(await ring.access(), APPLICATION);
    await session?.execute('CREATE TABLE IF NOT EXISTS space.kept (id int PRIMARY KEY, value text)');
    for (let id = 0; id < 50; id += 1) {
      await session?.execute(`INSERT INTO space.kept (id, value) VALUES (${id}, 'v${id}')`);
    }
    await expect(session?.execute('CREATE ROLE intruder')).rejects.toThrow(/privileges/);
    await expect(session?.execute('DROP TABLE system_auth.roles')).rejects.toThrow();
    await session?.close();
  });

  it('settling again changes nothing', async () => {
    const answer = await settle(
      { access: await ring.access(), wanted: ring.settlement(2), spread: { system_auth: 2, space: 2 } },
      AbortSignal.timeout(120_000),
    );
    expect(answer).toMatchObject({
      kind: 'done',
      steps: ['disable the stock superuser', 'alter role space', 'grant the keyspace to space'],
    });
  });

  it('lets the member that formed it take its old place when its disk is lost', async () => {
    const claim = `data-${FIRST}`;
    const before = await ring.observe();
    await bench.kube.delete(PersistentVolumeClaims, NAMESPACE, claim);
    await bench.kube.delete(Pods, NAMESPACE, FIRST);
    await eventually('the disk is a new one', 180_000, async () => {
      const { items } = await bench.kube.list(PersistentVolumeClaims, { namespace: NAMESPACE });
      const now = items.find(({ metadata }) => metadata.name === claim);
      return now !== undefined && now.metadata.deletionTimestamp === undefined;
    });
    expect(assess(await ring.observe())).toMatchObject({ ready: false, reason: 'QuorumLost' });
    const after = await untilRecorded(480_000);
    expect(after.record.addresses[FIRST]).not.toBe(before.record.addresses[FIRST]);
    const access = await ring.access();
    const [first] = after.members;
    const session = await openSession({ ...access, addresses: [first?.ip ?? ''] }, SUPERUSER);
    const seen = await session?.seen('superuser');
    await session?.close();
    // Its roles came back with the rest: it could not have let us in else.
    expect(seen?.roles.toSorted()).toEqual(['cassandra', 'space', 'space_admin']);
    const command = `-n ${NAMESPACE} exec ${FIRST} -- nodetool tablestats space.kept`;
    const stats = await mustKubectl(command.split(' '));
    expect(Number(/Number of partitions \(estimate\): (\d+)/.exec(stats)?.[1])).toBeGreaterThan(40);
  });
});

async function recordSpread(): Promise<void> {
  const { state } = names(NAME);
  const current = await bench.kube.get(ConfigMaps, NAMESPACE, state);
  const record = decodeRecord(current.data?.[STATE_KEY]);
  await bench.kube.mergePatch(ConfigMaps, NAMESPACE, state, {
    data: {
      [STATE_KEY]: encodeRecord({ ...record, spread: { system_auth: 2, space: 2 }, settled: 'by the test' }),
    },
  });
}
