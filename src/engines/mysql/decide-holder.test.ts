// The decider, case by case, for the member that holds the role, from its promotion until it gives the role up.
import { describe, expect, it } from '@jest/globals';
import { decide } from './decide.ts';
import { startHistory } from './history.ts';
import type { RunningEngine } from './member-state.ts';
import {
  A,
  B,
  NOW,
  copyA,
  copyB,
  HELD,
  ALONE,
  CLOSED,
  OPEN,
  FOLLOWING,
  STANDBY,
  standbyWith,
  VIEW,
  OTHER,
  table,
} from './testing.ts';
import type { View } from './view.ts';

describe('a promotion', () => {
  const promoting: View = {
    ...OTHER,
    record: { ...HELD, phase: 'promoting' },
    peer: undefined,
  };
  const engine = promoting.engine as RunningEngine;
  const replica = engine.replica ?? FOLLOWING;
  const stopped = { ...replica, io: 'off' as const };
  table([
    ['ends a clone first', { ...promoting, job: 'clone' }, 'end-clone'],
    ['stops receiving', promoting, 'stop-receiving'],
    [
      'applies what was received',
      { ...promoting, engine: { ...engine, replica: { ...stopped, sql: false, retrieved: `${B}:1-5` } } },
      'start-applying',
    ],
    [
      'waits until it is applied',
      {
        ...promoting,
        history: { ...VIEW.history, appliedAt: NOW },
        engine: { ...engine, replica: { ...stopped, retrieved: `${B}:1-5` } },
      },
      'wait',
    ],
    [
      'releases when it does not get on',
      { ...promoting, engine: { ...engine, replica: { ...stopped, retrieved: `${B}:1-5` } } },
      'write release',
    ],
    [
      'releases when it cannot apply (counterexample 8)',
      {
        ...promoting,
        engine: { ...engine, replica: { ...stopped, retrieved: `${B}:1-5`, sqlError: 'broken' } },
      },
      'write release',
    ],
    [
      'then writes itself as the one copy',
      { ...promoting, engine: { ...engine, replica: stopped } },
      'write open',
    ],
    [
      'not without a heartbeat',
      { ...promoting, certain: false, engine: { ...engine, replica: stopped } },
      'wait',
    ],
    [
      'releases when its mysqld ended and another has the data',
      { ...promoting, engine: { kind: 'down', datadir: 'data-a' }, peer: STANDBY },
      'write release',
    ],
  ]);
});

const STARTING = { kind: 'starting', datadir: 'data-a', closed: true } as const;
const MAYBE_OPEN = { ...STARTING, closed: false };

describe('opening', () => {
  const reopened: View = { ...VIEW, engine: CLOSED, record: ALONE, peer: undefined, published: false };
  const gone = { ...VIEW.history, alone: 0, since: 0 };
  table([
    ['alone in the record it opens', reopened, 'open'],
    ['only after a confirmed write (M11)', { ...reopened, proven: false }, 'write prove'],
    ['which needs a heartbeat', { ...reopened, proven: false, certain: false }, 'wait'],
    ['not without a permit', { ...reopened, permitted: false }, 'wait'],
    [
      'does not wait until its source is forgotten',
      { ...reopened, engine: { ...CLOSED, replica: { ...FOLLOWING, io: 'off', sql: false } } },
      'open',
    ],
    [
      'never while it receives (M4)',
      { ...reopened, engine: { ...CLOSED, replica: { ...FOLLOWING, io: 'connecting' } } },
      'stop-receiving',
    ],
    [
      'never with the relay log unapplied (M10)',
      {
        ...reopened,
        engine: { ...CLOSED, replica: { ...FOLLOWING, io: 'off', sql: false, retrieved: `${A}:10` } },
      },
      'start-applying',
    ],
    ['with a recorded standby semi-sync goes on before (M5)', { ...VIEW, engine: CLOSED }, 'semi-sync on'],
    [
      'a write that may have landed counts (counterexample 5)',
      { ...reopened, pending: [{ kind: 'admit', base: '1', copies: [copyA, copyB] }] },
      'semi-sync on',
    ],
    [
      'waits until the standby has what was recovered (M6)',
      {
        ...VIEW,
        history: { ...VIEW.history, since: NOW },
        engine: { ...CLOSED, executed: `${A}:1-10`, semiSync: OPEN.semiSync },
      },
      'wait',
    ],
    [
      'opens once the standby has it',
      { ...VIEW, history: { ...VIEW.history, since: NOW }, engine: { ...CLOSED, semiSync: OPEN.semiSync } },
      'open',
    ],
    [
      'withdraws a standby that does not come back',
      {
        ...VIEW,
        history: gone,
        peer: undefined,
        engine: { ...CLOSED, semiSync: { ...OPEN.semiSync, clients: 0 } },
      },
      'write withdraw',
    ],
    [
      'but never under Required',
      {
        ...VIEW,
        durability: 'Required',
        history: gone,
        peer: undefined,
        engine: { ...CLOSED, semiSync: { ...OPEN.semiSync, clients: 0 } },
      },
      'wait',
    ],
    [
      'releases with data that are not the recorded ones (M3)',
      { ...VIEW, published: false, engine: { ...CLOSED, datadir: 'data-z' } },
      'write release',
    ],
    [
      'releases when its data are gone (counterexample 33)',
      { ...VIEW, engine: { kind: 'empty' } },
      'write release',
    ],
  ]);
});

