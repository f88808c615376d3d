// What a PostgreSQL pair does about faults, on real servers: rows made different are found and brought in line, a hung or
// killed member leaves the Services, WAL kept for a member that is away is given up without losing its rows.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ANNOTATIONS } from '../../src/api/v1alpha1/names.ts';
import type { AuditResult } from '../../src/engines/postgresql/audit.ts';
import { podProcesses, signalContainer } from '../lab/lab.ts';
import type { ContainerRef } from '../lab/lab.ts';
import { eventually, pause } from './kube-support.ts';
import { bothServe, equalOnBoth, MEMBERS, openPair, ROWS } from './postgresql-support.ts';
import type { Pair } from './postgresql-support.ts';

const NAMESPACE = 'test-postgresql-faults';

let pair: Pair;

jest.setTimeout(60_000);

beforeAll(async () => {
  const image = process.env['SPC_TEST_IMAGE'];
  if (image === undefined) throw new Error('SPC_TEST_IMAGE names the product’s image; `make test` sets it');
  pair = await openPair(NAMESPACE, image);
  await bothServe(pair, 150_000);
}, 180_000);

afterAll(async () => {
  await pair.close();
}, 60_000);

async function tableOnBoth(name: string, statement: string): Promise<void> {
  await pair.sql(0, statement);
  await eventually(
    `${name} is on member 1`,
    15_000,
    async () => (await pair.sql(1, `SELECT to_regclass('${name}')`)) === name,
  );
}

/** Changes rows behind the replication's back: nothing is sent to the peer, no stamp is given. */
async function plant(ordinal: number, statements: string): Promise<void> {
  await pair.sql(
    ordinal,
    `SELECT pg_replication_origin_create('plant') WHERE NOT EXISTS (SELECT FROM pg_replication_origin WHERE roname = 'plant');
    SELECT pg_replication_origin_session_setup('plant');
    BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL search_path = space; ${statements}; COMMIT`,
    'postgres',
  );
}

describe('the audit (P1)', () => {
  let asked = 0;

  /** Asks for a comparison and waits for both links' results. */
  async function audit(): Promise<readonly AuditResult[]> {
    const before = await Promise.all([0, 1].map(async (each) => (await pair.report(each))?.audit?.at));
    asked += 1;
    await pair.annotate({ [ANNOTATIONS.audit]: `postgresql/${asked}` });
    return Promise.all(
      [0, 1].map((each) =>
        eventually(`member ${each} has compared its rows`, 90_000, async () => {
          const result = (await pair.report(each))?.audit;
          return result !== undefined && result.at !== before[each] ? result : undefined;
        }),
      ),
    );
  }

  test('finds rows that are missing, older, or different under one stamp, and brings them in line on both sides', async () => {
    await tableOnBoth(
      'audited',
      `CREATE TABLE audited (id int, part char(3), v numeric(20, 4), at timestamptz DEFAULT now(), b bytea, j jsonb, t text[],
        f float8, i interval, n inet, o bool, PRIMARY KEY (id, part))`,
    );
    await pair.sql(
      0,
      `INSERT INTO audited (id, part, v, b, j, t, f, i, n, o)
      SELECT g, 'a', g / 7.0, decode(md5(g::text), 'hex'), CASE WHEN g % 2 = 0 THEN 'null' ELSE '{"a": [1, null]}' END::jsonb,
        ARRAY['x "y"', NULL, E'\\\\'], CASE WHEN g % 3 = 0 THEN 'NaN' ELSE sqrt(g) END, make_interval(mins => g), '10.0.0.1/24', g % 2 = 0
      FROM generate_series(1, 9000) g`,
    );
    await equalOnBoth(pair, ROWS('audited'), 20_000);
    await plant(1, 'DELETE FROM audited WHERE id <= 10');
    await plant(
      0,
      "UPDATE audited SET v = 1, space_at = space_at + interval '1 s' WHERE id BETWEEN 11 AND 15",
    );
    await plant(1, "UPDATE audited SET v = 2, space_at = space_at + interval '1 s' WHERE id = 4500");
    await plant(1, "INSERT INTO audited (id, part, space_at, space_node) VALUES (9001, 'z', now(), 2)");
    await plant(
      0,
      `SET LOCAL event_triggers = off; ALTER TABLE audited DISABLE TRIGGER zz_spacecluster_apply;
      UPDATE audited SET v = 3 WHERE id BETWEEN 6000 AND 6009;
      ALTER TABLE audited ENABLE REPLICA TRIGGER zz_spacecluster_apply`,
    );
    expect(await pair.sql(0, ROWS('audited'))).not.toBe(await pair.sql(1, ROWS('audited')));

    const [first, second] = await audit();
    // Of the ten rows of one stamp each is brought in line on the side where it loses.
    expect(first).toMatchObject({ differing: 12, left: 0 });
    expect(second).toMatchObject({ differing: 25, left: 0 });
    expect((first?.repaired ?? 0) + (second?.repaired ?? 0)).toBe(27);
    expect(second?.rows).toBeGreaterThanOrEqual(9_000);
    expect(await equalOnBoth(pair, ROWS('audited'), 5_000)).toMatch(/^9001\|/);
    expect(await pair.sql(0, 'SELECT v FROM audited WHERE id IN (11, 4500) ORDER BY id')).toBe(
      '1.0000\n2.0000',
    );

    for (const again of await audit()) expect(again).toMatchObject({ differing: 0, repaired: 0, left: 0 });
  }, 240_000);

  test('does not take rows that are under way for different ones, and never undoes a newer write', async () => {
    await tableOnBoth('busy', 'CREATE TABLE busy (id int PRIMARY KEY, v int NOT NULL DEFAULT 0)');
    const script = `\\set id random(1, 300)
INSERT INTO busy VALUES (:id, 1) ON CONFLICT (id) DO UPDATE SET v = busy.v + 1;\n`;
    const loads = Promise.all([pair.load(0, script, 20), pair.load(1, script, 20)]);
    const results = await audit();
    await loads;
    for (const result of results) expect(result.left).toBe(0);
    await equalOnBoth(pair, ROWS('busy'), 20_000);
    for (const again of await audit()) expect(again.differing).toBe(0);
  }, 240_000);
});

