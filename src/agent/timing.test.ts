import { describe, expect, test } from '@jest/globals';
import { startPace, step, timingOf } from './timing.ts';
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

  test('one slow renewal in a hundred is forgiven, two are not', () => {
    const hundred = quick.slice(0, 99);
    expect(run(startPace('Auto'), 'Auto', [...hundred, 600]).level).toBe('Fast');
    expect(run(startPace('Auto'), 'Auto', [...hundred, 600, 600]).level).toBe('Safe');
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

  test('returns after ten calm minutes, not before', () => {
    const safe = run(startPace('Auto'), 'Auto', slow);
    const calm = Array.from({ length: 599 }, () => 20);
    const nearly = run(safe, 'Auto', calm, 0, 1_000);
    expect(nearly.level).toBe('Safe');
    expect(run(nearly, 'Auto', [20, 20], 600_000, 1_000).level).toBe('Fast');
    expect(run(nearly, 'Auto', [600, 600, 20, 20], 598_500, 1_000).level).toBe('Safe');
  });

  test('a chosen profile is obeyed at once', () => {
    expect(step(startPace('Auto'), 'Relaxed', 20, 0).level).toBe('Relaxed');
    expect(run(startPace('Fast'), 'Fast', slow).level).toBe('Fast');
  });
});
