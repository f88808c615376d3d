import { describe, expect, it } from '@jest/globals';
import { contains } from './addresses.ts';

describe('contains', () => {
  it.each([
    ['10.77.0.0/24', '10.77.0.100', true],
    ['10.77.0.0/24', '10.77.1.0', false],
    ['10.77.0.100/32', '10.77.0.100', true],
    ['10.77.0.90-10.77.0.110', '10.77.0.110', true],
    ['10.77.0.90 - 10.77.0.110', '10.77.0.111', false],
    ['fd00::/64', 'fd00::7', true],
    ['fd00::/64', '10.77.0.100', false],
    ['10.77.0.0/24', 'n1', false],
    ['nonsense', '10.77.0.100', false],
    ['10.77.0.110-10.77.0.90', '10.77.0.100', false],
    ['', '10.77.0.100', false],
  ])('%s, %s: %s', (range, address, expected) => {
    expect(contains(range, address)).toBe(expected);
  });
});
