// Objects the operator creates once and the agents then own: heartbeat Leases, role records, routing slices.
import { objectLabels, ownedBy, ROLE_LABEL } from '../../api/v1alpha1/names.ts';
import type { Component } from '../../api/v1alpha1/names.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import type { EndpointSlice, Lease } from '../../kube/types.ts';

/** An empty heartbeat Lease; the pod of that name renews it. */
export function heartbeatLease(cluster: SpaceCluster, component: Component, pod: string): Lease {
  return lease(cluster, component, pod, {});
}

/** An empty role record: no holder, epoch 0. */
export function roleLease(cluster: SpaceCluster, component: Component, name: string, role: string): Lease {
  return lease(cluster, component, name, { [ROLE_LABEL]: role });
}

function lease(
  cluster: SpaceCluster,
  component: Component,
  name: string,
  labels: Readonly<Record<string, string>>,
): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace: cluster.metadata.namespace,
      labels: { ...objectLabels(cluster.metadata.name, component), ...labels },
      ownerReferences: [ownedBy(cluster)],
    },
    spec: {},
  };
}

/** An EndpointSlice of `service` without endpoints; the agents write them. */
export function emptySlice(
  cluster: SpaceCluster,
  component: Component,
  service: string,
  ports: readonly { readonly name: string; readonly port: number }[],
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: service,
      namespace: cluster.metadata.namespace,
      labels: {
        ...objectLabels(cluster.metadata.name, component),
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'spacecluster.dev',
      },
      ownerReferences: [ownedBy(cluster)],
    },
    addressType: 'IPv4',
    endpoints: [],
    ports: ports.map(({ name, port }) => ({ name, port, protocol: 'TCP' })),
  };
}
