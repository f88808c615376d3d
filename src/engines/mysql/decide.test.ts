// The decider, case by case: the first start and the taking. Each row is a rule of the design or a schedule that broke a naive one.
import { describe, expect, it } from '@jest/globals';
import type { RoleRecord } from '../../agent/role-record.ts';
import { decide } from './decide.ts';
import type { EngineState, RunningEngine } from './member-state.ts';
import { A, copyA, copyB, EMPTY, HELD, CLOSED, FOLLOWING, VIEW, OTHER, table } from './testing.ts';
import type { View } from './view.ts';

const first = { record: EMPTY, engine: { kind: 'empty' } as EngineState, peer: undefined };

describe('the first start', () => {
  table([
    ['ordinal 0 claims, before there are data', { ...VIEW, ...first, initialised: false }, 'write claim'],
    ['not when it was initialised before (M2)', { ...VIEW, ...first, initialised: true }, 'wait'],
    ['not while that is unknown', { ...VIEW, ...first, initialised: undefined }, 'wait'],
    ['not over data that are there', { ...VIEW, ...first, initialised: false, engine: CLOSED }, 'wait'],
    ['not without a heartbeat', { ...VIEW, ...first, initialised: false, certain: false }, 'wait'],
    [
      'ordinal 1 only makes a server to clone into',
      { ...VIEW, ...first, ordinal: 1, member: 'm-1', self: 'm-1/u' },
      'initialize',
    ],
  ]);

  it('makes exactly the data directory that was claimed, also after a crash in between', () => {
    const claimed: RoleRecord = { ...EMPTY, holder: 'm-0/u', epoch: 1, phase: 'promoting', copies: [copyA] };
    expect(decide({ ...VIEW, record: claimed, engine: { kind: 'empty' } })).toEqual({
      kind: 'initialize',
      datadir: 'data-a',
      serverUuid: A,
    });
  });
});

describe('taking the role', () => {
  const vacant = { ...HELD, holder: undefined };
  table([
    ['when nobody holds it', { ...OTHER, record: vacant }, 'write take'],
    ['when the holder is dead', { ...OTHER, holderDead: true }, 'write take'],
    ['not while the holder lives', OTHER, 'wait'],
    ['not from an empty volume (M3)', { ...OTHER, record: vacant, engine: { kind: 'empty' } }, 'initialize'],
    [
      'not with another data directory than the recorded one (M2)',
      { ...OTHER, record: vacant, engine: { ...CLOSED, datadir: 'data-z' } },
      'wait',
    ],
    ['not when only the other is recorded', { ...OTHER, record: { ...vacant, copies: [copyB] } }, 'wait'],
    ['not without an own heartbeat', { ...OTHER, record: vacant, certain: false }, 'wait'],
    ['not against a promise', { ...OTHER, holderDead: true, promised: true }, 'wait'],
    [
      'not over a record the watch has not shown (M4)',
      { ...OTHER, holderDead: true, recordOnWatch: false },
      'wait',
    ],
    ['not right after an own release', { ...OTHER, record: vacant, refrain: true }, 'wait'],
    [
      'right after an own release if there is no other copy',
      { ...OTHER, record: { ...vacant, copies: [copyA] }, refrain: true },
      'write take',
    ],
    ['not when what was received cannot be applied', failing({ record: vacant }), 'wait'],
    [
      'not while it is being stopped',
      { ...OTHER, record: vacant, stopping: true, durability: 'Required' },
      'stop-replica',
    ],
  ]);

  function failing(change: Partial<View>): View {
    const engine = OTHER.engine as RunningEngine;
    return {
      ...OTHER,
      ...change,
      engine: { ...engine, replica: { ...FOLLOWING, sqlError: 'duplicate key' } },
    };
  }
});
