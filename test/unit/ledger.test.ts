// The arithmetic of the fault tests: a ledger that cannot show a loss or a gap proves nothing.
import { describe, expect, it } from '@jest/globals';
import type { Attempt } from '../ha/clients/main.ts';
import type { Ledger } from '../ha/play.ts';
import { wrong } from '../ha/verdict.ts';
import { changesOfWriter, differences, failures, longestGap, missing } from '../ha/ledger.ts';

const ok = (id: number, to: number): Attempt => ({ id, from: to - 5, to, error: '', by: '' });
const failed = (id: number, to: number): Attempt => ({ ...ok(id, to), error: 'refused' });

describe('a ledger', () => {
  it('misses what was acknowledged and is not there, and nothing else', () => {
    const attempts = [ok(1, 10), failed(2, 20), ok(2, 30), failed(3, 40)];
    expect(missing(attempts, new Map([[2, '']]))).toEqual([1]);
    expect(
      missing(
        attempts,
        new Map([
          [1, ''],
          [2, ''],
        ]),
      ),
    ).toEqual([]);
  });

  it('finds the longest time without an acknowledgement that ends after the fault', () => {
    const attempts = [ok(1, 0), ok(2, 900), ok(3, 1_000), failed(4, 1_200), ok(4, 1_500), ok(5, 1_520)];
    expect(longestGap(attempts, 1_100, 1_520)).toBe(500);
    expect(longestGap(attempts, 0, 1_520)).toBe(900);
  });

  it('counts the time that had not ended when nobody looked any more', () => {
    expect(longestGap([ok(1, 10), ok(2, 30), failed(3, 900)], 20, 1_000)).toBe(970);
  });

  it('calls a gap that never ends infinite', () => {
    expect(longestGap([ok(1, 10)], 20, 30)).toBe(Number.POSITIVE_INFINITY);
    expect(longestGap([], 0, 30)).toBe(Number.POSITIVE_INFINITY);
  });

  it('says how attempts failed, and when the last ones were begun', () => {
    expect(failures([failed(1, 5), ok(1, 10), failed(2, 30), failed(2, 35), ok(2, 40)], 10)).toEqual([
      { error: 'refused', times: 2, lastMs: 20 },
    ]);
    expect(failures([failed(1, 5), ok(1, 10)], 10)).toEqual([]);
  });

  it('counts the changes of the writer', () => {
    const found = new Map([
      [3, 'b'],
      [1, 'a'],
      [2, 'a'],
      [4, 'a'],
    ]);
    expect(changesOfWriter(found)).toBe(2);
  });

  it('compares members by key and value', () => {
    const a = new Map([
      [1, 'x'],
      [-1, '7'],
    ]);
    expect(
      differences(
        a,
        new Map([
          [1, 'x'],
          [-1, '8'],
          [2, 'y'],
        ]),
      ),
    ).toEqual([-1, 2]);
    expect(differences(a, new Map(a))).toEqual([]);
  });
});

describe('the verdict on a fault', () => {
  const kept: Ledger = {
    kind: 'mysql',
    acknowledged: 100,
    lost: [],
    different: [],
    gapMs: 900,
    boundMs: 1_000,
    failures: [],
    strays: 0,
  };
  const played = { fault: 'f', wholeMs: 0, followedMs: undefined, violation: '' };

  it.each<[string, Partial<Ledger>]>([
    ['lost: 7', { lost: [7] }],
    ['rows differ', { different: [7] }],
    ['wrote at once', { strays: 1 }],
    ['nothing was acknowledged', { acknowledged: 0 }],
    ['waited for 1001 ms', { gapMs: 1_001 }],
    ['waited for Infinity ms', { gapMs: Number.POSITIVE_INFINITY }],
  ])('names what is wrong: %s', (told, change) => {
    expect(wrong({ ...played, ledgers: [{ ...kept, ...change }] }).join()).toContain(told);
  });

  it('finds nothing wrong where every rule was kept, and the holders broken rule where not', () => {
    expect(wrong({ ...played, ledgers: [kept] })).toEqual([]);
    expect(wrong({ ...played, ledgers: [kept], violation: 'two holders' })).toEqual(['two holders']);
  });
});
