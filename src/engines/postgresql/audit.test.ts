import { describe, expect, test } from '@jest/globals';
import { asksForAudit, auditDue, isWhole } from './audit.ts';
import type { AuditClock, AuditResult } from './audit.ts';
import type { Observation } from './observation.ts';
import { copyOf, memberState, observation, pairRecord, up } from './testing.ts';

const RESULT: AuditResult = {
  at: '2026-11-22T00:00:00.000Z',
  tables: 1,
  rows: 10,
  differing: 0,
  repaired: 0,
  left: 0,
  seconds: 1,
};
const HOUR = 3_600_000;

function clock(change: Partial<AuditClock>, ageMs: number | undefined): AuditClock {
  const last = ageMs === undefined ? undefined : { result: RESULT, ageMs };
  return { wholeMs: HOUR, broken: false, request: '', memory: { request: '', last }, ...change };
}

describe('an audit is due', () => {
  test.each<[string, AuditClock, string | undefined]>([
    ['never before', clock({}, undefined), 'return'],
    ['never before, and the pair became whole just now', clock({ wholeMs: 5_000 }, undefined), undefined],
    ['an hour ago', clock({}, HOUR), undefined],
    ['a day ago', clock({}, 24 * HOUR), 'schedule'],
    ['a day ago, but the pair is not whole', clock({ wholeMs: undefined }, 24 * HOUR), undefined],
    ['an hour ago, and there was a break since', clock({ broken: true }, HOUR), 'return'],
    ['a minute ago, and there was a break since', clock({ broken: true }, 60_000), undefined],
    ['a minute ago, and it is asked for', clock({ request: 'postgresql', wholeMs: 0 }, 60_000), 'request'],
    ['on that very request', requested('postgresql/1', 'postgresql/1'), undefined],
    ['on another request', requested('postgresql/2', 'postgresql/1'), 'request'],
    ['on a request that was taken away', requested('', 'postgresql/1'), undefined],
    ['for another part', requested('mysql', ''), undefined],
  ])('when the last one was %s', (_, given, expected) => {
    expect(auditDue(given)).toBe(expected);
  });

  function requested(request: string, done: string): AuditClock {
    return { ...clock({ request }, 60_000), memory: { request: done, last: { result: RESULT, ageMs: 0 } } };
  }

  test('by an annotation that names the part', () => {
    expect(['postgresql', 'postgresql/a', 'postgresqlx', 'x/postgresql', ''].map(asksForAudit)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('only rows of a whole pair are compared', () => {
  const [link] = memberState(0).subscriptions;
  const local = (change: object): Partial<Observation> => ({
    local: up(memberState(0, { subscriptions: link === undefined ? [] : [{ ...link, ...change }] })),
  });

  test.each<[string, Partial<Observation>, boolean]>([
    ['both follow each other', {}, true],
    ['the peer does not answer', { remote: { kind: 'absent', problem: 'x' } }, false],
    ['this member does not serve', { local: up(memberState(0, { admitted: false })) }, false],
    ['the peer is no copy', { record: pairRecord([copyOf(0)]) }, false],
    ['the link is down', local({ running: false }), false],
    ['a table is still copied', local({ pending: 1 }), false],
    ['a table is not followed yet', local({ tables: [] }), false],
    ['the way back is missing', { remote: up(memberState(1, { subscriptions: [] })) }, false],
    ['a schema change is under way', { remote: up(memberState(1, { changes: 'other' })) }, false],
    ['a change is missing here', { gap: { missing: ['a'], conflicting: [] } }, false],
  ])('when %s', (_, change, expected) => {
    expect(isWhole(observation(change))).toBe(expected);
  });
});
