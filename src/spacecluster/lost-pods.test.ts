// A pod is given up only when it has no volume and its node, the node's Lease and its own heartbeat are all silent for a minute.
import { describe, expect, it } from '@jest/globals';
import { givenUp, mostAreSilent } from './lost-pods.ts';
import type { PodOnLostNode } from './lost-pods.ts';
import { Silence } from './phases/lost-pods.ts';

const LOST: PodOnLostNode = {
  pod: 'demo-lb-0',
  uid: 'u',
  component: 'loadbalancer',
  claims: false,
  nodeSilentMs: 60_000,
  nodeLeaseMs: 60_000,
  heartbeatMs: 60_000,
};

describe('givenUp', () => {
  it.each<readonly [string, Partial<PodOnLostNode>, boolean]>([
    ['a balancer', {}, true],
    ['a worker', { component: 'worker' }, true],
    ['a MySQL member', { component: 'mysql' }, false],
    ['a Cassandra member', { component: 'cassandra' }, false],
    ['a pod of something else', { component: undefined }, false],
    ['a worker that was given a volume', { component: 'worker', claims: true }, false],
    ['a node that is silent for less', { nodeSilentMs: 59_999 }, false],
    ['a kubelet that still renews', { nodeLeaseMs: 1_000 }, false],
    ['an agent that still beats', { heartbeatMs: 500 }, false],
  ])('%s', (_what, change, expected) => {
    expect(givenUp([{ ...LOST, ...change }])).toHaveLength(expected ? 1 : 0);
  });
});

describe('mostAreSilent', () => {
  it.each([
    [3, 1, false],
    [3, 2, true],
    [2, 1, false],
    [1, 1, true],
  ])('%i nodes, %i silent: %s', (nodes, silent, expected) => {
    expect(mostAreSilent(nodes, silent)).toBe(expected);
  });
});

describe('Silence', () => {
  it('counts from when this process first saw the same, and anew when it changes', () => {
    const silence = new Silence();
    expect(silence.forMs('node/n1', 'v1', 1_000)).toBe(0);
    expect(silence.forMs('node/n1', 'v1', 61_000)).toBe(60_000);
    expect(silence.forMs('node/n1', 'v2', 62_000)).toBe(0);
    expect(silence.forMs('node/n2', 'v2', 90_000)).toBe(0);
    silence.keep(new Set(['node/n2']));
    expect(silence.forMs('node/n1', 'v2', 200_000)).toBe(0);
    expect(silence.forMs('node/n2', 'v2', 200_000)).toBe(110_000);
  });
});
