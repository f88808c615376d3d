import { describe, expect, test } from '@jest/globals';
import { outage, startPace, step, timingOf } from './timing.ts';
import type { Level, Pace, Profile } from './timing.ts';

function run(pace: Pace, profile: Profile, latencies: readonly number[], start = 0, everyMs = 500): Pace {
  return latencies.reduce((at, latency, index) => step(at, profile, latency, start + index * everyMs), pace);
}

describe('profiles', () => {
  test.each<Level>(['Fast', 'Safe', 'Relaxed'])('%s leaves time to fence and to retry', (level) => {
    for (const beat of ['candidate', 'member'] as const) {
      const { durationMs, renewDeadlineMs, periodMs } = timingOf(level, beat);
      expect(durationMs % 1_000).toBe(0);
      expect(durationMs).toBeGreaterThan(2_000);
      expect(durationMs - renewDeadlineMs).toBeGreaterThanOrEqual(1_000);
      expect(renewDeadlineMs).toBeGreaterThanOrEqual(2 * periodMs);
    }
  });
});

describe('Auto', () => {
  const quick: readonly number[] = Array.from({ length: 200 }, () => 20);
  const slow: readonly number[] = Array.from({ length: 20 }, () => 600);

  test('begins fast, and stays so while renewals are quick', () => {
    expect(run(startPace('Auto'), 'Auto', quick).level).toBe('Fast');
  });

  test('one slow renewal in a hundred or fewer is forgiven, two are not', () => {
    expect(run(startPace('Auto'), 'Auto', [600, ...quick.slice(0, 30)]).level).toBe('Fast');
    expect(run(startPace('Auto'), 'Auto', [600, 600, ...quick.slice(0, 30)]).level).toBe('Safe');
    const hundred = quick.slice(0, 99);
    expect(run(startPace('Auto'), 'Auto', [...hundred, 600]).level).toBe('Fast');
    expect(run(startPace('Auto'), 'Auto', [...hundred, 600, 600]).level).toBe('Safe');
  });

  test('believes the second slow one also among the first', () => {
    expect(run(startPace('Auto'), 'Auto', [600]).level).toBe('Fast');
    expect(run(startPace('Auto'), 'Auto', [600, 600]).level).toBe('Safe');
  });

  test('steps down level by level, and no further than Relaxed', () => {
    const safe = run(startPace('Auto'), 'Auto', slow);
    expect(safe.level).toBe('Safe');
    const relaxed = run(
      safe,
      'Auto',
      Array.from({ length: 20 }, () => 900),
    );
    expect(relaxed.level).toBe('Relaxed');
    expect(
      run(
        relaxed,
        'Auto',
        Array.from({ length: 50 }, () => 9_000),
      ).level,
    ).toBe('Relaxed');
  });

  const calm = (count: number): readonly number[] => Array.from({ length: count }, () => 20);

  test('returns after half a calm minute, not before', () => {
    const safe = run(startPace('Auto'), 'Auto', slow);
    const nearly = run(safe, 'Auto', calm(30), 0, 1_000);
    expect(nearly.level).toBe('Safe');
    expect(run(nearly, 'Auto', calm(1), 30_000).level).toBe('Fast');
    expect(run(nearly, 'Auto', [600, 600, 20, 20], 29_500, 1_000).level).toBe('Safe');
  });

  test('is at its slowest in an outage that goes on, and back after half the usual calm for each level', () => {
    const fast = startPace('Auto');
    expect(outage(fast, 'Auto', 4_900)).toBe(fast);
    const relaxed = outage(fast, 'Auto', 5_000);
    expect(relaxed.level).toBe('Relaxed');
    expect(outage(relaxed, 'Auto', 60_000)).toBe(relaxed);
    expect(run(relaxed, 'Auto', calm(9), 0, 2_000).level).toBe('Safe');
    expect(run(relaxed, 'Auto', calm(24), 0, 2_000).level).toBe('Fast');
  });

  test('forgets no step down over an outage', () => {
    const safe = run(startPace('Auto'), 'Auto', slow);
    expect(outage(safe, 'Auto', 5_000).slowed).toEqual(safe.slowed);
  });

  test.each<Level>(['Fast', 'Safe', 'Relaxed'])(
    'an outage changes nothing at the fixed level %s',
    (level) => {
      const pace = startPace(level);
      expect(outage(pace, level, 60_000)).toBe(pace);
    },
  );

  test('begins its calm anew with a second slow one, not when that has left the window', () => {
    const safe = run(startPace('Auto'), 'Auto', [600, 600]);
    const again = run(safe, 'Auto', [...calm(10), 600, 600], 0, 1_000);
    expect(run(again, 'Auto', calm(30), 12_000, 1_000).level).toBe('Safe');
    expect(run(again, 'Auto', calm(31), 12_000, 1_000).level).toBe('Fast');
  });

  test('returns ever more slowly, up to ten minutes, until an hour has passed without a step down', () => {
    let [pace, now] = [startPace('Auto'), 0];
    const waits: number[] = [];
    const slowDown = (): void => {
      pace = run(pace, 'Auto', slow, now);
      now += 20 * 500;
      const from = now;
      while (pace.level !== 'Fast') pace = step(pace, 'Auto', 20, (now += 1_000));
      waits.push(Math.round((now - from) / 1_000));
    };
    for (let round = 0; round < 7; round += 1) slowDown();
    expect(waits).toEqual([31, 61, 121, 241, 481, 601, 601]);
    now += 3_600_000;
    slowDown();
    expect(waits.at(-1)).toBe(31);
  });

  test('a chosen profile is obeyed at once', () => {
    expect(step(startPace('Auto'), 'Relaxed', 20, 0).level).toBe('Relaxed');
    expect(run(startPace('Fast'), 'Fast', slow).level).toBe('Fast');
  });
});
