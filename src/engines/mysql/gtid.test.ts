// The GTID algebra against a plain set of transactions, and the forms that servers print.
import { describe, expect, it } from '@jest/globals';
import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import {
  containsGtids,
  countGtids,
  formatGtids,
  NO_GTIDS,
  parseGtids,
  subtractGtids,
  unionGtids,
  withoutOrigin,
} from './gtid.ts';
import type { GtidSet } from './gtid.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '4e11fa47-71ca-11e1-9e33-c80aa9429562';

/** The simplest model: every transaction by itself. */
const transactions = array(
  record({
    origin: constantFrom(A, B, `${A}:tag_1`, `${B}:z`),
    number: integer({ min: 1, max: 12 }),
  }),
  { maxLength: 30 },
);

type Model = readonly { readonly origin: string; readonly number: number }[];

function built(model: Model): GtidSet {
  return parseGtids(model.map(({ origin, number }) => `${origin}:${number}`).join(','));
}

function keys(model: Model): ReadonlySet<string> {
  return new Set(model.map(({ origin, number }) => `${origin}:${number}`));
}

describe('GTID sets', () => {
  it.each([
    ['', ''],
    [`${A}:1`, `${A}:1`],
    [`${A.toUpperCase()}:1-3:4`, `${A}:1-4`],
    [`${B}:5,\n${A}:1-2:7-9`, `${A}:1-2:7-9,${B}:5`],
    [`${A}:1-5:Backup:1-3:9,${A}:6`, `${A}:1-6:backup:1-3:9`],
    [`${A}:tag:2`, `${A}:tag:2`],
  ])('reads %j as %j', (text, canonical) => {
    expect(formatGtids(parseGtids(text))).toBe(canonical);
  });

  it.each(['x:1', A, `${A}:`, `${A}:0`, `${A}:5-3`, `${A}:1-2-3`, `${A}:a b:1`, ':1'])(
    'refuses %j',
    (text) => {
      expect(() => parseGtids(text)).toThrow('not a GTID set');
    },
  );

  it('keeps its text through reading and printing', () => {
    assert(
      property(transactions, (model) => {
        const text = formatGtids(built(model));
        expect(formatGtids(parseGtids(text))).toBe(text);
        expect(countGtids(parseGtids(text))).toBe(keys(model).size);
      }),
    );
  });

  it('agrees with plain sets on union, difference and inclusion', () => {
    assert(
      property(transactions, transactions, (left, right) => {
        const inRight = keys(right);
        const only = left.filter(({ origin, number }) => !inRight.has(`${origin}:${number}`));
        const [a, b] = [built(left), built(right)];
        expect(formatGtids(subtractGtids(a, b))).toBe(formatGtids(built(only)));
        expect(formatGtids(unionGtids(a, b))).toBe(formatGtids(built([...left, ...right])));
        expect(containsGtids(b, a)).toBe(only.length === 0);
        expect(containsGtids(unionGtids(a, b), a)).toBe(true);
      }),
    );
  });

  it('leaves out one server, tags included', () => {
    const set = parseGtids(`${A}:1-5:tag:1,${B}:7`);
    expect(formatGtids(withoutOrigin(set, A.toUpperCase()))).toBe(`${B}:7`);
    expect(withoutOrigin(NO_GTIDS, A).size).toBe(0);
  });
});
