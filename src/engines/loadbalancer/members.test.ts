import { describe, expect, test } from '@jest/globals';
import type { Endpoint, EndpointSlice } from '../../kube/types.ts';
import { membersOf } from './members.ts';

function endpoint(
  pod: string,
  address: string,
  conditions: Endpoint['conditions'] = { ready: true },
): Endpoint {
  return {
    addresses: [address],
    conditions: { ...conditions },
    targetRef: { kind: 'Pod', name: pod, uid: `uid-${address}` },
  };
}

function slice(...endpoints: readonly Endpoint[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'demo-workers-x' },
    addressType: 'IPv4',
    endpoints,
  };
}

const ALIVE = (): boolean => false;

describe('the workers that HAProxy shall know', () => {
  test('come from all slices, by ordinal', () => {
    const members = membersOf(
      [slice(endpoint('w-10', '10.0.0.10'), endpoint('w-2', '10.0.0.2')), slice(endpoint('w-0', '10.0.0.1'))],
      ALIVE,
    );
    expect(members.map(({ name }) => name)).toEqual(['w-0', 'w-2', 'w-10']);
  });

  test('one that is not ready is kept: its checks tell when it is', () => {
    const members = membersOf([slice(endpoint('w-0', '10.0.0.1', { ready: false, serving: false }))], ALIVE);
    expect(members).toEqual([{ name: 'w-0', address: '10.0.0.1', accepts: true }]);
  });

  test('one that ends, or is taken for dead, accepts nothing new', () => {
    const members = membersOf(
      [
        slice(
          endpoint('w-0', '10.0.0.1', { terminating: true }),
          endpoint('w-1', '10.0.0.2'),
          endpoint('w-2', '10.0.0.3'),
        ),
      ],
      (pod, uid) => pod === 'w-1' && uid === 'uid-10.0.0.2',
    );
    expect(members.map(({ accepts }) => accepts)).toEqual([false, false, true]);
  });

  test('of two pods of one name the one that stays counts', () => {
    const old = endpoint('w-0', '10.0.0.1', { terminating: true });
    const fresh = endpoint('w-0', '10.0.0.9');
    for (const order of [
      [old, fresh],
      [fresh, old],
    ]) {
      expect(membersOf([slice(...order)], ALIVE)).toEqual([
        { name: 'w-0', address: '10.0.0.9', accepts: true },
      ]);
    }
  });
});
