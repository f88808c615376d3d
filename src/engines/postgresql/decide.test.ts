import { describe, expect, test } from '@jest/globals';
import { decide, serves } from './decide.ts';
import { slotTo, subscriptionFrom } from './names.ts';
import type { Observation } from './observation.ts';
import type { Step } from './step.ts';
import { copyOf, fresh, memberState, observation, PAIR, pairRecord, SYSTEMS, up } from './testing.ts';

const absent = { kind: 'absent', problem: 'refused' } as const;

/** Member 1 looking, empty, beside a member 0 that holds the pair's data. */
function joiner(change: Partial<Observation> = {}): Observation {
  return observation({
    member: 'demo-postgresql-1',
    ordinal: 1,
    peer: 'demo-postgresql-0',
    local: up(fresh(1)),
    remote: up(memberState(0, { subscriptions: [], slots: [] })),
    record: pairRecord([copyOf(0)]),
    caughtUp: false,
    ...change,
  });
}

function told(step: Step): string {
  return step.kind === 'wait' || step.kind === 'blocked' ? `${step.kind} ${step.reason}` : step.kind;
}

describe('a settled pair', () => {
  test('is left alone', () => {
    expect(told(decide(observation()))).toBe('settled');
    expect(serves(observation())).toBe(true);
  });

  test.each<[string, Partial<Observation>, string]>([
    ['the own server is away', { local: absent }, 'wait ServerDown'],
    ['the base is missing', { local: { kind: 'bare' } }, 'prepare'],
    ['the base is of another version', { local: up(memberState(0, { base: 'old' })) }, 'prepare'],
    [
      'the password was changed',
      { settings: { passwordCurrent: false, reloadDue: true, reconnect: [], conflicts: {} } },
      'setPassword',
    ],
    [
      'certificates were renewed',
      { settings: { passwordCurrent: true, reloadDue: true, reconnect: [], conflicts: {} } },
      'reload',
    ],
    ['the peer does not answer', { remote: absent }, 'wait PeerAway'],
    [
      'the peer has a change that is missing here',
      { gap: { missing: ['a'], conflicting: [] } },
      'fetchChanges',
    ],
    [
      'one change has two statements',
      { gap: { missing: ['b'], conflicting: ['a'] } },
      'blocked SchemaConflict',
    ],
    [
      'the peer publishes a table more',
      {
        local: up(memberState(0, { tables: ['space.alarm', 'space.sample'] })),
        remote: up(memberState(1, { tables: ['space.alarm', 'space.sample'] })),
      },
      'refresh',
    ],
    [
      'the peer publishes a table that is not here yet',
      { remote: up(memberState(1, { tables: ['space.alarm', 'space.sample'] })) },
      'settled',
    ],
    [
      'the link connects otherwise than it should',
      {
        settings: {
          passwordCurrent: true,
          reloadDue: false,
          reconnect: [subscriptionFrom(SYSTEMS[1])],
          conflicts: {},
        },
      },
      'reconnect',
    ],
    [
      'the volume is a copy of the peer’s',
      {
        local: up(memberState(0, { systemIdentifier: SYSTEMS[1] })),
        record: pairRecord([copyOf(1), { ...copyOf(0), serverUuid: SYSTEMS[1] }]),
      },
      'blocked SameData',
    ],
  ])('when %s', (_, change, expected) => {
    expect(told(decide(observation(change)))).toBe(expected);
  });

  test('a disabled link is enabled', () => {
    const [link] = memberState(0).subscriptions;
    const local = up(
      memberState(0, { subscriptions: link === undefined ? [] : [{ ...link, enabled: false }] }),
    );
    expect(told(decide(observation({ local })))).toBe('enable');
  });

  test('a link whose WAL the peer has removed is made anew, and merges both sides', () => {
    const slot = { name: slotTo(SYSTEMS[0]), active: false, confirmed: 0n, lost: true };
    expect(decide(observation({ remote: up(memberState(1, { slots: [slot] })) }))).toEqual({
      kind: 'dropSubscription',
      subscription: subscriptionFrom(SYSTEMS[1]),
    });
    expect(decide(observation({ local: up(memberState(0, { subscriptions: [] })) }))).toEqual({
      kind: 'subscribe',
      publisher: SYSTEMS[1],
      copyData: true,
    });
  });
});

