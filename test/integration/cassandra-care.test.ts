// A ring of three under a client that writes and reads at LOCAL_QUORUM all the time: it grows, shrinks, loses a member on demand,
// is repaired and renewed. No request is refused, and every acknowledged row is there in the end. (Time-outs are repeated: they
// tell of the test machine, on which the whole ring shares a few cores.)
import { checkServerIdentity } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { auth, Client, errors, types } from 'cassandra-driver';
import { ANNOTATIONS } from '../../src/api/v1alpha1/names.ts';
import { members } from '../../src/engines/cassandra/members.ts';
import { parseRing } from '../../src/engines/cassandra/ring.ts';
import { renewal } from '../../src/engines/cassandra/status.ts';
import { renew } from '../../src/engines/shared/renew.ts';
import { PersistentVolumeClaims, Pods } from '../../src/kube/resources.ts';
import { APPLICATION, NAME, openRing } from './cassandra-support.ts';
import type { Ring } from './cassandra-support.ts';
import { eventually, pause } from './kube-support.ts';
import { mustKubectl } from './kubectl.ts';

const NAMESPACE = 'it-cassandra-care';
const [FIRST = '', SECOND = '', , FOURTH = ''] = members(NAME, 4).map(({ pod }) => pod);
/** A member joins or leaves in about a minute; the machine may be busy with other things. */
const LONG_MS = 480_000;

jest.setTimeout(LONG_MS * 2);

let ring: Ring;
let client: Client;
const acknowledged: number[] = [];
const failures: string[] = [];
let writing: Promise<void> | undefined;
const stop = new AbortController();

async function openClient(): Promise<Client> {
  const { addresses, ca, serverName } = await ring.access();
  const opened = new Client({
    contactPoints: [...addresses],
    localDataCenter: 'dc1',
    keyspace: 'space',
    authProvider: new auth.PlainTextAuthProvider(APPLICATION.username, APPLICATION.password),
    sslOptions: {
      ca,
      checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
    },
    queryOptions: { consistency: types.consistencies.localQuorum, prepare: true, isIdempotent: true },
    socketOptions: { readTimeout: 20_000 },
  });
  await opened.connect();
  return opened;
}

/** Repeated when it timed out; anything else is an error that a client of the ring would see. */
async function execute(query: string, values: readonly unknown[]): Promise<types.ResultSet> {
  for (;;) {
    try {
      return await client.execute(query, [...values]);
    } catch (error) {
      if (stop.signal.aborted || !isTimeout(error)) throw error;
    }
  }
}

function isTimeout(error: unknown): boolean {
  if (error instanceof errors.OperationTimedOutError) return true;
  const { readTimeout, writeTimeout } = types.responseErrorCodes;
  return error instanceof errors.ResponseError && [readTimeout, writeTimeout].includes(error.code);
}

/** One row after the other, each read back: what a client of the ring sees. */
async function write(): Promise<void> {
  for (let id = acknowledged.length; !stop.signal.aborted; id += 1) {
    try {
      await execute('INSERT INTO kept (id, value) VALUES (?, ?)', [id, `v${id}`]);
      acknowledged.push(id);
      const { rows } = await execute('SELECT value FROM kept WHERE id = ?', [id]);
      if (rows[0]?.['value'] !== `v${id}`) failures.push(`row ${id} was not read back`);
    } catch (error) {
      if (!stop.signal.aborted) failures.push(String(error));
    }
    await pause(100);
  }
}

async function ringOf(pod: string): Promise<readonly string[]> {
  const command = ['-n', NAMESPACE, 'exec', pod, '-c', 'cassandra', '--', 'nodetool', 'status'];
  return parseRing(await mustKubectl(command)).map(({ state, rack }) => `${rack} ${state}`);
}

async function scale(replicas: number): Promise<void> {
  await ring.change((cluster) => ({
    ...cluster,
    spec: { ...cluster.spec, cassandra: { ...cluster.spec.cassandra, replicas } },
  }));
}

async function annotate(annotations: Readonly<Record<string, string>>): Promise<void> {
  await ring.change((cluster) => ({ ...cluster, metadata: { ...cluster.metadata, annotations } }));
}

async function exists(kind: 'pod' | 'claim', name: string): Promise<boolean> {
  const { kube } = ring.bench;
  const query = { namespace: NAMESPACE };
  const { items } =
    kind === 'pod' ? await kube.list(Pods, query) : await kube.list(PersistentVolumeClaims, query);
  return items.some(({ metadata }) => metadata.name === name);
}

async function expectNothingLost(): Promise<void> {
  const ids = [...acknowledged];
  const seen = new Set<number>();
  // By pages: a time-out costs a page, not all.
  for (let from = 0; from < ids.length; from += 100) {
    const page = ids.slice(from, from + 100);
    const { rows } = await execute('SELECT id FROM kept WHERE id IN ?', [page]);
    for (const row of rows) seen.add(Number(row['id']));
  }
  expect(ids.length).toBeGreaterThan(100);
  expect(ids.filter((id) => !seen.has(id))).toEqual([]);
  expect(failures).toEqual([]);
}

