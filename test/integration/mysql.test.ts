// The MySQL pair on real servers: made from empty volumes, routed, killed, hung, handed over, restarted, a volume lost.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { SpaceClusters } from '../../src/api/v1alpha1/index.ts';
import { lossToken } from '../../src/agent/role-notes.ts';
import { ANNOTATIONS } from '../../src/api/v1alpha1/names.ts';
import { PersistentVolumeClaims, Pods } from '../../src/kube/resources.ts';
import { setVolume, signalContainer } from '../lab/lab.ts';
import { eventually, pause } from './kube-support.ts';
import {
  expectNothingLost,
  HEALED_MS,
  MEMBERS,
  mysqldOf,
  NAME,
  openPair,
  setApiRoute,
  standbyOf,
  survives,
  untilSettled,
} from './mysql-support.ts';
import type { Pair } from './mysql-support.ts';

const NAMESPACE = 'test-mysql';

let pair: Pair;

jest.setTimeout(HEALED_MS + 60_000);

beforeAll(async () => {
  const image = process.env['SPC_TEST_IMAGE'];
  if (image === undefined) throw new Error('SPC_TEST_IMAGE names the product’s image; `make test` sets it');
  pair = await openPair(NAMESPACE, image);
  await settled();
}, HEALED_MS + 30_000);

afterAll(async () => {
  await pair.close();
}, 60_000);

const settled = (): Promise<unknown> => untilSettled(pair);
const standby = (): Promise<string> => standbyOf(pair);

function annotate(annotations: Readonly<Record<string, string | null>>): Promise<unknown> {
  return pair.kube.mergePatch(SpaceClusters, NAMESPACE, NAME, { metadata: { annotations } });
}

describe('a pair from empty volumes', () => {
  test('is recorded with both data directories, and the first member is the primary', async () => {
    const { copies, epoch, phase } = await pair.record();
    expect(copies.map(({ member }) => member).toSorted()).toEqual(MEMBERS);
    expect(new Set(copies.map(({ datadir }) => datadir)).size).toBe(2);
    expect([epoch, phase]).toEqual([1, 'open']);
    expect(await pair.primary()).toBe(MEMBERS[0]);
  });

  test('a row written through rw is read on the standby through ro, which takes no writes', async () => {
    const from = await standby();
    await pair.sql(
      'rw',
      "CREATE TABLE t (id INT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'it''s here')",
      from,
    );
    await eventually('the row is on the standby', 10_000, async () =>
      (await pair.sql('ro', 'SELECT v, @@hostname FROM t', from)).includes(`it's here\t${from}`),
    );
    // Asked of the standby itself: while it is withdrawn for being slow, `ro` leads to the primary.
    const insert = `INSERT INTO t SELECT 2, NULL FROM DUAL WHERE @@hostname = '${from}'`;
    await eventually('the standby refuses a write', 30_000, () =>
      pair.sql('ro', insert, from).then(
        () => false,
        (error: unknown) => String(error).includes('read-only'),
      ),
    );
    expect(await pair.sql('rw', 'SELECT COUNT(*) FROM t WHERE id = 2', from)).toBe('0');
  });

  test('commits wait for the standby', async () => {
    const from = await standby();
    const before = await acknowledged(from);
    await pair.sql('rw', "INSERT INTO t VALUES (3, 'c')", from);
    expect(await acknowledged(from)).toBeGreaterThan(before);
  });

  async function acknowledged(from: string): Promise<number> {
    const row = await pair.sql('rw', "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_yes_tx'", from);
    return Number(row.split('\t')[1]);
  }
});

