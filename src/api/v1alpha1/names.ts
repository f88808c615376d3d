// Every object name, label, annotation and port of a SpaceCluster. Users and scripts rely on them: never change one.
import type { OwnerReference } from '../../kube/types.ts';
import type { SpaceCluster } from './index.ts';

export type Component = 'mysql' | 'postgresql' | 'cassandra' | 'loadbalancer' | 'worker';

/** Components are labelled with their long name; pods of the balancer and workers carry these short ones. */
const POD_PREFIX: Readonly<Record<Component, string>> = {
  mysql: 'mysql',
  postgresql: 'postgresql',
  cassandra: 'cassandra',
  loadbalancer: 'lb',
  worker: 'worker',
};

export const FIELD_MANAGER = 'spacecluster-operator';
export const FINALIZER = 'spacecluster.dev/finalizer';

export const ANNOTATIONS = {
  phase: 'spacecluster.dev/phase',
  copies: 'spacecluster.dev/copies',
  epoch: 'spacecluster.dev/epoch',
  /** On a heartbeat Lease: the node of the pod that renews it. */
  node: 'spacecluster.dev/node',
  switchover: 'spacecluster.dev/switchover',
  /** On a role record, as JSON: what people asked for and what became of it, and how the role last moved. */
  notes: 'spacecluster.dev/notes',
  replaceMember: 'spacecluster.dev/replace-member',
  /** Asks for a repair of the Cassandra ring ahead of its turn. A value acts once. */
  repair: 'spacecluster.dev/repair',
  /** On pods: fingerprint of what the spec asked of them when they were made. */
  asked: 'spacecluster.dev/asked',
  forcePrimary: 'spacecluster.dev/force-primary',
  acceptDataLoss: 'spacecluster.dev/accept-data-loss',
  /** Asks for a comparison of the PostgreSQL members' rows now: `postgresql`, or `postgresql/ANYTHING` for another one. */
  audit: 'spacecluster.dev/audit',
} as const;

/** On role records: tells them from heartbeats, so that the operator watches only the former. */
export const ROLE_LABEL = 'spacecluster.dev/role';

export const PORTS = {
  https: 443,
  netconfCallHome: 4334,
  deviceInitiated: 7804,
  mysql: 3306,
  postgresql: 5432,
  cassandra: 9042,
  worker: 8443,
  /** Plain HTTP of agents and workers: probes and metrics. */
  agent: 8081,
} as const;

/** `NAME-mysql`, `NAME-lb` ...: the StatefulSet of a component, and the prefix of its pods. */
export function workloadName(cluster: string, component: Component): string {
  return `${cluster}-${POD_PREFIX[component]}`;
}

/** `NAME-mysql-0`: a member's pod, also the name of its heartbeat Lease. */
export function podName(
  cluster: string,
  component: Exclude<Component, 'cassandra'>,
  ordinal: number,
): string {
  return `${workloadName(cluster, component)}-${ordinal}`;
}

/** `NAME-cassandra-r1`: one StatefulSet a rack. */
export function cassandraRackName(cluster: string, rack: string): string {
  return `${cluster}-cassandra-${rack}`;
}

export interface Names {
  readonly services: Readonly<
    Record<
      'vip' | 'mysqlRw' | 'mysqlRo' | 'postgresql' | 'cassandra' | 'cassandraMembers' | 'workers',
      string
    >
  >;
  readonly secrets: Readonly<
    Record<'mysql' | 'postgresql' | 'cassandra' | 'admin' | 'tls' | 'ca' | 'internal', string>
  >;
  readonly roleLeases: Readonly<Record<'vip' | 'mysql' | 'coordinator', string>>;
  readonly state: string;
}

/** The fixed names of a cluster's objects, by kind. */
export function names(cluster: string): Names {
  return {
    services: {
      vip: `${cluster}-vip`,
      mysqlRw: `${cluster}-mysql-rw`,
      mysqlRo: `${cluster}-mysql-ro`,
      postgresql: `${cluster}-postgresql`,
      cassandra: `${cluster}-cassandra`,
      /** Headless: resolves to every member, ready or not. */
      cassandraMembers: `${cluster}-cassandra-members`,
      workers: `${cluster}-workers`,
    },
    secrets: {
      mysql: `${cluster}-mysql`,
      postgresql: `${cluster}-postgresql`,
      cassandra: `${cluster}-cassandra`,
      admin: `${cluster}-admin`,
      tls: `${cluster}-tls`,
      /** The cluster's own CA: signs the Web IP's and the members' certificates. */
      ca: `${cluster}-ca`,
      /** Passwords and keys that no user needs: replication, superusers, cookie key. */
      internal: `${cluster}-internal`,
    },
    roleLeases: { vip: `${cluster}-vip`, mysql: `${cluster}-mysql`, coordinator: `${cluster}-coordinator` },
    state: `${cluster}-state`,
  };
}

/** `NAME-mysql-tls`: a part's certificate for its own connections (`ca.crt`, `tls.crt`, `tls.key`), signed by the cluster's CA. */
export function memberTlsSecret(cluster: string, component: Component): string {
  return `${workloadName(cluster, component)}-tls`;
}

export function selectorLabels(cluster: string, component: Component): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'spacecluster',
    'app.kubernetes.io/instance': cluster,
    'app.kubernetes.io/component': component,
  };
}

/** Labels of every object made for a cluster; `component` where the object belongs to one. */
export function objectLabels(cluster: string, component?: Component): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'spacecluster',
    'app.kubernetes.io/instance': cluster,
    'app.kubernetes.io/managed-by': 'spacecluster',
    ...(component === undefined ? {} : { 'app.kubernetes.io/component': component }),
  };
}

/** The owner reference that ties an object's life to its SpaceCluster. */
export function ownedBy(cluster: SpaceCluster): OwnerReference {
  return {
    apiVersion: cluster.apiVersion,
    kind: cluster.kind,
    name: cluster.metadata.name,
    uid: cluster.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}
