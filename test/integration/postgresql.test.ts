// The PostgreSQL pair on real servers: made from empty volumes, written on both sides, cut apart, restarted, a volume lost.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Pods, Secrets } from '../../src/kube/resources.ts';
import { clearFaults, partition } from '../lab/lab.ts';
import type { Place } from '../lab/lab.ts';
import { eventually, pause } from './kube-support.ts';
import { mustKubectl, run } from './kubectl.ts';
import { bothServe, equalOnBoth, MEMBERS, NAME, openPair, ROWS } from './postgresql-support.ts';
import type { Pair } from './postgresql-support.ts';

const NAMESPACE = 'test-postgresql';

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

async function podIp(ordinal: number): Promise<Place> {
  return ((await pair.kube.get(Pods, NAMESPACE, MEMBERS[ordinal] ?? '')).status?.podIP ?? '') as Place;
}

async function rejection(ordinal: number, statement: string): Promise<string> {
  return pair.sql(ordinal, statement).then(
    () => 'accepted',
    (error: unknown) => String(error),
  );
}

describe('a pair from empty volumes', () => {
  test('is entered in the record with both data directories', async () => {
    const { copies } = await pair.record();
    expect(copies.map(({ member }) => member).toSorted()).toEqual(MEMBERS);
  });

  test('a table made by the application on one member is on the other, and rows go both ways', async () => {
    await pair.sql(
      0,
      'CREATE TABLE alarm (id uuid PRIMARY KEY DEFAULT uuidv7(), device int NOT NULL, text varchar(200))',
    );
    await eventually(
      'the table is on member 1',
      15_000,
      async () => (await pair.sql(1, "SELECT to_regclass('alarm')")) === 'alarm',
    );
    await pair.sql(0, "INSERT INTO alarm (device, text) VALUES (1, 'from member 0')");
    await pair.sql(1, "INSERT INTO alarm (device, text) VALUES (2, 'from member 1')");
    await eventually('both rows are on both members', 15_000, async () =>
      (await equalOnBoth(pair, ROWS('alarm'), 15_000)).startsWith('2|'),
    );
  });

  test('a named change of several statements is executed once on each member', async () => {
    const change =
      "SELECT spacecluster.change('test/0001', $$CREATE TABLE sample (id int PRIMARY KEY, v int); CREATE INDEX ON sample (v)$$)";
    expect(await pair.sql(1, change)).toBe('t');
    expect(await pair.sql(1, change)).toBe('f');
    await eventually(
      'the change is on member 0',
      15_000,
      async () => (await pair.sql(0, "SELECT count(*) FROM pg_indexes WHERE tablename = 'sample'")) === '2',
    );
  });

  test('the Service answers over TLS, with a certificate of its name, and not without', async () => {
    const { data } = await pair.kube.get(Secrets, NAMESPACE, `${NAME}-postgresql`);
    const password = Buffer.from(data?.['password'] ?? '', 'base64').toString();
    const connect = async (sslmode: string): Promise<string> => {
      const script = `read -r PGPASSWORD; export PGPASSWORD; psql -X -A -t -c 'SELECT current_user' "host=${NAME}-postgresql dbname=space user=space sslmode=${sslmode} sslrootcert=/etc/spacecluster/tls/ca.crt" 2>&1`;
      const target = ['-n', NAMESPACE, 'exec', '-i', MEMBERS[0] ?? '', '-c', 'postgresql', '--'];
      return (await run('kubectl', [...target, 'bash', '-c', script], `${password}\n`)).stdout.trim();
    };
    expect(await connect('verify-full')).toBe('space');
    expect(await connect('disable')).toContain('no pg_hba.conf entry');
  });

  test.each([
    ['a table without a key', 'CREATE TABLE bad (a int)', 'needs a primary key'],
    ['a second unique key', 'CREATE TABLE bad (a int PRIMARY KEY, b int UNIQUE)', 'second unique key'],
    ['a table with rows in it', 'CREATE TABLE bad AS SELECT 1 AS a', 'has rows already'],
    ['an unlogged table', 'CREATE UNLOGGED TABLE bad (a int PRIMARY KEY)', 'unlogged'],
    ['a sequence of its own', 'CREATE SEQUENCE bad', 'must belong to a column of whole numbers'],
    ['a column taken away', 'ALTER TABLE alarm DROP COLUMN text', 'may not be dropped'],
    ['a column renamed', 'ALTER TABLE alarm RENAME text TO words', 'may not be dropped, renamed'],
    [
      'a value of its own in old rows',
      'ALTER TABLE alarm ADD COLUMN at timestamptz DEFAULT now()',
      'must be a constant',
    ],
    [
      'a constraint that rows under way may break',
      'ALTER TABLE alarm ADD CHECK (device > 0)',
      'constraint may not be added',
    ],
    ['a table dropped', 'DROP TABLE alarm', 'may not be dropped'],
    ['a row deleted', 'DELETE FROM alarm', 'not replicated'],
    ['a table truncated', 'TRUNCATE alarm', 'not replicated'],
    ['a key changed', 'UPDATE alarm SET id = uuidv7()', 'not replicated'],
    [
      'two changes in one message',
      'DO $$ BEGIN CREATE TABLE bad (a int PRIMARY KEY); END $$',
      'one plain statement',
    ],
  ])('refuses %s, saying why', async (_, statement, reason) => {
    expect(await rejection(0, statement)).toContain(reason);
  });

  test('refuses a row whose values would not be kept in the row, because updates would not carry them', async () => {
    await pair.sql(0, 'CREATE TABLE note (id int PRIMARY KEY, body text)');
    expect(await rejection(0, "INSERT INTO note VALUES (1, repeat('x', 9000))")).toContain('row is too big');
  });
});

