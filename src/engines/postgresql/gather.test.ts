import { expect, test } from '@jest/globals';
import { changeGap } from './gather.ts';

test('schema changes are told apart by name, in the peer’s order, and conflicts by their statements', () => {
  const here = [
    { name: 'a', hash: '1' },
    { name: 'mine', hash: '2' },
  ];
  const there = [
    { name: 'c', hash: '4' },
    { name: 'a', hash: '9' },
    { name: 'b', hash: '3' },
  ];
  expect(changeGap(here, there)).toEqual({ missing: ['c', 'b'], conflicting: ['a'] });
});
