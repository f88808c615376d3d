// Small pure builders of the objects that every engine needs, so that labels, owners and defaults are the same everywhere.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { objectLabels, ownedBy, selectorLabels, workloadName } from '../../api/v1alpha1/names.ts';
import type { Component } from '../../api/v1alpha1/names.ts';
import type {
  ConfigMap,
  ObjectMeta,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  PolicyRule,
  Role,
  RoleBinding,
  Service,
  ServiceAccount,
  ServicePort,
} from '../../kube/types.ts';

/** Metadata of an object that belongs to the cluster and goes when it goes. */
export function ownedMeta(
  cluster: SpaceCluster,
  name: string,
  component?: Component,
  annotations?: Readonly<Record<string, string>>,
): ObjectMeta {
  return {
    name,
    namespace: cluster.metadata.namespace,
    labels: objectLabels(cluster.metadata.name, component),
    ownerReferences: [ownedBy(cluster)],
    ...(annotations === undefined ? {} : { annotations }),
  };
}

export function configMap(
  cluster: SpaceCluster,
  name: string,
  component: Component,
  data: Readonly<Record<string, string>>,
): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: ownedMeta(cluster, name, component), data };
}

/** A Service over the component's pods; headless unless `clusterIP` is asked for. */
export function podService(
  cluster: SpaceCluster,
  name: string,
  component: Component,
  ports: readonly ServicePort[],
  options: {
    readonly headless?: boolean;
    readonly publishNotReadyAddresses?: boolean;
    readonly selector?: Readonly<Record<string, string>>;
  } = {},
): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMeta(cluster, name, component),
    spec: {
      ...(options.headless === true ? { clusterIP: 'None' } : {}),
      ...(options.publishNotReadyAddresses === true ? { publishNotReadyAddresses: true } : {}),
      selector: { ...selectorLabels(cluster.metadata.name, component), ...options.selector },
      ports,
    },
  };
}

/** A Service without selector: its endpoints are the slice that the role's holder writes (design, "Routing"). */
export function routedService(
  cluster: SpaceCluster,
  name: string,
  component: Component,
  ports: readonly ServicePort[],
): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMeta(cluster, name, component),
    spec: { type: 'ClusterIP', ports },
  };
}

/** At most one member at a time may be evicted; members that are not in sync count as down already (Ready = in sync). */
export function disruptionBudget(cluster: SpaceCluster, component: Component): PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMeta(cluster, workloadName(cluster.metadata.name, component), component),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selectorLabels(cluster.metadata.name, component) },
    },
  };
}

/** The component's own ServiceAccount with exactly these rights in the cluster's namespace (L3). */
export function serviceAccount(
  cluster: SpaceCluster,
  component: Component,
  rules: readonly PolicyRule[],
): readonly [ServiceAccount, Role, RoleBinding] {
  const name = workloadName(cluster.metadata.name, component);
  const metadata = ownedMeta(cluster, name, component);
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: cluster.metadata.namespace }],
    },
  ];
}

/** A StatefulSet's volume claim. Without a class the cluster's default one serves. */
export function volumeClaim(
  cluster: SpaceCluster,
  component: Component,
  storage: { readonly size: string; readonly storageClassName?: string },
): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    // No owner and no managed fields beyond labels: the claim outlives the cluster unless deletionPolicy is Delete (R3).
    metadata: { name: 'data', labels: objectLabels(cluster.metadata.name, component) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(storage.storageClassName === undefined ? {} : { storageClassName: storage.storageClassName }),
      resources: { requests: { storage: storage.size } },
    },
  };
}