describe('writes on both sides', () => {
  test('sequences never give out one value twice', async () => {
    await pair.sql(0, 'CREATE TABLE job (id serial PRIMARY KEY, made_on int NOT NULL)');
    await eventually(
      'the table is on member 1',
      15_000,
      async () => (await pair.sql(1, "SELECT to_regclass('job')")) === 'job',
    );
    const insert = (node: number): string =>
      `INSERT INTO job (made_on) SELECT ${node} FROM generate_series(1, 500)`;
    await Promise.all([pair.sql(0, insert(0)), pair.sql(1, insert(1))]);
    expect(await equalOnBoth(pair, ROWS('job'), 20_000)).toMatch(/^1000\|/);
    expect(await pair.sql(0, 'SELECT DISTINCT made_on, id % 2 FROM job ORDER BY 1')).toBe('0|1\n1|0');
  });

  test('rows that both members update, also while they cannot see each other, end up equal', async () => {
    await pair.sql(0, 'CREATE TABLE hot (id int PRIMARY KEY, v int NOT NULL DEFAULT 0, who text)');
    await eventually(
      'the table is on member 1',
      15_000,
      async () => (await pair.sql(1, "SELECT to_regclass('hot')")) === 'hot',
    );
    await pair.sql(0, 'INSERT INTO hot SELECT g FROM generate_series(1, 100) g');
    await equalOnBoth(pair, ROWS('hot'), 20_000);
    // Half of the writes are inserts of keys that the other member inserts too.
    const script = `\\set id random(1, 400)
INSERT INTO hot VALUES (:id, 1, repeat('x', 1 + :id % 60)) ON CONFLICT (id) DO UPDATE SET v = hot.v + 1, who = repeat('y', 1 + hot.v % 60);\n`;
    await partition(await podIp(0), await podIp(1));
    try {
      const [first] = await Promise.all([pair.load(0, script, 12), pair.load(1, script, 12)]);
      expect(first).toContain('number of failed transactions: 0');
      // Cut off from each other, both go on serving.
      expect(await pair.serving()).toEqual(MEMBERS);
      expect(await pair.sql(0, ROWS('hot'))).not.toBe(await pair.sql(1, ROWS('hot')));
    } finally {
      await clearFaults();
    }
    await Promise.all([pair.load(0, script, 5), pair.load(1, script, 5)]);
    await equalOnBoth(pair, ROWS('hot'), 60_000);
  }, 120_000);
});

describe('members that go and come back', () => {
  test('both pods ended at once heal by themselves', async () => {
    await mustKubectl(['-n', NAMESPACE, 'delete', 'pod', ...MEMBERS, '--wait']);
    await bothServe(pair, 90_000);
    await pair.sql(0, "INSERT INTO alarm (device, text) VALUES (3, 'after')");
    await equalOnBoth(pair, ROWS('alarm'), 20_000);
  }, 150_000);

  test('a lost volume is rebuilt from the other member while that is written to, and never founds a pair of its own', async () => {
    const before = await pair.record();
    await mustKubectl(['-n', NAMESPACE, 'delete', 'pvc', `data-${MEMBERS[0] ?? ''}`, '--wait=false']);
    await mustKubectl(['-n', NAMESPACE, 'delete', 'pod', MEMBERS[0] ?? '', '--wait']);
    const writing = new AbortController();
    const writer = (async () => {
      let written = 0;
      while (!writing.signal.aborted) {
        await pair.sql(1, 'INSERT INTO job (made_on) VALUES (1)');
        written += 1;
        await pause(50);
      }
      return written;
    })();
    await eventually(
      'the record names the new volume',
      120_000,
      async () => (await pair.record()).epoch > before.epoch,
    );
    await bothServe(pair, 60_000);
    writing.abort();
    const written = await writer;
    expect(Number(await pair.sql(1, 'SELECT count(*) FROM job WHERE made_on = 1'))).toBe(500 + written);
    for (const table of ['alarm', 'job', 'hot']) await equalOnBoth(pair, ROWS(table), 30_000);
    await pair.sql(0, 'INSERT INTO job (made_on) VALUES (0)');
    await equalOnBoth(pair, ROWS('job'), 20_000);
    expect((await pair.record()).copies).toHaveLength(2);
  }, 240_000);
});
