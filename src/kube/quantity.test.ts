import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseQuantity, quantityInNano, sameQuantity } from './quantity.ts';

describe('parseQuantity', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    ['500m', 0.5],
    ['2Gi', 2_147_483_648],
    ['1.5Gi', 1_610_612_736],
    ['1k', 1_000],
    ['1E', 1e18],
    ['1E3', 1_000],
    ['1e3', 1_000],
    ['12e-1', 1.2],
    ['100u', 0.0001],
    ['.5', 0.5],
    ['5.', 5],
    ['-2', -2],
    ['+2', 2],
  ])('%s is %d', (text, value) => {
    expect(parseQuantity(text)).toBeCloseTo(value, 9);
  });

  it.each(['', 'Gi', '.', '1GiB', '1 Gi', 'one', '1K', '1ki', '0x10', '1e', '--1'])('refuses %j', (text) => {
    expect(quantityInNano(text)).toBeUndefined();
    expect(() => parseQuantity(text)).toThrow('is no quantity');
  });

  it('rounds up what is finer than a billionth', () => {
    expect(quantityInNano('0.1n')).toBe(1n);
  });
});

describe('sameQuantity', () => {
  it('compares by value', () => {
    expect(sameQuantity('1000m', '1')).toBe(true);
    expect(sameQuantity('2Gi', '2147483648')).toBe(true);
    expect(sameQuantity('1Gi', '1G')).toBe(false);
    expect(sameQuantity('x', 'x')).toBe(false);
  });

  it('is exact beyond doubles', () => {
    expect(sameQuantity('9007199254740993', '9007199254740992')).toBe(false);
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 1n << 62n }),
        (n) => sameQuantity(`${n}`, `${n}000m`) && !sameQuantity(`${n}`, `${n + 1n}`),
      ),
    );
  });
});
