// Bad days of the MySQL pair, on real servers and with one member's clock an hour ahead throughout: each ends in a stated
// condition with nothing lost, and goes on when mended.
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { podOf } from '../../src/agent/role-record.ts';
import { DATA_MOUNT } from '../../src/engines/mysql/config.ts';
import { Leases, PersistentVolumeClaims, Pods, Secrets } from '../../src/kube/resources.ts';
import { podProcesses, signalContainer } from '../lab/lab.ts';
import { eventually, pause } from './kube-support.ts';
import { run } from './kubectl.ts';
import {
  expectNothingLost,
  HEALED_MS,
  NAME,
  openPair,
  refreshMounts,
  standbyOf,
  survives,
  untilSettled,
} from './mysql-support.ts';
import type { Pair } from './mysql-support.ts';

const NAMESPACE = 'test-mysql-bad';
const AHEAD = `${NAME}-mysql-1`;
const HOUR_MS = 3_600_000;

/** Loaded by the agents before anything else: one of them believes that it is an hour later than it is; all have a bug in store. */
const PLANTED = `process.on('SIGUSR2', () => { throw new Error('a bug, planted by a test'); });
if (process.env.POD_NAME === '${AHEAD}') {
  const True = Date;
  globalThis.Date = class extends True {
    constructor(...given) { given.length > 0 ? super(...given) : super(True.now() + ${HOUR_MS}); }
    static now() { return True.now() + ${HOUR_MS}; }
  };
}`;

let pair: Pair;

jest.setTimeout(2 * HEALED_MS);

beforeAll(async () => {
  const image = process.env['SPC_TEST_IMAGE'];
  if (image === undefined) throw new Error('SPC_TEST_IMAGE names the product’s image; `make test` sets it');
  pair = await openPair(NAMESPACE, image, PLANTED);
  await untilSettled(pair);
}, HEALED_MS + 30_000);

afterAll(async () => {
  await pair.close();
}, 60_000);

const mysqlOf = (pod: string) => ({ namespace: NAMESPACE, pod, container: 'mysql' });

/** Its mysqld is dead and is not started again until `work` on its data directory is done. */
async function meanwhile(pod: string, work: (datadir: string) => Promise<void>): Promise<void> {
  const processes = await podProcesses(NAMESPACE, pod, 'mysql');
  const supervisor = processes.find(({ exe }) => exe.endsWith('bash'));
  const copy = (await pair.record()).copies.find(({ member }) => member === pod);
  if (supervisor === undefined || copy === undefined) throw new Error(`${pod} does not run as a copy`);
  await signalContainer('STOP', mysqlOf(pod), 'bash');
  try {
    await signalContainer('KILL', mysqlOf(pod), 'mysqld');
    await eventually('it is withdrawn', 60_000, async () => (await pair.record()).copies.length === 1);
    await work(`/proc/${supervisor.pid}/root${DATA_MOUNT}/${copy.datadir}`);
  } finally {
    await signalContainer('CONT', mysqlOf(pod), 'bash');
  }
}

async function shell(command: string, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(command, args);
  if (code !== 0) throw new Error(`${command}: ${stderr.trim()}`);
}

async function agentRestarts(pod: string): Promise<number> {
  const { status } = await pair.kube.get(Pods, NAMESPACE, pod);
  return status?.initContainerStatuses?.[0]?.restartCount ?? Number.NaN;
}

test('the clock of one member is an hour ahead: the role goes there and back as ever', async () => {
  const { spec } = await pair.kube.get(Leases, NAMESPACE, AHEAD);
  expect(Date.parse(spec?.renewTime ?? '') - Date.now()).toBeGreaterThan(HOUR_MS / 2);
  const before = await pair.primary();
  for (const table of ['there', 'back']) {
    await survives(pair, table, async () => {
      await signalContainer('KILL', mysqlOf(await pair.primary()), 'mysqld');
    });
  }
  expect(await pair.primary()).toBe(before);
});

test('an agent that dies of a bug gives nothing up (L4)', async () => {
  const pod = await pair.primary();
  await survives(pair, 'bug', async () => {
    const agent = { namespace: NAMESPACE, pod, container: 'agent' };
    const [pid] = await signalContainer('USR2', agent);
    await eventually('it is dead', 10_000, async () =>
      (await podProcesses(NAMESPACE, pod, 'agent')).every((each) => each.pid !== pid),
    );
    const { spec } = await pair.kube.get(Leases, NAMESPACE, pod);
    expect([podOf(spec?.holderIdentity ?? ''), await pair.primary()]).toEqual([pod, pod]);
  });
});

test('a standby comes back with data of before: it catches up or is cloned, and holds every row', async () => {
  const pod = await standbyOf(pair);
  const copy = `${tmpdir()}/spacecluster-test-copy-${process.pid}`;
  try {
    await meanwhile(pod, (datadir) => shell('cp', '-a', datadir, copy));
    await untilSettled(pair);
    await survives(pair, 'later', () =>
      meanwhile(pod, async (datadir) => {
        await shell('find', datadir, '-mindepth', '1', '-delete');
        await shell('cp', '-a', `${copy}/.`, datadir);
      }),
    );
  } finally {
    await shell('rm', '-rf', copy);
  }
  expect(await pair.sql('ro', 'SELECT COUNT(*) FROM later', pod)).toBe(
    await pair.sql('rw', 'SELECT COUNT(*) FROM later', pod),
  );
});

test('the data of the standby are corrupt: writes go on, it does not count, and a new volume mends it', async () => {
  const pod = await standbyOf(pair);
  const from = await pair.primary();
  await pair.sql('rw', 'CREATE TABLE corrupt (id INT PRIMARY KEY)', from);
  const writing = pair.write(from, 'corrupt', 20);
  await meanwhile(pod, async (datadir) => {
    const file = await open(`${datadir}/mysql.ibd`, 'r+');
    try {
      await file.write(Buffer.alloc(1_048_576, 0xaa), 0, 1_048_576, 0);
    } finally {
      await file.close();
    }
  });
  const acknowledged = await writing;
  expect([(await pair.record()).copies.length, (await pair.routed('rw')).join()]).toEqual([1, from]);
  await pair.kube.delete(PersistentVolumeClaims, NAMESPACE, `data-${pod}`);
  await pair.kube.delete(Pods, NAMESPACE, pod);
  await untilSettled(pair);
  await expectNothingLost(pair, 'corrupt', acknowledged);
});

test('a Secret loses its password, then has an empty one: nothing ends, and the right one is taken up', async () => {
  const [primary, from] = [await pair.primary(), await standbyOf(pair)];
  const [password, restarts] = [await pair.password(), await agentRestarts(primary)];
  const put = async (value: string | null): Promise<void> => {
    await pair.kube.mergePatch(Secrets, NAMESPACE, `${NAME}-mysql`, { data: { password: value } });
    await refreshMounts(pair.kube, NAMESPACE);
    await pause(15_000);
    expect(await pair.accepts(password, from)).toBe(true);
    expect([await pair.primary(), await agentRestarts(primary)]).toEqual([primary, restarts]);
  };
  await put(null);
  await put('');
  // The agent has seen both, and says so once each.
  const { stdout } = await run('kubectl', ['-n', NAMESPACE, 'logs', primary, '-c', 'agent']);
  expect(stdout.match(/passwords stay as they are/g)).toHaveLength(2);
  await put(Buffer.from(password).toString('base64'));
  await survives(pair, 'secret', async () => {
    await signalContainer('KILL', mysqlOf(primary), 'mysqld');
  });
});
