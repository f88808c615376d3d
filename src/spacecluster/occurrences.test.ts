// An Event tells that a condition turned, which way, and whether that is good.
import { describe, expect, it } from '@jest/globals';
import type { Condition } from '../api/v1alpha1/index.ts';
import { occurrences } from './occurrences.ts';

const condition = (type: string, status: Condition['status'], message = ''): Condition => ({
  type,
  status,
  reason: 'Because',
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

describe('occurrences', () => {
  it.each([
    ['MySQLReady', 'True', 'False', 'Warning'],
    ['MySQLReady', 'False', 'True', 'Normal'],
    ['Stalled', 'False', 'True', 'Warning'],
    ['Stalled', 'True', 'False', 'Normal'],
  ] as const)('%s from %s to %s is %s', (type, from, to, kind) => {
    const told = occurrences([condition(type, from)], [condition(type, to, 'a message')]);
    expect(told).toEqual([
      { type: kind, reason: 'Because', action: 'Reconcile', note: `${type} is now ${to}: a message` },
    ]);
  });

  it('tells nothing of the first status, of what stayed, and of work under way', () => {
    expect(occurrences(undefined, [condition('Ready', 'False')])).toEqual([]);
    expect(occurrences([condition('Ready', 'True')], [condition('Ready', 'True', 'other')])).toEqual([]);
    expect(occurrences([condition('Reconciling', 'False')], [condition('Reconciling', 'True')])).toEqual([]);
  });
});