describe('a member that does not answer', () => {
  /** Within seconds on a machine that is not overloaded; at the slowest level a Lease lasts 15 s. */
  async function withdrawn(ordinal: 0 | 1): Promise<void> {
    await eventually(
      'the Service has the other member only',
      60_000,
      async () => (await pair.serving()).join() === MEMBERS[1 - ordinal],
    );
  }

  const container = (ordinal: 0 | 1, name: string): ContainerRef => ({
    namespace: NAMESPACE,
    pod: MEMBERS[ordinal] ?? '',
    container: name,
  });

  /** Some of them end as soon as they go on: their connections are gone. */
  function resume(pids: readonly number[]): void {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }

  /** Rows of this table are what the other member is told while one is away. */
  beforeAll(async () => {
    await tableOnBoth('told', 'CREATE TABLE told (id serial PRIMARY KEY, v int NOT NULL)');
  });

  test.each<[string, string, string | undefined]>([
    ['a hung server', 'postgresql', 'postgres'],
    ['a hung agent', 'agent', undefined],
  ])(
    '%s leaves the Services in seconds, the other serves on, and what it missed is there before it serves again',
    async (_, name, exe) => {
      await bothServe(pair, 120_000);
      const pids = await signalContainer('STOP', container(1, name), exe);
      expect(pids.length).toBeGreaterThan(0);
      let slowest = 0;
      try {
        await withdrawn(1);
        for (let row = 0; row < 20; row += 1) {
          const begun = performance.now();
          await pair.sql(0, 'INSERT INTO told (v) SELECT g FROM generate_series(1, 500) g');
          slowest = Math.max(slowest, performance.now() - begun);
        }
      } finally {
        resume(pids);
      }
      // It waits for nobody: all of it is the test's own way to the server.
      expect(slowest).toBeLessThan(20_000);
      const owed = await pair.sql(0, 'SELECT count(*) FROM told');
      await bothServe(pair, 120_000);
      expect(Number(await pair.sql(1, 'SELECT count(*) FROM told'))).toBeGreaterThanOrEqual(Number(owed));
    },
    240_000,
  );

  test('a server that only takes no new connections leaves the Services too', async () => {
    await bothServe(pair, 120_000);
    const all = await podProcesses(NAMESPACE, MEMBERS[1] ?? '', 'postgresql');
    const postmaster = all.find(({ args }) => args.startsWith('postgres -D '));
    expect(postmaster).toBeDefined();
    process.kill(postmaster?.pid ?? 0, 'SIGSTOP');
    try {
      await withdrawn(1);
    } finally {
      resume([postmaster?.pid ?? 0]);
    }
    await bothServe(pair, 120_000);
  }, 240_000);

  test('a killed server leaves the Services at once and comes back by itself', async () => {
    await signalContainer('KILL', container(0, 'postgresql'));
    await withdrawn(0);
    await pair.sql(1, 'INSERT INTO told (v) VALUES (0)');
    await bothServe(pair, 90_000);
    await equalOnBoth(pair, ROWS('told'), 20_000);
  }, 240_000);
});

