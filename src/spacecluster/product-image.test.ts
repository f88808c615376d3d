// An operator of a newer version leaves running clusters as they are until it is asked (R4).
import { describe, expect, it } from '@jest/globals';
import type { StatefulSet } from '../kube/types.ts';
import { sampleCluster } from '../../test/unit/sample.ts';
import { productImage } from './product-image.ts';

const running = {
  metadata: { name: 'demo-worker' },
  spec: { template: { spec: { containers: [{ name: 'worker', image: 'product:1' }] } } },
} as unknown as StatefulSet;
const asked = sampleCluster({ images: { ...sampleCluster().spec.images, spacecluster: 'product:3' } });

describe('product image', () => {
  it.each([
    ['a new cluster', sampleCluster(), [], 'product:2'],
    ['a running cluster', sampleCluster(), [running], 'product:1'],
    ['a cluster that asks', asked, [running], 'product:3'],
  ])('of %s', (_what, cluster, sets, image) => {
    expect(productImage(cluster, sets, 'product:2')).toBe(image);
  });
});
