import { describe, expect, it } from '@jest/globals';
import { durationMs } from './duration.ts';

describe('durationMs', () => {
  it.each([
    ['5s', 5_000],
    ['60s', 60_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
  ])('%s', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each(['', '60', '1.5s', '-1s', '1m30s', '1d', '500ms'])('%j is refused by name', (text) => {
    expect(() => durationMs(text)).toThrow(`"${text}" is not a duration`);
  });
});
