import { describe, expect, it } from '@jest/globals';
import {
  CONDITION_TYPES,
  SERVING_CONDITIONS,
  findCondition,
  isTrue,
  kstatus,
  serving,
  setCondition,
  setConditions,
} from './conditions.ts';
import type { Statement } from './conditions.ts';

const EARLY = '2026-01-01T00:00:00Z';
const LATE = '2026-01-02T00:00:00Z';

function statement(type: Statement['type'], status: Statement['status'], message = ''): Statement {
  return { type, status, reason: 'Because', message };
}

describe('setCondition', () => {
  it('moves the transition time only when the status changes', () => {
    const first = setCondition(undefined, statement('Ready', 'False', 'a'), EARLY);
    const reworded = setCondition(first, statement('Ready', 'False', 'b'), LATE);
    expect(findCondition(reworded, 'Ready')).toMatchObject({ message: 'b', lastTransitionTime: EARLY });
    const changed = setCondition(reworded, statement('Ready', 'True'), LATE);
    expect(findCondition(changed, 'Ready')?.lastTransitionTime).toBe(LATE);
  });

  it('gives an equal list when the same is stated again (R1)', () => {
    const once = setConditions([], [statement('Ready', 'True'), statement('Paused', 'False')], EARLY);
    expect(setConditions(once, [statement('Paused', 'False'), statement('Ready', 'True')], LATE)).toEqual(
      once,
    );
  });

  it('keeps the order of the catalogue, and strangers at the end', () => {
    const strange = { ...statement('Ready', 'True'), type: 'Strange', lastTransitionTime: EARLY };
    const list = setConditions(
      [strange],
      CONDITION_TYPES.toReversed().map((type) => statement(type, 'True')),
      EARLY,
    );
    expect(list.map(({ type }) => type)).toEqual([...CONDITION_TYPES, 'Strange']);
  });
});

describe('serving', () => {
  const all = setConditions(
    [],
    SERVING_CONDITIONS.map((type) => statement(type, 'True')),
    EARLY,
  );

  it('is True when every part is', () => {
    expect(serving(all)).toMatchObject({ status: 'True', reason: 'Serving' });
    expect(isTrue(all, 'MySQLReady')).toBe(true);
  });

  it('names the first part that does not serve', () => {
    const broken = setCondition(all, statement('CassandraReady', 'False', '2 of 3 members'), EARLY);
    expect(serving(broken)).toEqual({
      status: 'False',
      reason: 'Because',
      message: 'CassandraReady: 2 of 3 members',
    });
  });

  it('is Unknown before every part was seen', () => {
    expect(serving([])).toMatchObject({ status: 'Unknown', reason: 'NotSeenYet' });
  });
});

describe('kstatus', () => {
  const up = { status: 'True', reason: 'Serving', message: 'all parts serve' } as const;

  it.each([
    [{ kind: 'settled' } as const, 'False', 'False'],
    [{ kind: 'working', reason: 'Scaling', message: 'm' } as const, 'True', 'False'],
    [{ kind: 'stalled', reason: 'VIPTaken', message: 'm' } as const, 'False', 'True'],
  ])('%j', (progress, reconciling, stalled) => {
    const list = setConditions([], kstatus(up, progress, 7), EARLY);
    expect(findCondition(list, 'Reconciling')?.status).toBe(reconciling);
    expect(findCondition(list, 'Stalled')?.status).toBe(stalled);
    expect(findCondition(list, 'Ready')?.status).toBe('True');
    expect(list.every(({ observedGeneration }) => observedGeneration === 7)).toBe(true);
  });
});
