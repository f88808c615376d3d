// Volumes grow with the spec, never shrink, and only a cluster's own.
import { describe, expect, it } from '@jest/globals';
import type { PersistentVolumeClaim, StatefulSet } from '../kube/types.ts';
import { growthOf } from './growth.ts';

const claim = (name: string, size: string): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { resources: { requests: { storage: size } } },
});
const set = (size: string): StatefulSet =>
  ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'demo-mysql' },
    spec: { volumeClaimTemplates: [claim('data', size)] },
  }) as unknown as StatefulSet;
const claims = [
  claim('data-demo-mysql-0', '2Gi'),
  claim('data-demo-mysql-1', '2Gi'),
  claim('data-demo-mysql-x-0', '1Gi'),
];

describe('growth', () => {
  it('grows each claim of the set, and remakes the set', () => {
    expect(growthOf(set('3Gi'), set('2Gi'), claims)).toEqual({
      claims: [
        { name: 'data-demo-mysql-0', size: '3Gi' },
        { name: 'data-demo-mysql-1', size: '3Gi' },
      ],
      remake: true,
    });
  });

  it('goes on where it was interrupted', () => {
    expect(growthOf(set('3Gi'), set('2Gi'), [claim('data-demo-mysql-0', '3Gi')])).toEqual({
      claims: [],
      remake: true,
    });
  });

  it.each(['2Gi', '2048Mi', '1Gi'])('does nothing for %s', (size) => {
    expect(growthOf(set(size), set('2Gi'), claims)).toEqual({ claims: [], remake: false });
  });

  it('does nothing before the set exists', () => {
    expect(growthOf(set('3Gi'), undefined, claims)).toEqual({ claims: [], remake: false });
  });
});
