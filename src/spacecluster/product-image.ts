// Which of our own images a cluster's agents and workers run from. Pure.
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import { workloadName } from '../api/v1alpha1/names.ts';
import type { StatefulSet } from '../kube/types.ts';

/**
 * What the spec says; else what the cluster runs already, so that an upgrade of the operator changes no pod unasked (R4); else, for
 * a new cluster, the operator's own.
 */
export function productImage(
  cluster: SpaceCluster,
  statefulSets: readonly StatefulSet[],
  own: string,
): string {
  const workers = statefulSets.find(
    (set) => set.metadata.name === workloadName(cluster.metadata.name, 'worker'),
  );
  const running = workers?.spec?.template.spec?.containers.find(({ name }) => name === 'worker')?.image;
  return cluster.spec.images.spacecluster ?? running ?? own;
}