describe('serving', () => {
  const lost = { ...VIEW.history, alone: 0 };
  const stalled = { ...VIEW.history, stalled: 0 };
  const waiting: RunningEngine = { ...OPEN, semiSync: { ...OPEN.semiSync, waiting: 2 } };
  const trial = { ...VIEW.history, counted: false, trial: { at: NOW - 500, acknowledged: 6 } };
  const caughtUp = { ...startHistory(0), run: '1', momentAgo: `${A}:1-9` };
  const asynchronous: RunningEngine = { ...OPEN, semiSync: { ...OPEN.semiSync, on: false } };
  table(
    [
      ['with all in order there is nothing to do', VIEW, 'wait'],
      [
        'users and schema come before clients',
        { ...VIEW, provisioned: false, record: ALONE, engine: { ...asynchronous, online: false } },
        'provision',
      ],
      ['then clients are let in', { ...VIEW, engine: { ...OPEN, online: false } }, 'let-in'],
      [
        'its source is forgotten once clients are routed here',
        { ...VIEW, engine: { ...OPEN, replica: { ...FOLLOWING, io: 'off', sql: false } } },
        'forget-source',
      ],
      [
        'and not before',
        { ...VIEW, published: false, engine: { ...OPEN, replica: { ...FOLLOWING, io: 'off', sql: false } } },
        'wait',
      ],
      ['a lost standby is withdrawn', { ...VIEW, history: lost, peer: undefined }, 'write withdraw'],
      [
        'not at the first blink',
        { ...VIEW, history: { ...VIEW.history, alone: NOW - 500 }, peer: undefined },
        'wait',
      ],
      [
        'one that does not acknowledge too (M8)',
        { ...VIEW, history: stalled, engine: waiting },
        'write withdraw',
      ],
      [
        'one that cannot apply too',
        { ...VIEW, peer: standbyWith({ replica: { ...FOLLOWING, sqlError: 'x' } }) },
        'write withdraw',
      ],
      ['one that is being stopped too', { ...VIEW, peer: { ...STANDBY, stopping: true } }, 'write withdraw'],
      [
        'under Required it hands over to a healthy standby instead',
        { ...VIEW, durability: 'Required', history: stalled, engine: waiting },
        'hand-over',
      ],
      ['and else waits', { ...VIEW, durability: 'Required', history: lost, peer: undefined }, 'wait'],
      [
        'semi-sync is relaxed only when the record says that it may be',
        { ...VIEW, record: ALONE, peer: undefined },
        'semi-sync off',
      ],
      [
        'not while a withdrawal is of unknown outcome',
        {
          ...VIEW,
          peer: undefined,
          history: lost,
          pending: [{ kind: 'withdraw', base: '1', copies: [copyA] }],
        },
        'write withdraw',
      ],
      [
        'not before the role is proven (M11)',
        { ...VIEW, record: ALONE, peer: undefined, proven: false, certain: false },
        'wait',
      ],
      [
        'a standby that has caught up is tried',
        { ...VIEW, record: ALONE, engine: asynchronous, history: caughtUp },
        'semi-sync on',
      ],
      [
        'not one that is behind',
        { ...VIEW, record: ALONE, engine: asynchronous, history: { ...caughtUp, momentAgo: `${A}:1-12` } },
        'wait',
      ],
      [
        'not one that has just been lost',
        {
          ...VIEW,
          record: ALONE,
          engine: asynchronous,
          history: { ...caughtUp, losses: { count: 5, at: NOW - 9_000 } },
        },
        'wait',
      ],
      [
        'it is recorded once it has acknowledged (M5)',
        { ...VIEW, record: ALONE, history: trial },
        'write admit',
      ],
      [
        'not by acknowledgements from before',
        { ...VIEW, record: ALONE, history: { ...trial, trial: { at: NOW - 500, acknowledged: 7 } } },
        'wait',
      ],
      [
        'not when it does not apply',
        {
          ...VIEW,
          record: ALONE,
          history: trial,
          peer: standbyWith({ replica: { ...FOLLOWING, sql: false } }),
        },
        'semi-sync off',
      ],
      [
        'not without an own heartbeat (M11)',
        { ...VIEW, record: ALONE, history: trial, certain: false },
        'wait',
      ],
      [
        'a trial without an answer ends',
        { ...VIEW, record: ALONE, history: { ...trial, trial: { at: NOW - 5_000, acknowledged: 7 } } },
        'semi-sync off',
      ],
      [
        'a recorded member on another data directory is recorded anew',
        { ...VIEW, history: { ...trial }, peer: standbyWith({ datadir: 'data-n' }) },
        'write admit',
      ],
      ['old directories go', { ...VIEW, leftovers: ['data-old'] }, 'remove'],
    ].map(
      ([what, view, step]) =>
        [what, { ...(view as View), history: withLast((view as View).history) }, step] as [
          string,
          View,
          string,
        ],
    ),
  );

  function withLast(history: View['history']): View['history'] {
    return { ...history, last: OPEN };
  }
});

