// Pure: the pool and advertisement that announce the Web IP and nothing else, where `vip.managePool` asks for them.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { objectLabels } from '../../api/v1alpha1/names.ts';
import type { IPAddressPool, KubeObject, L2Advertisement } from '../../kube/types.ts';

/** `NAMESPACE.NAME`: neither part may hold a dot, so no two clusters share one. */
export function poolName(cluster: SpaceCluster): string {
  return `${cluster.metadata.namespace}.${cluster.metadata.name}`;
}

/**
 * Objects outside the cluster's namespace. No owner reference can reach them: they are removed with the SpaceCluster, and
 * when `managePool` is switched off.
 */
export function clusterWideObjects(cluster: SpaceCluster, metallbNamespace: string): readonly KubeObject[] {
  const metadata = {
    name: poolName(cluster),
    namespace: metallbNamespace,
    labels: objectLabels(cluster.metadata.name, 'loadbalancer'),
  };
  const pool: IPAddressPool = {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata,
    spec: {
      addresses: [`${cluster.spec.vip.address}/32`],
      // Only who asks for it by name, and only from this namespace: another tenant's Service must not get the Web IP.
      autoAssign: false,
      serviceAllocation: { namespaces: [cluster.metadata.namespace] },
    },
  };
  const advertisement: L2Advertisement = {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'L2Advertisement',
    metadata,
    // From every node: which one announces follows from the holder's endpoint (externalTrafficPolicy: Local).
    spec: { ipAddressPools: [poolName(cluster)] },
  };
  return [pool, advertisement];
}
