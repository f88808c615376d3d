// The upkeep of the ring: nobody leaves before its data has (C1), one thing at a time, and nothing in a ring that is not whole.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { decideCare, remembered, retryAt } from './care.ts';
import { decide, settlementKey } from './decide.ts';
import type { MemberSeen, RingObserved } from './gather.ts';
import { members } from './members.ts';
import { EMPTY_RECORD, noted, without } from './record.ts';
import type { RingRecord } from './record.ts';
import type { RingRow } from './ring.ts';
import { assess, renewal } from './status.ts';

const NOW = '2026-01-10T00:00:00.000Z';
const MEMBERS = members('demo', 4).map(({ pod, rack }, index) => ({
  pod,
  rack,
  uid: `u${index}`,
  node: `n${index}`,
  ip: `10.0.0.${index + 1}`,
  ready: true,
  failing: false,
}));
const NAMES = MEMBERS.map(({ pod }) => pod);
const LAST = NAMES.at(-1) ?? '';
const down = (index: number): readonly MemberSeen[] =>
  MEMBERS.map((each, at) => (at === index ? { ...each, ready: false } : each));

function rows(count: number, change: Partial<Record<number, RingRow['state']>> = {}): readonly RingRow[] {
  return MEMBERS.slice(0, count).map(({ ip, rack }, index) => ({
    state: change[index] ?? 'UN',
    address: ip,
    rack,
  }));
}

function ring(change: Partial<RingObserved> = {}, record: Partial<RingRecord> = {}): RingObserved {
  const seen = change.members ?? MEMBERS;
  const observed: RingObserved = {
    members: seen,
    routed: true,
    record: EMPTY_RECORD,
    secretVersions: { s: '1' },
    missingSecrets: [],
    wanted: seen.length,
    ring: rows(seen.length),
    demands: {},
    now: NOW,
    ...change,
  };
  return {
    ...observed,
    record: {
      ...EMPTY_RECORD,
      addresses: Object.fromEntries(seen.map(({ pod, ip }) => [pod, ip ?? ''])),
      repaired: Object.fromEntries(seen.map(({ pod }) => [pod, NOW])),
      settled: settlementKey(observed),
      ...record,
    },
  };
}

const step = (observed: RingObserved): string => {
  const care = decideCare(observed);
  switch (care.kind) {
    case 'nothing':
    case 'remember':
      return care.kind;
    case 'task':
      return `${care.task} ${care.pod}`;
    default:
      return `${care.kind} ${care.pod}`;
  }
};

describe('leaving', () => {
  it.each<readonly [string, RingObserved, string]>([
    ['as many as asked for', ring(), 'nothing'],
    ['the last of the joining order', ring({ wanted: 3 }), `leave ${LAST}`],
    ['not while another is down', ring({ wanted: 3, members: down(1) }), 'nothing'],
    ['not while the ring sees one down', ring({ wanted: 3, ring: rows(4, { 2: 'DN' }) }), 'nothing'],
    ['not while the ring could not be asked', ring({ wanted: 3, ring: undefined }), 'nothing'],
    ['not while the ring is smaller than the record', ring({ wanted: 3, ring: rows(3) }), 'nothing'],
    [
      'gone on with, whatever the spec says by then',
      ring({ ring: undefined }, { leaving: LAST }),
      `leave ${LAST}`,
    ],
    [
      'gone on with when it no longer serves',
      ring({ wanted: 3, members: down(3) }, { leaving: LAST }),
      `leave ${LAST}`,
    ],
    [
      'not gone on with while another is down',
      ring({ wanted: 3, members: down(0) }, { leaving: LAST }),
      'nothing',
    ],
    [
      'nothing else meanwhile',
      ring({ members: down(0), demands: { replace: NAMES[0] ?? '' } }, { leaving: LAST }),
      'nothing',
    ],
    ['never below the copies of a row', ring({ wanted: 1, members: MEMBERS.slice(0, 3) }), 'nothing'],
    ['of two neither', ring({ wanted: 1, members: MEMBERS.slice(0, 2) }), 'nothing'],
  ])('%s', (_what, observed, expected) => {
    expect(step(observed)).toBe(expected);
  });

  it('is never begun in a ring that is not whole (C1)', () => {
    const state = fc.constantFrom<RingRow['state']>('UN', 'DN', 'UJ', 'UL', 'UM');
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        fc.array(state, { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (ready, states, wanted) => {
          const observed = ring({
            wanted,
            members: MEMBERS.map((each, index) => ({ ...each, ready: ready[index] === true })),
            ring: rows(4, Object.fromEntries(states.entries())),
          });
          if (!step(observed).startsWith('leave')) return;
          expect(ready.every(Boolean) && states.every((each) => each === 'UN') && wanted < 4).toBe(true);
        },
      ),
    );
  });

  it('takes the member off the record, and makes its pod anew when the spec wants it again', () => {
    const before = ring().record;
    const after = without({ ...before, leaving: LAST, cleanup: [LAST] }, LAST, 'u3');
    expect(after).toMatchObject({ leaving: '', cleanup: [], left: { [LAST]: 'u3' } });
    expect(Object.keys(after.addresses)).toEqual(NAMES.slice(0, 3));
    const members = down(3);
    expect(step(ring({ members, wanted: 4 }, after))).toBe(`remake ${LAST}`);
    expect(step(ring({ members, wanted: 3 }, after))).toBe('nothing');
    const anew = members.map((each, index) => (index === 3 ? { ...each, uid: 'new' } : each));
    expect(step(ring({ members: anew, wanted: 4 }, after))).toBe('nothing');
    // A cache that still takes its old pod for ready brings it not back into the record.
    expect(decide(ring({ wanted: 3 }, after)).kind).toBe('nothing');
  });

  it('is told, and keeps the operator at work', () => {
    const leaving = assess(ring({ wanted: 3 }, { leaving: LAST }));
    expect(leaving).toMatchObject({ ready: true, reason: 'Leaving' });
    expect(leaving.working).toContain(LAST);
    expect(leaving.status.cassandra?.members?.at(3)).toMatchObject({ state: 'UL' });
  });
});

