// A ring without the operator, from the engine's own objects and functions: formed, settled, and healed after the member
// that formed it has lost its disk.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { API_VERSION } from '../../src/api/v1alpha1/index.ts';
import type { SpaceCluster } from '../../src/api/v1alpha1/index.ts';
import { memberTlsSecret, names } from '../../src/api/v1alpha1/names.ts';
import { openSession } from '../../src/engines/cassandra/admin.ts';
import type { RingAccess } from '../../src/engines/cassandra/admin.ts';
import { decide } from '../../src/engines/cassandra/decide.ts';
import { gather } from '../../src/engines/cassandra/gather.ts';
import type { RingObserved } from '../../src/engines/cassandra/gather.ts';
import { operate } from '../../src/engines/cassandra/operations.ts';
import { decodeRecord, encodeRecord, STATE_KEY } from '../../src/engines/cassandra/record.ts';
import { STOCK_LOGIN } from '../../src/engines/cassandra/settlement.ts';
import type { Settlement } from '../../src/engines/cassandra/settlement.ts';
import { settle } from '../../src/engines/cassandra/settler.ts';
import { specs } from '../../src/engines/cassandra/specs.ts';
import { assess } from '../../src/engines/cassandra/status.ts';
import type { EngineContext } from '../../src/engines/engine.ts';
import { Applier } from '../../src/kube/apply.ts';
import { ConfigMaps, Namespaces, PersistentVolumeClaims, Pods, Secrets } from '../../src/kube/resources.ts';
import type { Secret } from '../../src/kube/types.ts';
import { certificateSpecs } from '../../src/spacecluster/certificates.ts';
import { createAuthority, issue } from '../../src/spacecluster/pki.ts';
import { sampleCluster } from '../unit/sample.ts';
import { eventually, openBench, pause } from './kube-support.ts';
import type { Bench } from './kube-support.ts';
import { mustKubectl } from './kubectl.ts';

jest.setTimeout(600_000);

const NAME = 'ring';
const NAMESPACE = 'it-cassandra';
const FIRST = `${NAME}-cassandra-r1-0`;
const ROLES: Settlement = {
  superuser: { username: 'space_admin', password: 'own-password' },
  application: { username: 'space', password: 'application-password' },
  keyspace: 'space',
  replication: 2,
};

let bench: Bench;
let cluster: SpaceCluster;

/** Two members: the smallest ring that can replace one, with a copy of each row on both. */
function twoMembers(): SpaceCluster {
  const sample = sampleCluster({ cassandra: { replicas: 2, storage: { size: '1Gi' } } });
  return {
    ...sample,
    apiVersion: API_VERSION,
    metadata: { ...sample.metadata, name: NAME, namespace: NAMESPACE },
  };
}

async function context(): Promise<EngineContext> {
  const { kube, namespace, log } = bench;
  const [pods, secrets, configMaps] = await Promise.all([
    kube.list(Pods, { namespace }),
    kube.list(Secrets, { namespace }),
    kube.list(ConfigMaps, { namespace }),
  ]);
  return {
    cluster,
    kube,
    log,
    signal: AbortSignal.timeout(60_000),
    view: {
      pods: pods.items,
      statefulSets: [],
      roleLeases: [],
      slices: [],
      secret: (name) => secrets.items.find(({ metadata }) => metadata.name === name),
      configMap: (name) => configMaps.items.find(({ metadata }) => metadata.name === name),
    },
  };
}

const observe = async (): Promise<RingObserved> => gather(await context());

/** Every member serves, and the record says so. */
async function untilRecorded(ms: number): Promise<RingObserved> {
  return eventually('all members serve and are recorded', ms, async () => {
    const observed = await observe();
    if (decide(observed).kind === 'record') await operate(observed, await context());
    else if (observed.members.every((member) => member.ready)) return observed;
    await pause(1_000);
    return undefined;
  });
}

async function access(): Promise<RingAccess> {
  const { members } = await observe();
  const secret = await bench.kube.get(Secrets, NAMESPACE, memberTlsSecret(NAME, 'cassandra'));
  return {
    addresses: members.flatMap((member) => (member.ready && member.ip !== undefined ? [member.ip] : [])),
    serverName: `${names(NAME).services.cassandra}.${NAMESPACE}.svc`,
    ca: Buffer.from(secret.data?.['ca.crt'] ?? '', 'base64').toString('utf8'),
  };
}

