// Racks stay even at every size, members keep their place when the ring grows, and nobody who has joined is dropped.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { sampleCluster } from '../../../test/unit/sample.ts';
import { memberCount, members, racks, rackSize, replicationFactor } from './members.ts';

describe('members', () => {
  it('names them rack by rack', () => {
    expect(members('demo', 5).map((member) => member.pod)).toEqual([
      'demo-cassandra-r1-0',
      'demo-cassandra-r2-0',
      'demo-cassandra-r3-0',
      'demo-cassandra-r1-1',
      'demo-cassandra-r2-1',
    ]);
  });

  it('keeps the racks even, and every member in its place when the ring grows by one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 40 }), (count) => {
        const sizes = racks(count).map((rack) => rackSize(count, rack));
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(members('c', count + 1).slice(0, count)).toEqual(members('c', count));
      }),
    );
  });

  it('grows by racks up to three, each with one copy', () => {
    expect([1, 2, 3, 4, 9].map((count) => [racks(count).length, replicationFactor(count)])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [3, 3],
      [3, 3],
    ]);
    expect(members('c', 2)).toEqual(members('c', 3).slice(0, 2));
  });
});

describe('memberCount', () => {
  const listed = (states: readonly string[]) => ({
    observedGeneration: 1,
    cassandra: {
      members: states.map((state, index) => ({
        name: `m${index}`,
        rack: 'r1',
        ready: state === 'UN',
        state,
      })),
    },
  });

  it.each([
    ['a fresh cluster', 3, [], 3],
    ['growing', 5, ['UN', 'UN', 'UN'], 5],
    ['asked to shrink: all that have joined stay (C1)', 1, ['UN', 'DN', 'UN'], 3],
    ['a growth taken back before the new ones joined', 3, ['UN', 'UN', 'UN', 'UJ', '--'], 3],
  ] as const)('%s', (_what, replicas, states, expected) => {
    expect(
      memberCount(sampleCluster({ cassandra: { replicas, storage: { size: '1Gi' } } }, listed(states))),
    ).toBe(expected);
  });
});