beforeAll(async () => {
  ring = await openRing(NAMESPACE, 3);
  await ring.until('Serving', LONG_MS);
  client = await openClient();
  await client.execute('CREATE TABLE kept (id int PRIMARY KEY, value text)', [], { prepare: false });
  writing = write();
  await eventually('some rows are written', 60_000, () => acknowledged.length > 100);
}, LONG_MS);

afterAll(async () => {
  stop.abort();
  await writing;
  await client.shutdown();
  await ring.close();
}, 60_000);

describe('a ring under a client', () => {
  it('grows by a member, and cleans up the others', async () => {
    await scale(4);
    await ring.until('Joining', LONG_MS);
    await ring.until('CleaningUp', LONG_MS);
    await ring.until('Serving', LONG_MS);
    expect((await ringOf(FIRST)).toSorted()).toEqual(['r1 UN', 'r1 UN', 'r2 UN', 'r3 UN']);
    expect((await ring.observe()).record.cleanup).toEqual([]);
    await expectNothingLost();
  });

  it('lets the last member leave with its data, keeps its claim, and refuses to fall below its copies', async () => {
    await scale(2);
    await eventually('it leaves', LONG_MS, async () => {
      const { reason, status } = await ring.pass();
      // Whoever is still in the ring has its pod (C1).
      const inRing = status.cassandra?.members?.some(({ name, state }) => name === FOURTH && state === 'UL');
      if (inRing === true) expect(await exists('pod', FOURTH)).toBe(true);
      await pause(1_000);
      return reason === 'ScaleDownRefused';
    });
    await eventually('its pod has gone', LONG_MS, async () => !(await exists('pod', FOURTH)));
    expect((await ringOf(FIRST)).toSorted()).toEqual(['r1 UN', 'r2 UN', 'r3 UN']);
    expect(await exists('claim', `data-${FOURTH}`)).toBe(true);
    await expectNothingLost();
    await scale(3);
    await ring.until('Serving', LONG_MS);
  });

  it('rebuilds the member that a human names, once', async () => {
    const before = await ring.observe();
    await annotate({ [ANNOTATIONS.replaceMember]: SECOND });
    await eventually('its pod is another', LONG_MS, async () => {
      await ring.pass();
      await pause(1_000);
      const { members: seen } = await ring.observe();
      const now = seen.find(({ pod }) => pod === SECOND)?.uid;
      return now !== undefined && now !== before.members.find(({ pod }) => pod === SECOND)?.uid;
    });
    await ring.until('Serving', LONG_MS);
    const after = await ring.observe();
    expect(after.record.addresses[SECOND]).not.toBe(before.record.addresses[SECOND]);
    expect((await ringOf(FIRST)).toSorted()).toEqual(['r1 UN', 'r2 UN', 'r3 UN']);
    await ring.pass();
    const uids = async () => (await ring.observe()).members.map(({ uid }) => uid);
    expect(await uids()).toEqual(after.members.map(({ uid }) => uid));
    await expectNothingLost();
  });

  it('is repaired member by member when a human asks', async () => {
    await annotate({ [ANNOTATIONS.repair]: 'now' });
    const started = new Date().toISOString();
    await eventually('all are repaired', LONG_MS, async () => {
      await ring.pass();
      await pause(2_000);
      const { repaired, trouble } = (await ring.observe()).record;
      expect(trouble).toBe('');
      return Object.values(repaired).length === 3 && Object.values(repaired).every((at) => at > started);
    });
    await expectNothingLost();
  });

  it('is renewed one member at a time', async () => {
    await ring.change((cluster) => ({
      ...cluster,
      spec: { ...cluster.spec, resources: { cassandra: { requests: { cpu: '101m' } } } },
    }));
    const order: string[] = [];
    await eventually('all are renewed', LONG_MS * 2, async () => {
      await ring.pass();
      const seen = await ring.context();
      const step = await renew('cassandra', renewal(await ring.observe()), seen, new Date());
      if (step.kind === 'renew') order.push(step.pod);
      await pause(2_000);
      return step.kind === 'none';
    });
    expect(order.toSorted()).toEqual(
      members(NAME, 3)
        .map(({ pod }) => pod)
        .toSorted(),
    );
    await ring.until('Serving', LONG_MS);
    await expectNothingLost();
  });

  it('grows again on the disk that its last member left behind, with an empty one', async () => {
    expect(await exists('claim', `data-${FOURTH}`)).toBe(true);
    await scale(4);
    await ring.until('CleaningUp', LONG_MS);
    await ring.until('Serving', LONG_MS);
    expect((await ringOf(FIRST)).toSorted()).toEqual(['r1 UN', 'r1 UN', 'r2 UN', 'r3 UN']);
    const log = await mustKubectl(['-n', NAMESPACE, 'logs', FOURTH, '-c', 'cassandra']);
    expect(log).toContain('this member left the ring');
    await expectNothingLost();
  });
});
