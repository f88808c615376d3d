import { describe, expect, it } from '@jest/globals';
import { assert, integer, property } from 'fast-check';
import { parseQuantity } from './quantity.ts';

describe('parseQuantity', () => {
  it.each([
    ['0', 0],
    ['2', 2],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['-1Gi', -1_073_741_824],
    ['500m', 0.5],
    ['100m', 0.1],
    ['250u', 0.00025],
    ['7n', 7e-9],
    ['1k', 1_000],
    ['3M', 3_000_000],
    ['2G', 2_000_000_000],
    ['1Ki', 1_024],
    ['128Mi', 134_217_728],
    ['10Gi', 10_737_418_240],
    ['1.5Gi', 1_610_612_736],
    ['1Ti', 1_099_511_627_776],
    ['1Ei', 1_152_921_504_606_846_976],
    ['1E', 1e18],
    ['1e3', 1_000],
    ['1E3', 1_000],
    ['12e-1', 1.2],
  ])('%s is %d', (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });

  it.each(['', ' 1', '1 Gi', '1gi', '1K', '1x', 'Gi', '1.2.3', '0x10', 'Infinity', '1e', '1Gii', '--1'])(
    '%j is refused by name',
    (text) => {
      expect(() => parseQuantity(text)).toThrow(`"${text}" is not a quantity`);
    },
  );

  it('gives milli-amounts the same value as their decimal form', () => {
    assert(
      property(integer({ min: 0, max: 1_000_000 }), (milli) => {
        expect(parseQuantity(`${milli}m`)).toBe(parseQuantity(String(milli / 1000)));
      }),
    );
  });
});
