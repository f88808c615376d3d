// The kinds this project reads or writes, and how each is addressed. Add a kind here before using it anywhere.
import type {
  ConfigMap,
  ConfigurationState,
  EndpointSlice,
  IPAddressPool,
  KubeEvent,
  KubeObject,
  L2Advertisement,
  Lease,
  Namespace,
  NetworkPolicy,
  Node,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  ResourceType,
  Role,
  RoleBinding,
  Secret,
  Service,
  ServiceAccount,
  ServiceCIDR,
  ServiceL2Status,
  StatefulSet,
  StorageClass,
} from './types.ts';

function namespaced<T extends KubeObject>(
  apiVersion: T['apiVersion'],
  kind: T['kind'],
  plural: string,
): ResourceType<T> {
  return Object.freeze({ apiVersion, kind, plural, namespaced: true });
}

function clusterWide<T extends KubeObject>(
  apiVersion: T['apiVersion'],
  kind: T['kind'],
  plural: string,
): ResourceType<T> {
  return Object.freeze({ apiVersion, kind, plural, namespaced: false });
}

export const Pods = namespaced<Pod>('v1', 'Pod', 'pods');
export const Services = namespaced<Service>('v1', 'Service', 'services');
export const ConfigMaps = namespaced<ConfigMap>('v1', 'ConfigMap', 'configmaps');
export const Secrets = namespaced<Secret>('v1', 'Secret', 'secrets');
export const ServiceAccounts = namespaced<ServiceAccount>('v1', 'ServiceAccount', 'serviceaccounts');
export const PersistentVolumeClaims = namespaced<PersistentVolumeClaim>(
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const Nodes = clusterWide<Node>('v1', 'Node', 'nodes');
export const Namespaces = clusterWide<Namespace>('v1', 'Namespace', 'namespaces');
export const StatefulSets = namespaced<StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets');
export const PodDisruptionBudgets = namespaced<PodDisruptionBudget>(
  'policy/v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);
export const EndpointSlices = namespaced<EndpointSlice>(
  'discovery.k8s.io/v1',
  'EndpointSlice',
  'endpointslices',
);
export const Leases = namespaced<Lease>('coordination.k8s.io/v1', 'Lease', 'leases');
export const Roles = namespaced<Role>('rbac.authorization.k8s.io/v1', 'Role', 'roles');
export const RoleBindings = namespaced<RoleBinding>(
  'rbac.authorization.k8s.io/v1',
  'RoleBinding',
  'rolebindings',
);
export const NetworkPolicies = namespaced<NetworkPolicy>(
  'networking.k8s.io/v1',
  'NetworkPolicy',
  'networkpolicies',
);
export const StorageClasses = clusterWide<StorageClass>(
  'storage.k8s.io/v1',
  'StorageClass',
  'storageclasses',
);
export const ServiceCIDRs = clusterWide<ServiceCIDR>('networking.k8s.io/v1', 'ServiceCIDR', 'servicecidrs');
export const Events = namespaced<KubeEvent>('events.k8s.io/v1', 'Event', 'events');
export const IPAddressPools = namespaced<IPAddressPool>(
  'metallb.io/v1beta1',
  'IPAddressPool',
  'ipaddresspools',
);
export const L2Advertisements = namespaced<L2Advertisement>(
  'metallb.io/v1beta1',
  'L2Advertisement',
  'l2advertisements',
);
export const ServiceL2Statuses = namespaced<ServiceL2Status>(
  'metallb.io/v1beta1',
  'ServiceL2Status',
  'servicel2statuses',
);
export const ConfigurationStates = namespaced<ConfigurationState>(
  'metallb.io/v1beta1',
  'ConfigurationState',
  'configurationstates',
);

const ALL: readonly ResourceType<KubeObject>[] = [
  Pods,
  Services,
  ConfigMaps,
  Secrets,
  ServiceAccounts,
  PersistentVolumeClaims,
  Nodes,
  Namespaces,
  StatefulSets,
  PodDisruptionBudgets,
  EndpointSlices,
  Leases,
  Roles,
  RoleBindings,
  NetworkPolicies,
  StorageClasses,
  ServiceCIDRs,
  Events,
  IPAddressPools,
  L2Advertisements,
  ServiceL2Statuses,
  ConfigurationStates,
];

const BY_KIND: ReadonlyMap<string, ResourceType<KubeObject>> = new Map(
  ALL.map((type) => [`${type.apiVersion}/${type.kind}`, type]),
);

/** The resource of an object, for generic apply and delete; undefined for a kind that is not listed above. */
export function resourceOf(object: KubeObject): ResourceType<KubeObject> | undefined {
  return BY_KIND.get(`${object.apiVersion}/${object.kind}`);
}