describe('WAL that is kept for a member (P3)', () => {
  test('is given up at its bound, and then no row of either member is lost', async () => {
    await bothServe(pair, 120_000);
    await tableOnBoth('kept', 'CREATE TABLE kept (id serial PRIMARY KEY, v int NOT NULL, filler text)');
    const insert =
      'INSERT INTO kept (v, filler) SELECT g, repeat(md5(g::text), 60) FROM generate_series(1, 5000) g';
    await pair.sql(0, `ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'`, 'postgres');
    await pair.sql(0, 'SELECT pg_reload_conf()', 'postgres');
    // The links stand still both ways, and member 1 is up: as if the network between them were gone for long.
    const links = await eventually('the new table is copied', 20_000, async () => {
      const all = await podProcesses(NAMESPACE, MEMBERS[1] ?? '', 'postgresql');
      const found = all.filter(({ args }) => /walsender|replication .*worker/.test(args));
      return found.length === 2 ? found : undefined;
    });
    for (const { pid } of links) process.kill(pid, 'SIGSTOP');
    try {
      await pair.sql(1, insert);
      await eventually('the slot is given up', 60_000, async () => {
        await pair.sql(0, insert);
        await pair.sql(0, 'SELECT pg_switch_wal(); CHECKPOINT', 'postgres');
        const status = await pair.sql(
          0,
          "SELECT wal_status FROM pg_replication_slots WHERE slot_name ~ '^to_'",
          'postgres',
        );
        return status === 'lost';
      });
      await eventually('that is told', 20_000, async () => (await pair.report(0))?.reason === 'WalGivenUp');
      expect(await pair.serving()).toContain(MEMBERS[0]);
      const kept = await pair.sql(0, 'SELECT sum(size) < 200 * 1024 * 1024 FROM pg_ls_waldir()', 'postgres');
      expect(kept).toBe('t');
      // Each has rows of its own only: odd and even numbers.
      const own = 'SELECT DISTINCT id % 2 FROM kept';
      expect(await Promise.all([pair.sql(0, own), pair.sql(1, own)])).toEqual(['1', '0']);
    } finally {
      for (const { pid } of links) process.kill(pid, 'SIGCONT');
      await pair.sql(0, 'ALTER SYSTEM RESET max_slot_wal_keep_size', 'postgres');
      await pair.sql(0, 'SELECT pg_reload_conf()', 'postgres');
    }
    await equalOnBoth(pair, 'SELECT count(*), sum(hashtextextended(k::text, 0)) FROM kept k', 60_000);
    await eventually('all is well again', 30_000, async () => {
      const reports = await Promise.all([pair.report(0), pair.report(1)]);
      return reports.every((each) => each?.problem === '' && each.link === 'streaming');
    });
    await bothServe(pair, 120_000);
  }, 240_000);
});

describe('a member that is to be rebuilt', () => {
  const copy = async (): Promise<string | undefined> =>
    (await pair.record()).copies.find(({ member }) => member === MEMBERS[1])?.serverUuid;

  test('hands over what only it has, gets a new volume, and comes back as a copy; each request once', async () => {
    await bothServe(pair, 90_000);
    await tableOnBoth('moved', 'CREATE TABLE moved (id serial PRIMARY KEY, v int NOT NULL)');
    const before = await copy();
    await pair.sql(1, 'INSERT INTO moved (v) SELECT g FROM generate_series(1, 20000) g');
    await pair.annotate({ [ANNOTATIONS.replaceMember]: MEMBERS[1] ?? '' });
    const rebuilt = new AbortController();
    const operator = (async () => {
      while (!rebuilt.signal.aborted) {
        await pair.operate();
        await pause(1_000);
      }
    })();
    try {
      await eventually('the record names the new volume', 180_000, async () => {
        await pair.sql(0, 'INSERT INTO moved (v) VALUES (-1)');
        return ![undefined, before].includes(await copy());
      });
      await bothServe(pair, 120_000);
    } finally {
      rebuilt.abort();
      await operator;
    }
    expect(await equalOnBoth(pair, ROWS('moved'), 30_000)).toMatch(/^20\d\d\d\|/);
    expect(await pair.sql(0, 'SELECT count(*) FROM moved WHERE v > 0')).toBe('20000');
    const after = await copy();
    await pause(5_000);
    await pair.operate();
    expect(await copy()).toBe(after);
    expect(await pair.serving()).toEqual(MEMBERS);
  }, 300_000);
});