describe('founding and joining (P3, P7)', () => {
  const empty = { local: up(fresh(0)), remote: up(fresh(1)), record: pairRecord([]), caughtUp: false };

  test('member 0 founds the pair when both are empty, with one write over the record it has seen', () => {
    expect(decide(observation(empty))).toEqual({ kind: 'found', base: pairRecord([]) });
    const other = { ...empty, member: 'demo-postgresql-1', ordinal: 1, peer: 'demo-postgresql-0' };
    expect(told(decide(observation({ ...other, local: up(fresh(1)), remote: up(fresh(0)) })))).toBe(
      'wait WaitingForFounder',
    );
  });

  test.each<[string, Partial<Observation>, string]>([
    ['cannot see its peer', { remote: absent }, 'wait WaitingForPeer'],
    [
      'sees data on its peer that the record does not name yet',
      { remote: up(memberState(1)) },
      'wait WaitingForPeer',
    ],
    ['has not seen the record', { record: undefined }, 'wait RecordUnknown'],
    [
      'is named by nobody and nobody is there',
      { record: pairRecord([copyOf(1)]), remote: absent },
      'wait PeerAway',
    ],
    [
      'finds that both volumes are not those of the record',
      { record: pairRecord([{ ...copyOf(0), serverUuid: '6999' }]) },
      'blocked DataLost',
    ],
  ])('an empty member 0 founds nothing when it %s', (_, change, expected) => {
    expect(told(decide(observation({ ...empty, ...change })))).toBe(expected);
  });

  test('an empty member 0 joins the peer that has the data', () => {
    const seen = observation({
      ...empty,
      remote: up(memberState(1)),
      record: pairRecord([copyOf(1), { ...copyOf(0), serverUuid: '6999' }]),
    });
    expect(decide(seen)).toEqual({ kind: 'subscribe', publisher: SYSTEMS[1], copyData: true });
  });

  test('a record that was lost is entered again by what the data directory says', () => {
    const step = decide(observation({ record: pairRecord([]) }));
    expect(serves(observation({ record: pairRecord([]) }))).toBe(true);
    expect(step).toMatchObject({ kind: 'record', change: { copies: [copyOf(0)], epoch: 1, phase: 'open' } });
  });

  test('a volume of another pair is not taken in', () => {
    const local = up(memberState(0, { pair: 'another' }));
    expect(told(decide(observation({ local })))).toBe('blocked ForeignData');
  });

  test('what belongs to an earlier life of the peer is removed first', () => {
    const remote = up(fresh(1, { systemIdentifier: '7009' }));
    const local = memberState(0);
    expect(told(decide(observation({ remote })))).toBe('dropSubscription');
    const [slot] = local.slots;
    const slots = slot === undefined ? [] : [{ ...slot, active: false }];
    expect(decide(observation({ remote, local: up({ ...local, subscriptions: [], slots }) }))).toEqual({
      kind: 'dropSlot',
      slot: slotTo(SYSTEMS[1]),
    });
  });

  test('the bootstrap goes in order: copy, return link without a copy, joining', () => {
    const copying = {
      name: subscriptionFrom(SYSTEMS[0]),
      enabled: true,
      running: true,
      tables: ['space.alarm'],
    };
    const slot = { name: slotTo(SYSTEMS[1]), active: true, confirmed: 1_000n, lost: false };
    const donor = memberState(0, { subscriptions: [], slots: [slot] });
    const newcomer = (pending: number): ReturnType<typeof fresh> =>
      fresh(1, { tables: ['space.alarm'], subscriptions: [{ ...copying, pending }] });
    expect(told(decide(joiner()))).toBe('subscribe');

    const donorSees = (pending: number): Observation =>
      observation({ local: up(donor), remote: up(newcomer(pending)), record: pairRecord([copyOf(0)]) });
    expect(told(decide(joiner({ local: up(newcomer(1)), remote: up(donor) })))).toBe('wait Copying');
    expect(told(decide(donorSees(1)))).toBe('wait PeerCopying');
    expect(decide(donorSees(0))).toEqual({ kind: 'subscribe', publisher: SYSTEMS[1], copyData: false });

    const copied = { local: up(newcomer(0)), caughtUp: true };
    expect(told(decide(joiner({ ...copied, remote: up(donor) })))).toBe('wait WaitingForReturnLink');
    const step = decide(joiner({ ...copied, remote: up(memberState(0, { slots: [slot] })) }));
    expect(step).toMatchObject({
      kind: 'join',
      pair: PAIR,
      change: { copies: [copyOf(0), copyOf(1)], epoch: 2 },
    });
  });

  test('a member that was taken out of the record but has rows of its own is merged, not overwritten', () => {
    const theirs = {
      name: subscriptionFrom(SYSTEMS[0]),
      enabled: true,
      running: true,
      tables: ['space.alarm'],
      pending: 0,
    };
    const seen = observation({
      local: up(memberState(0, { subscriptions: [] })),
      remote: up(memberState(1, { subscriptions: [theirs] })),
      record: pairRecord([copyOf(0)]),
    });
    expect(decide(seen)).toEqual({ kind: 'subscribe', publisher: SYSTEMS[1], copyData: true });
  });
});

describe('serving (P2)', () => {
  const restarted = { local: up(memberState(0, { admitted: false })), caughtUp: false };

  test.each<[string, Partial<Observation>, Partial<Step>]>([
    ['waits to catch up', {}, { kind: 'settled' }],
    ['is admitted when it has', { caughtUp: true }, { kind: 'admit', solo: false }],
    ['waits for a peer that does not answer', { remote: absent, peerAwayMs: 59_999 }, { kind: 'wait' }],
    ['serves alone after soloAfter', { remote: absent, peerAwayMs: 60_000 }, { kind: 'admit', solo: true }],
    [
      'serves at once when it is the only copy',
      { remote: absent, record: pairRecord([copyOf(0)]) },
      { kind: 'admit', solo: false },
    ],
  ])('after a restart a member %s', (_, change, expected) => {
    const seen = observation({ ...restarted, ...change });
    expect(decide(seen)).toMatchObject(expected);
    expect(serves(seen)).toBe(false);
  });

  test('with the API server away a member is what it was', () => {
    expect(serves(observation({ record: undefined }))).toBe(true);
    expect(told(decide(observation({ record: undefined })))).toBe('settled');
  });

  test('a member that is no copy serves nobody, whatever it was before', () => {
    expect(serves(observation({ record: pairRecord([copyOf(1)]) }))).toBe(false);
  });
});
