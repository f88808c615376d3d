import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { EventBudget } from './event-budget.ts';

const MINUTE = 60_000;

describe('EventBudget', () => {
  it('counts repeats on the first Event, at most once a minute', () => {
    const budget = new EventBudget();
    expect(budget.decide('o', 'k', 'n1', 0)).toEqual({ kind: 'create' });
    expect(budget.decide('o', 'k', 'n2', 1_000)).toEqual({ kind: 'drop' });
    expect(budget.decide('o', 'k', 'n3', MINUTE)).toEqual({ kind: 'count', name: 'n1', count: 3 });
    expect(budget.decide('o', 'k', 'n4', MINUTE + 1)).toEqual({ kind: 'drop' });
    expect(budget.decide('o', 'k', 'n5', 3 * MINUTE)).toEqual({ kind: 'count', name: 'n1', count: 5 });
  });

  it('begins anew after ten quiet minutes, or when the Event is gone', () => {
    const budget = new EventBudget();
    budget.decide('o', 'k', 'n1', 0);
    expect(budget.decide('o', 'k', 'n2', 10 * MINUTE + 1)).toEqual({ kind: 'create' });
    budget.forget('k');
    expect(budget.decide('o', 'k', 'n3', 11 * MINUTE)).toEqual({ kind: 'create' });
  });

  it('lets one object make 25 Events at once, then one a minute, and leaves others alone', () => {
    const budget = new EventBudget();
    const made = (object: string, from: number, to: number, now: number): number => {
      let count = 0;
      for (let i = from; i < to; i += 1) {
        if (budget.decide(object, `${object}${i}`, 'n', now).kind === 'create') count += 1;
      }
      return count;
    };
    expect(made('o', 0, 100, 0)).toBe(25);
    expect(made('p', 0, 10, 0)).toBe(10);
    expect(made('o', 100, 200, 3 * MINUTE + 5)).toBe(3);
  });

  it('never writes more than the bound, whatever happens', () => {
    const call = fc.record({ key: fc.nat({ max: 5 }), pause: fc.nat({ max: 20_000 }) });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 300 }), (calls) => {
        const budget = new EventBudget();
        let now = 0;
        let writes = 0;
        for (const { key, pause } of calls) {
          now += pause;
          if (budget.decide('o', String(key), 'n', now).kind !== 'drop') writes += 1;
        }
        expect(writes).toBeLessThanOrEqual(6 + (6 * now) / MINUTE);
      }),
    );
  });
});
