// What people ask for, and what they are told when nothing else helps: a forced role, a standby made anew, the note of a move.
import { describe, expect, it } from '@jest/globals';
import { lossToken } from '../../agent/role-notes.ts';
import type { Handover } from '../../agent/role-notes.ts';
import type { RoleRecord } from '../../agent/role-record.ts';
import { decide } from './decide.ts';
import type { RunningEngine } from './member-state.ts';
import {
  A,
  ALONE,
  B,
  CLOSED,
  copyA,
  copyB,
  FOLLOWING,
  HELD,
  OPEN,
  OTHER,
  short,
  standbyWith,
  table,
  VIEW,
} from './testing.ts';
import type { Step, View } from './view.ts';

function changeOf(step: Step): unknown {
  return step.kind === 'write' ? step.change : undefined;
}

const engine = OTHER.engine as RunningEngine;
/** Only member 1 is recorded, and it is gone; this is member 0, which was withdrawn before. */
const LOST: RoleRecord = { ...HELD, holder: 'm-1/u', copies: [copyB] };
const STRANDED: View = {
  ...OTHER,
  record: LOST,
  holderDead: true,
  peer: undefined,
  unheldMs: 60_000,
  upTo: '2026-11-22T20:00:00Z',
};
const FORCED: View = { ...STRANDED, force: lossToken(LOST, 'm-0') };

describe('no recorded copy takes the role', () => {
  table([
    ['says what it has', STRANDED, 'write strand'],
    ['not before a copy had the time to come up', { ...STRANDED, unheldMs: 5_000 }, 'wait'],
    ['not while the holder lives', { ...STRANDED, holderDead: false }, 'wait'],
    ['not without an own heartbeat', { ...STRANDED, certain: false }, 'wait'],
    ['not over a record the watch has not shown', { ...STRANDED, recordOnWatch: false }, 'wait'],
    [
      'not while the recorded copy runs, by its own word',
      { ...STRANDED, peer: standbyWith({ replica: undefined }) },
      'wait',
    ],
    [
      'a recorded copy takes the role',
      { ...STRANDED, record: { ...LOST, copies: [copyA, copyB] } },
      'write take',
    ],
  ]);

  it('beside the other’s word, once, and leaves the role to whoever comes back', () => {
    const other = { member: 'm-1', upTo: '' };
    const told = { ...LOST, holder: undefined, notes: { stranded: [other] } };
    const own = { member: 'm-0', upTo: STRANDED.upTo };
    expect(changeOf(decide({ ...STRANDED, record: told }))).toEqual({
      holder: null,
      notes: { stranded: [other, own] },
    });
    const both = { ...told, notes: { stranded: [other, own] } };
    expect(short(decide({ ...STRANDED, record: both }))).toBe('wait');
    const back = decide({ ...STRANDED, record: { ...both, copies: [copyA] } });
    expect(changeOf(back)).toMatchObject({ holder: 'm-0/u', notes: { stranded: [] } });
  });
});

describe('the role is forced', () => {
  it('onto this member alone, by the next epoch, and never again by the same token', () => {
    const change = changeOf(decide(FORCED));
    expect(change).toEqual({
      holder: 'm-0/u',
      epoch: 4,
      phase: 'promoting',
      copies: [copyA],
      notes: { forced: FORCED.force, stranded: [] },
    });
    const later = { ...FORCED, record: { ...LOST, epoch: 5 } };
    expect(short(decide(later))).toBe('write strand');
  });

  table([
    ['not by another token', { ...FORCED, force: 'abc' }, 'write strand'],
    ['not by the token of the other member', { ...FORCED, force: lossToken(LOST, 'm-1') }, 'write strand'],
    ['not while the holder lives', { ...FORCED, holderDead: false }, 'wait'],
    ['not while the recorded copy runs', { ...FORCED, peer: standbyWith({ replica: undefined }) }, 'wait'],
    ['not against a promise', { ...FORCED, promised: true }, 'wait'],
    ['not while it is being stopped', { ...FORCED, stopping: true }, 'stop-replica'],
    [
      'what cannot be applied is given up with it',
      { ...FORCED, engine: { ...engine, replica: { ...FOLLOWING, sqlError: 'duplicate key' } } },
      'forget-source',
    ],
  ]);

  it('goes on as any taking does: nothing more comes in, what was received is applied', () => {
    const record = { ...LOST, holder: 'm-0/u', epoch: 4, phase: 'promoting', copies: [copyA] } as const;
    expect(short(decide({ ...FORCED, record }))).toBe('stop-receiving');
  });
});

