import { describe, expect, test } from '@jest/globals';
import { decide, serves } from './decide.ts';
import { slotTo } from './names.ts';
import type { Observation } from './observation.ts';
import { replacementHeld } from './replacement.ts';
import { retired } from './replace.ts';
import type { Report } from './report.ts';
import type { ObservedMember } from './status.ts';
import { copyOf, fresh, memberState, observation, pairRecord, SYSTEMS, up } from './testing.ts';

const SELF = 'demo-postgresql-0';
const PEER = 'demo-postgresql-1';
const BOTH = pairRecord([copyOf(0), copyOf(1)]);

function asked(change: Partial<Observation> = {}): Observation {
  return observation({ replace: SELF, ...change });
}

describe('a member that is to be rebuilt', () => {
  test('stops serving, hands over, and leaves the record in the same write that notes the request', () => {
    expect(serves(asked())).toBe(false);
    expect(decide(asked())).toEqual({
      kind: 'retire',
      slot: slotTo(SYSTEMS[1]),
      base: BOTH,
      change: { phase: 'open', copies: [copyOf(1)], epoch: 3, notes: { replaced: SELF } },
    });
  });

  test.each<[string, Partial<Observation>]>([
    ['the peer does not answer', { remote: { kind: 'absent', problem: 'x' } }],
    ['the peer does not serve', { remote: up(memberState(1, { admitted: false })) }],
    ['the peer is no copy', { record: pairRecord([copyOf(0)]) }],
    ['the peer does not follow', { remote: up(memberState(1, { subscriptions: [] })) }],
    ['a schema change is under way', { gap: { missing: ['a'], conflicting: [] } }],
    ['another member is meant', { replace: PEER }],
    ['it was asked before', { record: { ...BOTH, notes: { replaced: SELF } } }],
  ])('stays and serves when %s', (_, change) => {
    expect(serves(asked(change))).toBe(true);
    expect(decide(asked(change)).kind).not.toBe('retire');
  });

  test('serves nobody while its peer is looked at anew', () => {
    expect(serves(asked({ remote: { kind: 'unseen' } }))).toBe(false);
  });

  test('then waits for its volume to be taken away, and does not join again', () => {
    const record = { ...pairRecord([copyOf(1)]), notes: { replaced: SELF } };
    expect(decide(asked({ record }))).toMatchObject({ kind: 'wait', reason: 'Retired' });
    expect(serves(asked({ record }))).toBe(false);
    // The empty volume joins as any.
    const empty = { record, local: up(fresh(0)), remote: up(memberState(1, { subscriptions: [] })) };
    expect(decide(asked(empty)).kind).toBe('subscribe');
    // A request that was taken back in between: the rows are merged.
    const back = { record, local: up(memberState(0, { subscriptions: [] })), replace: '' };
    expect(decide(asked(back)).kind).toBe('subscribe');
  });

  test('is rebuilt once a value; its removal arms the next', () => {
    const record = { ...BOTH, notes: { replaced: SELF } };
    expect(decide(asked({ record })).kind).toBe('settled');
    expect(decide(asked({ record, replace: '' }))).toEqual({
      kind: 'record',
      base: record,
      change: { notes: { replaced: '' } },
    });
  });

  test.each<[string, Partial<Observation>, string | undefined]>([
    ['nobody asks', { replace: '' }, undefined],
    ['it is under way', {}, undefined],
    ['it is done', { record: { ...BOTH, notes: { replaced: SELF } } }, undefined],
    ['the pair is not whole', { remote: up(memberState(1, { subscriptions: [] })) }, 'waits until both'],
    ['the member that is meant is away', { replace: PEER, remote: { kind: 'absent', problem: 'x' } }, 'lost'],
  ])('is told why it waits when %s', (_, change, expected) => {
    const held = replacementHeld(asked(change));
    if (expected === undefined) expect(held).toBeUndefined();
    else expect(held).toContain(expected);
  });
});

describe('the operator takes a volume away', () => {
  const report: Report = { role: 'joining', reason: 'Retired', problem: '', link: 'streaming', pod: 'u-0' };
  const member = (change: Partial<ObservedMember>): ObservedMember => ({
    name: SELF,
    uid: 'u-0',
    node: 'n1',
    serving: false,
    report,
    ...change,
  });
  const peer = member({ name: PEER, uid: 'u-1', serving: true, report: { ...report, reason: 'Settled' } });

  test.each<[string, Partial<ObservedMember>, Partial<ObservedMember>, boolean]>([
    ['of a member that says it has left', {}, {}, true],
    ['not of one that says nothing', { report: undefined }, {}, false],
    ['not of one that is at work', { report: { ...report, reason: 'Working' } }, {}, false],
    ['not of one whose pod is another by now', { uid: 'u-9' }, {}, false],
    ['not of one whose pod ends', { uid: undefined }, {}, false],
    ['not when nobody else serves', {}, { serving: false }, false],
  ])('%s', (_, change, other, expected) => {
    const found = retired({ members: [member(change), { ...peer, ...other }] });
    expect(found?.name).toBe(expected ? SELF : undefined);
  });
});