describe('under faults', () => {
  test('mysqld of the primary is killed', async () => {
    const { epoch } = await pair.record();
    const pod = await pair.primary();
    await survives(pair, 'killed', () =>
      signalContainer('KILL', { namespace: NAMESPACE, pod, container: 'mysql' }, 'mysqld'),
    );
    expect((await pair.record()).epoch).toBeGreaterThanOrEqual(epoch);
  });

  test('a prepared XA transaction outlives its primary, and is committed on the next', async () => {
    const [pod, from] = [await pair.primary(), await standby()];
    await pair.sql('rw', 'CREATE TABLE xa (id INT PRIMARY KEY)', from);
    await pair.sql('rw', "XA START 'x'; INSERT INTO xa VALUES (1); XA END 'x'; XA PREPARE 'x'", from);
    await signalContainer('KILL', { namespace: NAMESPACE, pod, container: 'mysql' }, 'mysqld');
    await eventually('the standby is the primary', HEALED_MS, async () => (await pair.primary()) === from);
    await settled();
    // From the old primary, so that it is the new one that the Service leads to.
    await pair.sql('rw', "XA COMMIT 'x'", pod);
    await bothHave('xa');
  });

  test('durability Required: commits wait for a standby that hangs, and the primary lives on meanwhile (M8)', async () => {
    const durability = (value: string): Promise<unknown> =>
      pair.kube.mergePatch(SpaceClusters, NAMESPACE, NAME, { spec: { mysql: { durability: value } } });
    const pod = await pair.primary();
    const container = { namespace: NAMESPACE, pod: await standby(), container: 'mysql' };
    const before = [await mysqldOf(pair, pod), (await pair.record()).epoch];
    await durability('Required');
    try {
      // Longer than a heartbeat lasts: it is renewed though no commit comes through.
      await survives(pair, 'required', async () => {
        await signalContainer('STOP', container, 'mysqld');
        await pause(8_000);
        await signalContainer('CONT', container, 'mysqld');
      });
    } finally {
      await durability('Preferred');
    }
    expect([await mysqldOf(pair, pod), (await pair.record()).epoch]).toEqual(before);
  });

  test('the agent of the primary hangs: its mysqld is killed in time, and the role goes on', async () => {
    const container = { namespace: NAMESPACE, pod: await pair.primary(), container: 'agent' };
    await survives(pair, 'hung', async () => {
      await signalContainer('STOP', container);
      await pause(8_000);
      await signalContainer('CONT', container);
    });
  });

  test('the agent of the primary is killed while none reaches the API server: mysqld and the writes go on', async () => {
    const [pod, from] = [await pair.primary(), await standby()];
    const { epoch } = await pair.record();
    await pair.sql('rw', 'CREATE TABLE away (id INT PRIMARY KEY)', from);
    const mysqld = await mysqldOf(pair, pod);
    let acknowledged: readonly number[] = [];
    await Promise.all(MEMBERS.map((member) => setApiRoute(pair, member, 'cut')));
    try {
      // Longer than a disturbance, and than any renewal that came before it lasts.
      await pause(15_000);
      const writing = pair.write(from, 'away', 25);
      await pause(5_000);
      await signalContainer('KILL', { namespace: NAMESPACE, pod, container: 'agent' });
      acknowledged = await writing;
      expect(await mysqldOf(pair, pod)).toBe(mysqld);
    } finally {
      await Promise.all(MEMBERS.map((member) => setApiRoute(pair, member, 'uncut')));
    }
    await settled();
    expect([await mysqldOf(pair, pod), (await pair.record()).epoch]).toEqual([mysqld, epoch]);
    await expectNothingLost(pair, 'away', acknowledged);
    // The kill came after a fifth of the time: without a primary since then there would be far fewer than were tried.
    expect(acknowledged.length).toBeGreaterThan((acknowledged.at(-1) ?? 0) / 2);
  });

  test.each([
    ['stalls (M8, counterexample 10)', 'stalled', 'freeze', 'thaw'],
    ['is full', 'full', 'fill', 'unfill'],
  ] as const)(
    'the disk of the primary %s: the standby takes over, and the old primary comes back',
    async (_, table, fault, mend) => {
      await settled();
      const pod = await pair.primary();
      const claim = { namespace: NAMESPACE, claim: `data-${pod}` };
      await survives(pair, table, async () => {
        await setVolume(claim, fault);
        try {
          await eventually('another member is the primary and routed to', 120_000, async () => {
            const primary = await pair.primary();
            return primary !== '' && primary !== pod && (await pair.routed('rw')).join() === primary;
          });
          // It serves alone, while the disk still is as it is.
          const alone = await pair.primary();
          await eventually('it takes writes', 60_000, () =>
            pair.sql('rw', `REPLACE INTO ${table} VALUES (1000000)`, alone).then(
              () => true,
              () => false,
            ),
          );
        } finally {
          await setVolume(claim, mend);
        }
      });
      expect((await pair.record()).notes?.handover).toMatchObject({ from: pod });
    },
  );

  test('both pods are deleted at once', async () => {
    const from = await standby();
    await pair.sql('rw', "INSERT INTO t VALUES (10, 'before')", from);
    const before = await Promise.all(MEMBERS.map((member) => pair.kube.get(Pods, NAMESPACE, member)));
    await Promise.all(
      MEMBERS.map((member) => pair.kube.delete(Pods, NAMESPACE, member, { gracePeriodSeconds: 1 })),
    );
    await eventually('both pods are new', HEALED_MS, async () => {
      const { items } = await pair.kube.list(Pods, { namespace: NAMESPACE });
      return (
        items.length === 2 &&
        items.every((pod) => before.every((old) => old.metadata.uid !== pod.metadata.uid))
      );
    });
    await settled();
    expect(await pair.sql('rw', 'SELECT v FROM t WHERE id = 10', await standby())).toBe('before');
  });

  test('the volume of the standby is lost: it is cloned anew under another identity, with what is prepared', async () => {
    const lost = await standby();
    const old = (await pair.record()).copies.find(({ member }) => member === lost);
    await pair.sql(
      'rw',
      "CREATE TABLE xb (id INT PRIMARY KEY); XA START 'y'; INSERT INTO xb VALUES (1); XA END 'y'; XA PREPARE 'y'",
      lost,
    );
    await pair.kube.delete(PersistentVolumeClaims, NAMESPACE, `data-${lost}`);
    await pair.kube.delete(Pods, NAMESPACE, lost);
    await eventually('the new data directory is recorded', HEALED_MS, async () => {
      const copy = (await pair.record()).copies.find(({ member }) => member === lost);
      return copy !== undefined && copy.datadir !== old?.datadir;
    });
    await settled();
    expect(await pair.sql('ro', 'SELECT COUNT(*) FROM t WHERE id = 10', lost)).toBe('1');
    // A transaction that was prepared before the clone is in it.
    await pair.sql('rw', "XA COMMIT 'y'", lost);
    await bothHave('xb');
  });
});