describe('after the role was forced', () => {
  const record: RoleRecord = { ...ALONE, holder: 'm-1/u', copies: [copyB], notes: { forced: 'abc' } };
  const errant: View = {
    ...OTHER,
    record,
    engine: { ...CLOSED, executed: `${A}:1-20,${B}:1-4` },
  };
  table([
    ['what only this member has is kept (M9, counterexample 12)', errant, 'wait'],
    [
      'it goes when replace-member asked',
      { ...errant, record: { ...record, notes: { forced: 'abc', condemned: 'data-a' } } },
      'clone',
    ],
    ['without it, it is saved and cloned', { ...errant, record: { ...record, notes: {} } }, 'clone'],
    ['an empty member is cloned', { ...errant, engine: { ...CLOSED, executed: '' } }, 'clone'],
  ]);

  it('it is over when a standby is in sync', () => {
    const view: View = {
      ...VIEW,
      record: { ...ALONE, notes: { forced: 'abc' } },
      history: { ...VIEW.history, counted: false, trial: { at: 0, acknowledged: 3 }, last: OPEN },
    };
    expect(changeOf(decide(view))).toEqual({ copies: [copyA, copyB], notes: { forced: '' } });
  });
});

describe('a member is made anew', () => {
  const asked: View = { ...VIEW, replace: 'm-1' };
  table([
    ['the standby leaves the record', asked, 'write condemn'],
    ['once', { ...asked, record: { ...HELD, notes: { replaced: 'm-1' } } }, 'wait'],
    ['the primary is refused', { ...VIEW, replace: 'm-0' }, 'write refuse'],
    [
      'the annotation’s removal arms the next',
      { ...VIEW, record: { ...HELD, notes: { replaced: 'm-1' } } },
      'write rearm',
    ],
    ['not while its agent does not say what is to go', { ...asked, peer: undefined }, 'wait'],
    ['not without an own heartbeat', { ...asked, certain: false }, 'wait'],
    ['not before the role is proven (M11)', { ...asked, proven: false, certain: false }, 'wait'],
  ]);

  it('its data directory is named, so that no other goes', () => {
    expect(changeOf(decide(asked))).toEqual({
      copies: [copyA],
      notes: { replaced: 'm-1', condemned: 'data-b' },
    });
  });

  const gone: RoleRecord = { ...ALONE, holder: 'm-1/u', copies: [copyB], notes: { condemned: 'data-a' } };
  const standby: View = { ...OTHER, record: gone };
  const stopped = { ...engine, replica: { ...FOLLOWING, io: 'off', sql: false } } as const;
  table([
    ['the standby ends replication', standby, 'stop-replica'],
    ['and is cloned', { ...standby, engine: stopped }, 'clone'],
    [
      'while it is still recorded it stays',
      { ...standby, record: { ...gone, copies: [copyA, copyB] }, engine: stopped },
      'follow',
    ],
    ['another data directory stays', { ...standby, engine: { ...engine, datadir: 'data-new' } }, 'wait'],
    [
      'a condemned one is never recorded again',
      {
        ...VIEW,
        record: { ...ALONE, notes: { condemned: 'data-b' } },
        history: { ...VIEW.history, counted: false, trial: { at: 0, acknowledged: 3 }, last: OPEN },
      },
      'semi-sync off',
    ],
  ]);
});

describe('a hand-over is noted', () => {
  const handover: Handover = {
    epoch: 3,
    at: '2026-11-22T20:00:00Z',
    reason: 'why',
    from: 'm-1',
    to: 'm-0',
    detectMs: 1,
    promoteMs: 2,
    routeMs: 3,
  };
  table([
    ['once it is over', { ...VIEW, handover }, 'write note'],
    ['once', { ...VIEW, handover, record: { ...HELD, notes: { handover } } }, 'wait'],
    ['of this epoch only', { ...VIEW, handover: { ...handover, epoch: 2 } }, 'wait'],
    ['it holds up nothing', { ...VIEW, handover, certain: false }, 'wait'],
  ]);

  it('with the reason why the last holder gave the role up', () => {
    const step = decide({ ...VIEW, handingOver: 'it was asked', engine: CLOSED, published: false });
    expect(changeOf(step)).toMatchObject({ holder: null, notes: { released: 'it was asked' } });
  });
});
