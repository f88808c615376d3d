import { describe, expect, test } from '@jest/globals';
import { mayTryAgain, remember, startHistory } from './history.ts';
import type { History } from './history.ts';
import { CLOSED, OPEN } from './testing.ts';
import type { RunningEngine } from './member-state.ts';

type Look = readonly [engine: RunningEngine, counted: boolean];

/** A look a second. */
function seen(looks: readonly Look[]): History {
  return looks.reduce<History>(
    (history, [engine, counted], index) => remember(history, engine, counted, index * 1_000),
    startHistory(0),
  );
}

const trial: RunningEngine = OPEN;
const relaxed: RunningEngine = { ...OPEN, semiSync: { ...OPEN.semiSync, on: false } };

describe('how often a standby was lost', () => {
  test.each<{ name: string; looks: readonly Look[]; count: number }>([
    {
      name: 'it leaves the record of an open primary',
      looks: [
        [OPEN, true],
        [OPEN, false],
      ],
      count: 1,
    },
    {
      name: 'its trial fails',
      looks: [
        [trial, false],
        [relaxed, false],
      ],
      count: 1,
    },
    {
      name: 'its trial ends in the record',
      looks: [
        [trial, false],
        [trial, true],
      ],
      count: 0,
    },
    {
      name: 'this member takes the role over, and is recorded alone before it opens',
      looks: [
        [CLOSED, true],
        [CLOSED, false],
        [relaxed, false],
      ],
      count: 0,
    },
  ])('$name: $count', ({ looks, count }) => {
    expect(seen(looks).losses.count).toBe(count);
  });

  test('each time it is tried again twice as late, a minute at most', () => {
    const pause = (count: number): number => {
      const history = { ...startHistory(0), losses: { count, at: 0 } };
      return [0, 1_001, 2_001, 4_001, 60_001].find((now) => mayTryAgain(history, now)) ?? Number.NaN;
    };
    expect([0, 1, 2, 3, 20].map(pause)).toEqual([0, 1_001, 2_001, 4_001, 60_001]);
  });
});
