// The size of Cassandra's Java heap, out of the memory its container was given. Pure.
import type { ComponentResources } from '../../api/v1alpha1/index.ts';
import { parseQuantity } from '../../kube/quantity.ts';

const MIB = 1024 * 1024;

/** What a member gets when the spec says nothing. */
export const DEFAULT_MEMORY = '1Gi';

/**
 * Mebibytes of heap by Cassandra's own rule: max(min(half, 1 GiB), min(a quarter, 8 GiB)) of the memory. The rest is for
 * memtables off the heap, the page cache and the JVM itself.
 */
export function heapMebibytes(resources: ComponentResources | undefined): number {
  const memory = resources?.limits?.memory ?? resources?.requests?.memory ?? DEFAULT_MEMORY;
  const total = Math.floor(parseQuantity(memory) / MIB);
  return Math.max(Math.min(Math.floor(total / 2), 1024), Math.min(Math.floor(total / 4), 8192));
}