async function refuses(username: string, password: string): Promise<boolean> {
  const session = await openSession(await access(), { username, password });
  await session?.close();
  return session === undefined;
}

async function tlsSecret(): Promise<Secret> {
  const name = memberTlsSecret(NAME, 'cassandra');
  const request = certificateSpecs(cluster).find(({ secret }) => secret === name)?.request;
  if (request === undefined) throw new Error(`no certificate specified for ${name}`);
  const authority = await createAuthority('test', new Date());
  const leaf = await issue(authority, request, new Date());
  return secretOf(name, {
    'tls.crt': leaf.certificate,
    'tls.key': leaf.key,
    'ca.crt': authority.certificate,
  });
}

function secretOf(name: string, data: Readonly<Record<string, string>>): Secret {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: NAMESPACE },
    data: Object.fromEntries(encoded),
  };
}

beforeAll(async () => {
  bench = await openBench(NAMESPACE);
  cluster = twoMembers();
  const { kube, log } = bench;
  await kube.mergePatch(Namespaces, undefined, NAMESPACE, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  const { secrets, state } = names(NAME);
  await kube.create(Secrets, await tlsSecret());
  await kube.create(Secrets, secretOf(secrets.cassandra, { ...ROLES.application }));
  await kube.create(
    Secrets,
    secretOf(secrets.internal, { note: 'the settler is called by the test itself' }),
  );
  await kube.create(ConfigMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: state, namespace: NAMESPACE },
  });
  const applier = new Applier({ kube, fieldManager: 'test', log });
  for (const object of specs({ cluster, productImage: 'unused' })) {
    // No owner: there is no SpaceCluster here, and the garbage collector would take them for orphans.
    const { ownerReferences: _, ...metadata } = object.metadata;
    await applier.ensure({ ...object, metadata });
  }
});

afterAll(async () => {
  await bench.close();
});

describe('a Cassandra ring', () => {
  it('forms from empty disks, and is recorded before anything is written', async () => {
    const observed = await untilRecorded(300_000);
    expect(Object.keys(observed.record.addresses)).toEqual([FIRST, `${NAME}-cassandra-r2-0`]);
    expect(assess(observed, cluster)).toMatchObject({ ready: false, reason: 'Settling' });
  });

  it('gets its own superuser, the application role and the keyspace; the stock superuser is closed', async () => {
    const answer = await eventually('the new ring has made its roles', 60_000, async () => {
      const job = { access: await access(), wanted: ROLES, spread: {} };
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
    const session = await openSession(await access(), ROLES.application);
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
      { access: await access(), wanted: ROLES, spread: { system_auth: 2, space: 2 } },
      AbortSignal.timeout(120_000),
    );
    expect(answer).toMatchObject({
      kind: 'done',
      steps: ['disable the stock superuser', 'alter role space', 'grant the keyspace to space'],
    });
  });

  it('lets the member that formed it take its old place when its disk is lost', async () => {
    const claim = `data-${FIRST}`;
    const before = await observe();
    await bench.kube.delete(PersistentVolumeClaims, NAMESPACE, claim);
    await bench.kube.delete(Pods, NAMESPACE, FIRST);
    await eventually('the disk is a new one', 180_000, async () => {
      const { items } = await bench.kube.list(PersistentVolumeClaims, { namespace: NAMESPACE });
      const now = items.find(({ metadata }) => metadata.name === claim);
      return now !== undefined && now.metadata.deletionTimestamp === undefined;
    });
    expect(assess(await observe(), cluster)).toMatchObject({ ready: false, reason: 'QuorumLost' });
    const after = await untilRecorded(480_000);
    expect(after.record.addresses[FIRST]).not.toBe(before.record.addresses[FIRST]);
    const ring = await access();
    const [first] = after.members;
    const session = await openSession({ ...ring, addresses: [first?.ip ?? ''] }, ROLES.superuser);
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