async function bothHave(table: string): Promise<void> {
  const from = await standby();
  await eventually(`both have the row of ${table}`, 30_000, async () => {
    const counts = await Promise.all(
      (['rw', 'ro'] as const).map((service) => pair.sql(service, `SELECT COUNT(*) FROM ${table}`, from)),
    );
    return counts.join() === '1,1';
  });
}

describe('a planned hand-over', () => {
  test('by the annotation moves the role once, and loses nothing', async () => {
    const primary = await pair.primary();
    const ask = (value: string | null): Promise<unknown> => annotate({ [ANNOTATIONS.switchover]: value });
    await survives(pair, 'handed', () => ask('mysql'));
    expect(await pair.primary()).not.toBe(primary);
    const { epoch, switchover, notes } = await pair.record();
    expect(notes?.handover).toMatchObject({
      epoch,
      from: primary,
      to: await pair.primary(),
      reason: 'a hand-over was asked for',
    });
    expect(switchover).toBe('mysql');
    await ask(null);
    await eventually(
      'the annotation may act again',
      30_000,
      async () => (await pair.record()).switchover === '',
    );
    expect((await pair.record()).epoch).toBe(epoch);
  });

  test('when the pod of the primary is deleted, the standby takes over before mysqld ends', async () => {
    const pod = await pair.primary();
    await survives(pair, 'deleted', () => pair.kube.delete(Pods, NAMESPACE, pod));
    expect(await pair.primary()).not.toBe(pod);
  });
});

