// Kubernetes objects exactly as they are on the wire. The client library's classes rename and drop fields when they
// serialise; only their types are used, mapped back to wire names, and plain JSON travels.
import type * as k8s from '@kubernetes/client-node';

/** The library's spelling of a property, back to the one on the wire. */
type WireKey<K> = K extends '_from'
  ? 'from'
  : K extends '_default'
    ? 'default'
    : K extends '_enum'
      ? 'enum'
      : K extends '_continue'
        ? 'continue'
        : K;

/** A library model as plain, read-only wire data: dates are RFC 3339 strings, nothing is renamed. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer U)[]
    ? readonly Wire<U>[]
    : T extends object
      ? { readonly [K in keyof T as WireKey<K>]: Wire<T[K]> }
      : T;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

/** Any Kubernetes object. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

type Typed<T, A extends string, K extends string> = Omit<Wire<T>, 'apiVersion' | 'kind' | 'metadata'> & {
  readonly apiVersion: A;
  readonly kind: K;
  readonly metadata: ObjectMeta;
};

export type Pod = Typed<k8s.V1Pod, 'v1', 'Pod'>;
export type Service = Typed<k8s.V1Service, 'v1', 'Service'>;
export type ConfigMap = Typed<k8s.V1ConfigMap, 'v1', 'ConfigMap'>;
export type Secret = Typed<k8s.V1Secret, 'v1', 'Secret'>;
export type ServiceAccount = Typed<k8s.V1ServiceAccount, 'v1', 'ServiceAccount'>;
export type Node = Typed<k8s.V1Node, 'v1', 'Node'>;
export type Namespace = Typed<k8s.V1Namespace, 'v1', 'Namespace'>;
export type PersistentVolumeClaim = Typed<k8s.V1PersistentVolumeClaim, 'v1', 'PersistentVolumeClaim'>;
export type StatefulSet = Typed<k8s.V1StatefulSet, 'apps/v1', 'StatefulSet'>;
export type PodDisruptionBudget = Typed<k8s.V1PodDisruptionBudget, 'policy/v1', 'PodDisruptionBudget'>;
export type EndpointSlice = Typed<k8s.V1EndpointSlice, 'discovery.k8s.io/v1', 'EndpointSlice'>;
export type Endpoint = Wire<k8s.V1Endpoint>;
export type Lease = Typed<k8s.V1Lease, 'coordination.k8s.io/v1', 'Lease'>;
export type Role = Typed<k8s.V1Role, 'rbac.authorization.k8s.io/v1', 'Role'>;
export type PolicyRule = Wire<k8s.V1PolicyRule>;
export type RoleBinding = Typed<k8s.V1RoleBinding, 'rbac.authorization.k8s.io/v1', 'RoleBinding'>;
export type NetworkPolicy = Typed<k8s.V1NetworkPolicy, 'networking.k8s.io/v1', 'NetworkPolicy'>;
export type StorageClass = Typed<k8s.V1StorageClass, 'storage.k8s.io/v1', 'StorageClass'>;
export type ServiceCIDR = Typed<k8s.V1ServiceCIDR, 'networking.k8s.io/v1', 'ServiceCIDR'>;
export type KubeEvent = Typed<k8s.EventsV1Event, 'events.k8s.io/v1', 'Event'>;

export type PodSpec = Wire<k8s.V1PodSpec>;
export type Container = Wire<k8s.V1Container>;
export type Volume = Wire<k8s.V1Volume>;
export type VolumeMount = Wire<k8s.V1VolumeMount>;
export type EnvVar = Wire<k8s.V1EnvVar>;
export type Affinity = Wire<k8s.V1Affinity>;
export type ResourceRequirements = Wire<k8s.V1ResourceRequirements>;
export type LabelSelector = Wire<k8s.V1LabelSelector>;
export type ServicePort = Wire<k8s.V1ServicePort>;

/** MetalLB's objects, as far as the operator reads and writes them. */
export interface IPAddressPool extends KubeObject {
  readonly spec: {
    readonly addresses: readonly string[];
    readonly autoAssign?: boolean;
    readonly avoidBuggyIPs?: boolean;
    readonly serviceAllocation?: {
      readonly priority?: number;
      readonly namespaces?: readonly string[];
      readonly namespaceSelectors?: readonly LabelSelector[];
      readonly serviceSelectors?: readonly LabelSelector[];
    };
  };
}

export interface L2Advertisement extends KubeObject {
  readonly spec?: {
    readonly ipAddressPools?: readonly string[];
    readonly ipAddressPoolSelectors?: readonly LabelSelector[];
    readonly nodeSelectors?: readonly LabelSelector[];
    readonly interfaces?: readonly string[];
  };
}

export interface ServiceL2Status extends KubeObject {
  readonly status?: {
    readonly node?: string;
    readonly serviceName?: string;
    readonly serviceNamespace?: string;
  };
}

/** One per component of MetalLB, since 0.15.3. */
export interface ConfigurationState extends KubeObject {
  readonly status?: {
    readonly result?: 'Valid' | 'Invalid' | 'Unknown';
    readonly errorSummary?: string;
  };
}

/** How a kind is addressed in URLs. */
export interface ResourceType<T extends KubeObject> {
  readonly apiVersion: T['apiVersion'];
  readonly kind: T['kind'];
  readonly plural: string;
  readonly namespaced: boolean;
}