describe('replacing on demand', () => {
  const ask = (pod: string, change: Partial<RingObserved> = {}, record: Partial<RingRecord> = {}) =>
    ring({ demands: { replace: pod }, ...change }, record);

  it.each<readonly [string, RingObserved, string]>([
    ['one that is down', ask(LAST, { members: down(3) }), `replace ${LAST}`],
    ['one that serves', ask(LAST), `replace ${LAST}`],
    ['once', ask(LAST, {}, { acted: { replace: LAST } }), 'nothing'],
    ['not while another is down', ask(LAST, { members: down(0) }), 'nothing'],
    ['not the only copy', ask(NAMES[0] ?? '', { members: MEMBERS.slice(0, 1) }), 'nothing'],
    [
      'not one that has not joined',
      ask(LAST, { members: down(3) }, { addresses: { [NAMES[0] ?? '']: '10.0.0.1' } }),
      'nothing',
    ],
    ['again when the word was taken back', ring({}, { acted: { replace: LAST } }), 'remember'],
  ])('%s', (_what, observed, expected) => {
    expect(step(observed)).toBe(expected);
  });

  it('says why not', () => {
    expect(assess(ask(LAST, { members: down(0) }))).toMatchObject({
      reason: 'ReplaceRefused',
      message: expect.stringContaining(`${NAMES[0]} must serve first`) as unknown,
    });
  });
});

describe('cleanup', () => {
  it('is due on all that were there when a member joined a ring that was formed', () => {
    const three = ring({ members: MEMBERS.slice(0, 3) }).record;
    const grown = noted(three, ring().record.addresses);
    expect(grown.cleanup).toEqual(NAMES.slice(0, 3).toSorted());
    expect(noted(EMPTY_RECORD, three.addresses).cleanup).toEqual([]);
    expect(noted(three, { [NAMES[0] ?? '']: '10.0.0.9' }).cleanup).toEqual([]);
    const observed = ring({}, { cleanup: grown.cleanup });
    expect(step(observed)).toBe(`cleanup ${grown.cleanup[0]}`);
    expect(assess(observed)).toMatchObject({ ready: true, reason: 'CleaningUp' });
    expect(step(ring({ members: down(2) }, { cleanup: grown.cleanup }))).toBe('nothing');
  });
});

describe('repair', () => {
  const repaired = (at: string) => Object.fromEntries(NAMES.map((pod) => [pod, at]));

  it('counts the week from when a member was first seen', () => {
    const observed = ring({}, { repaired: {} });
    expect(step(observed)).toBe('remember');
    expect(remembered(observed.record, observed)?.repaired).toEqual(repaired(NOW));
  });

  it.each([
    ['2026-01-03T00:00:01.000Z', 'nothing'],
    ['2026-01-03T00:00:00.000Z', `repair ${NAMES[0]}`],
  ])('of members last repaired at %s: %s', (at, expected) => {
    expect(step(ring({}, { repaired: repaired(at) }))).toBe(expected);
  });

  it('says when the next one is due', () => {
    const dueOf = (observed: RingObserved): unknown =>
      assess(observed).status.cassandra?.members?.at(0)?.nextRepair;
    expect(dueOf(ring())).toBe('2026-01-17T00:00:00.000Z');
    expect(dueOf(ring({}, { repaired: repaired('') }))).toBeUndefined();
  });

  it('waits while a member is down, and is not for a ring of one', () => {
    expect(step(ring({ members: down(1) }, { repaired: repaired('') }))).toBe('nothing');
    const [first] = NAMES;
    expect(step(ring({ members: MEMBERS.slice(0, 1) }, { repaired: { [first ?? '']: '' } }))).toBe('nothing');
  });

  it('takes all members in turn when a human asks, once for each value', () => {
    const asked = ring({ demands: { repair: 'today' } });
    expect(step(asked)).toBe('remember');
    const record = remembered(asked.record, asked);
    expect(record?.repaired).toEqual(repaired(''));
    expect(decideCare(ring({ demands: { repair: 'today' } }, record))).toMatchObject({
      kind: 'task',
      task: 'repair',
      pod: NAMES[0],
      id: 'today',
    });
  });

  it('is tried again some hours after it failed', () => {
    const at = retryAt(NOW);
    expect(step(ring({}, { repaired: repaired(at) }))).toBe('nothing');
    expect(step(ring({ now: '2026-01-10T06:00:00.000Z' }, { repaired: repaired(at) }))).toBe(
      `repair ${NAMES[0]}`,
    );
  });

  it('comes after a cleanup, and its failure is told', () => {
    expect(step(ring({}, { cleanup: [LAST], repaired: repaired('') }))).toBe(`cleanup ${LAST}`);
    expect(assess(ring({}, { trouble: 'repair failed in x' }))).toMatchObject({
      ready: true,
      reason: 'UpkeepFailed',
    });
  });
});

describe('renewal', () => {
  it('takes a member only of a ring that is whole and settled', () => {
    expect(renewal(ring()).hold).toBeUndefined();
    expect(renewal(ring({ ring: rows(4, { 1: 'DN' }) })).hold).toContain('10.0.0.2 DN');
    expect(renewal(ring({ ring: undefined })).hold).toBeDefined();
    expect(renewal(ring({ wanted: 3 })).hold).toBeDefined();
    expect(renewal(ring({}, { settled: '' })).hold).toBeDefined();
  });
});