describe('passwords are rotated', () => {
  /** The mounted Secrets follow within a minute or two. */
  const MOUNTED_MS = 200_000;

  test('the application’s: the one before stays valid beside the new one, the one before that does not', async () => {
    const from = await standby();
    const { epoch } = await pair.record();
    const first = await pair.password();
    await pair.rotate('application');
    const second = await pair.password();
    await eventually('the second is valid', MOUNTED_MS, () => pair.accepts(second, from));
    expect(await pair.accepts(first, from)).toBe(true);
    await pair.rotate('application');
    const third = await pair.password();
    await eventually('the third is valid', MOUNTED_MS, () => pair.accepts(third, from));
    expect([await pair.accepts(second, from), await pair.accepts(first, from)]).toEqual([true, false]);
    expect([(await pair.routed('rw')).length, (await pair.record()).epoch]).toEqual([1, epoch]);
  }, 600_000);

  test('the standby’s: twice, so that what it was told first is of no use; it logs in anew by its Secret', async () => {
    const [from, pod] = [await standby(), await pair.primary()];
    for (const _ of [1, 2]) {
      await pair.rotate('replication');
      // Until the agents have seen it, and the primary has given the account its new password.
      await pause(20_000);
    }
    await survives(pair, 'rotated', () =>
      signalContainer('KILL', { namespace: NAMESPACE, pod, container: 'mysql' }, 'mysqld'),
    );
    expect(await pair.sql('rw', 'SELECT 1', from)).toBe('1');
  }, 600_000);
});

describe('what people ask for', () => {
  test('replace-member makes the standby anew while writes go on, once; the primary is refused', async () => {
    const [primary, lost] = [await pair.primary(), await standby()];
    const datadirOf = async (member: string): Promise<string | undefined> =>
      (await pair.record()).copies.find((copy) => copy.member === member)?.datadir;
    const before = await datadirOf(lost);
    await survives(pair, 'replaced', () => annotate({ [ANNOTATIONS.replaceMember]: lost }));
    const after = await datadirOf(lost);
    expect([after === before, await pair.primary()]).toEqual([false, primary]);
    await annotate({ [ANNOTATIONS.replaceMember]: primary });
    await eventually('it is answered', 30_000, async () => (await pair.record()).notes?.replaced === primary);
    expect((await pair.record()).copies).toHaveLength(2);
    expect([await datadirOf(lost), await pair.primary()]).toEqual([after, primary]);
    await annotate({ [ANNOTATIONS.replaceMember]: null });
  });

  test('the only recorded copy is lost: nothing happens until a human accepts it by the token, then the other goes on', async () => {
    const [lost, left] = [await pair.primary(), await standby()];
    await pair.sql('rw', 'CREATE TABLE kept (id INT PRIMARY KEY); INSERT INTO kept VALUES (1)', lost);
    await signalContainer('STOP', { namespace: NAMESPACE, pod: left, container: 'mysql' }, 'mysqld');
    await eventually(
      'the standby is withdrawn',
      60_000,
      async () => (await pair.record()).copies.length === 1,
    );
    await pair.sql('rw', 'INSERT INTO kept VALUES (2)', lost);
    const old = await pair.kube.get(Pods, NAMESPACE, lost);
    await pair.kube.delete(PersistentVolumeClaims, NAMESPACE, `data-${lost}`);
    await pair.kube.delete(Pods, NAMESPACE, lost);
    await eventually('the pod is new', HEALED_MS, async () => {
      const { items } = await pair.kube.list(Pods, { namespace: NAMESPACE });
      return items.some(({ metadata }) => metadata.name === lost && metadata.uid !== old.metadata.uid);
    });
    await signalContainer('CONT', { namespace: NAMESPACE, pod: left, container: 'mysql' }, 'mysqld');
    await eventually('both say what they have', HEALED_MS, async () => {
      const { stranded = [] } = (await pair.record()).notes ?? {};
      const upTo = (member: string): string | undefined =>
        stranded.find((each) => each.member === member)?.upTo;
      return upTo(lost) === '' && (upTo(left) ?? '') > '2026';
    });
    await annotate({ [ANNOTATIONS.forcePrimary]: left, [ANNOTATIONS.acceptDataLoss]: 'wrong' });
    await pause(5_000);
    const record = await pair.record();
    expect(record.holder).toBeUndefined();
    const token = lossToken(record, left);
    await annotate({ [ANNOTATIONS.acceptDataLoss]: token });
    await settled();
    expect(await pair.primary()).toBe(left);
    // The other row may have been on its way to the stopped server.
    expect((await pair.sql('rw', 'SELECT id FROM kept', left)).split('\n')).toContain('1');
    const { epoch, notes } = await pair.record();
    expect([epoch, notes?.forced]).toEqual([record.epoch + 1, '']);
    await annotate({ [ANNOTATIONS.forcePrimary]: null, [ANNOTATIONS.acceptDataLoss]: null });
  });
});
