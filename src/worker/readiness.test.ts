// Ready by MySQL, with room for a failover; the other databases are told, not required.
import { describe, expect, it } from '@jest/globals';
import { readiness } from './readiness.ts';
import type { ReadinessFacts } from './readiness.ts';

const facts = (change: Partial<ReadinessFacts> = {}): ReadinessFacts => ({
  databases: [
    { name: 'mysql', up: true, silentMs: 500 },
    { name: 'postgresql', up: true, silentMs: 500 },
    { name: 'cassandra', up: true, silentMs: 500 },
  ],
  missing: [],
  stopping: false,
  ...change,
});

const mysql = (up: boolean, silentMs: number | undefined): Partial<ReadinessFacts> => ({
  databases: [{ name: 'mysql', up, silentMs }, ...facts().databases.slice(1)],
});

describe('readiness', () => {
  it.each([
    ['all well', facts(), true, 'all databases answer'],
    ['a failover under way', facts(mysql(false, 4_000)), true, 'serving without mysql'],
    ['MySQL gone', facts(mysql(false, 11_000)), false, 'MySQL does not answer'],
    ['MySQL never seen', facts(mysql(false, undefined)), false, 'MySQL does not answer'],
    ['no schema', facts({ missing: ['no schema yet'] }), false, 'no schema yet'],
    ['ending', facts({ stopping: true }), false, 'the worker is ending'],
  ] as const)('%s', (_what, given, ready, detail) => {
    expect(readiness(given)).toMatchObject({ ready, detail });
  });

  it('serves without the other two', () => {
    const [first] = facts().databases;
    const given = facts({
      databases: [
        ...(first === undefined ? [] : [first]),
        { name: 'postgresql', up: false, silentMs: undefined },
        { name: 'cassandra', up: false, silentMs: 90_000 },
      ],
    });
    expect(readiness(given)).toMatchObject({ ready: true, detail: 'serving without postgresql, cassandra' });
  });
});