function hung(ms: number): View {
  return {
    ...VIEW,
    engine: { kind: 'unknown', why: 'no answer' },
    history: { ...VIEW.history, silent: NOW - ms },
  };
}

describe('giving the role up', () => {
  const leftAlone = (alone: number): View => ({
    ...OTHER,
    engine: { ...(OTHER.engine as RunningEngine), semiSync: { ...OPEN.semiSync, clients: 0 } },
    history: { ...OTHER.history, alone },
  });
  table([
    ['the other one having taken it, it closes (L1)', { ...OTHER, engine: OPEN }, 'fence'],
    ['a pod that ends closes first', { ...VIEW, stopping: true }, 'close'],
    [
      'one that was primary cuts its standby off',
      { ...OTHER, engine: { ...(OTHER.engine as RunningEngine), semiSync: OPEN.semiSync } },
      'stop-sending',
    ],
    ['and then applies without waiting for acknowledgements', leftAlone(NOW - 1_100), 'semi-sync off'],
    ['not before that takes but a moment', leftAlone(NOW - 1_000), 'wait'],
    [
      'nor before the new primary is open',
      { ...leftAlone(0), record: { ...HELD, holder: 'm-1/u', phase: 'promoting' } },
      'wait',
    ],
    ['then empties the record', { ...VIEW, stopping: true, engine: CLOSED }, 'write release'],
    [
      'when nothing is known of mysqld it is closed for certain',
      { ...VIEW, stopping: true, engine: { kind: 'unknown', why: '' } },
      'fence',
    ],
    ['a server that hangs is closed, so that the standby goes on', hung(3_001), 'fence'],
    ['not at once', hung(2_900), 'wait'],
    ['and not where nobody could go on', { ...hung(60_000), peer: undefined }, 'wait'],
    [
      'a crash leaves the role to a standby that can take over',
      { ...VIEW, engine: { kind: 'down', datadir: 'data-a' } },
      'write release',
    ],
    [
      'else mysqld is awaited',
      { ...VIEW, peer: undefined, engine: { kind: 'down', datadir: 'data-a' } },
      'wait',
    ],
    ['so does a crash that was seen too late', { ...VIEW, engine: STARTING }, 'write release'],
    ['else its recovery is awaited', { ...VIEW, peer: undefined, engine: STARTING }, 'wait'],
    ['what an earlier agent may have opened is not left', { ...VIEW, engine: MAYBE_OPEN }, 'wait'],
    ['it is killed first (L1)', { ...VIEW, stopping: true, engine: MAYBE_OPEN }, 'fence'],
    [
      'so it is when the standby may not be recorded',
      {
        ...VIEW,
        pending: [{ kind: 'withdraw', base: '1', copies: [copyA] }],
        engine: { kind: 'down', datadir: 'data-a' },
      },
      'wait',
    ],
    ['a switchover is asked for', { ...VIEW, asked: 'mysql' }, 'hand-over'],
    ['once', { ...VIEW, asked: 'mysql', record: { ...HELD, switchover: 'mysql' } }, 'wait'],
    [
      'and again after the annotation was gone',
      { ...VIEW, record: { ...HELD, switchover: 'mysql' } },
      'write rearm',
    ],
    ['not to a standby that is not in step', { ...VIEW, asked: 'mysql', peer: undefined }, 'wait'],
    ['a standby that ends stays until it is withdrawn', { ...OTHER, stopping: true }, 'wait'],
    [
      'and then stops replicating',
      { ...OTHER, stopping: true, record: { ...HELD, holder: 'm-1/u', copies: [copyB] } },
      'stop-replica',
    ],
  ]);

  it('remembers the switchover in the very write that releases', () => {
    const view = { ...VIEW, asked: 'mysql', handingOver: 'asked', engine: CLOSED, published: false };
    expect(decide(view)).toMatchObject({ change: { holder: null, switchover: 'mysql' } });
  });
});

describe('a password is rotated', () => {
  table([
    ['the open primary gives users the new one', { ...VIEW, provisioned: false }, 'provision'],
    [
      'not while it would wait for a standby that is not in step',
      { ...VIEW, provisioned: false, peer: undefined },
      'wait',
    ],
    ['the old one goes later', { ...VIEW, retire: true }, 'retire'],
    ['not while that would wait', { ...VIEW, retire: true, peer: undefined }, 'wait'],
  ]);
});
