// A Kubernetes cluster of three nodes in which every preflight check passes: the starting point of its unit tests.
import type { PreflightFacts } from '../../src/spacecluster/preflight/facts.ts';
import type {
  IPAddressPool,
  L2Advertisement,
  Node,
  PersistentVolumeClaim,
  Pod,
  Service,
} from '../../src/kube/types.ts';
import type { SpaceCluster, SpaceClusterSpec } from '../../src/api/v1alpha1/index.ts';
import { sampleCluster } from './sample.ts';

export function node(ordinal: number, change: Partial<Node> = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `n${ordinal}`, labels: { 'kubernetes.io/hostname': `n${ordinal}` } },
    spec: { podCIDRs: [`10.244.${ordinal}.0/24`] },
    status: {
      addresses: [
        { type: 'Hostname', address: `n${ordinal}` },
        { type: 'InternalIP', address: `10.77.0.${10 + ordinal}` },
      ],
      conditions: [{ type: 'Ready', status: 'True' }],
      capacity: { cpu: '2', memory: '4Gi', 'ephemeral-storage': '50Gi' },
    },
    ...change,
  };
}

export function service(namespace: string, name: string, change: Partial<Service>): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, ...change };
}

export function pool(
  name: string,
  addresses: readonly string[],
  change: Partial<IPAddressPool['spec']> = {},
): IPAddressPool {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name, namespace: 'metallb-system' },
    spec: { addresses, ...change },
  };
}

export function advertisement(name: string, spec?: L2Advertisement['spec']): L2Advertisement {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'L2Advertisement',
    metadata: { name, namespace: 'metallb-system' },
    ...(spec === undefined ? {} : { spec }),
  };
}

export function speaker(onNode: string, ready = true): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `speaker-${onNode}`, namespace: 'metallb-system' },
    spec: { nodeName: onNode, containers: [] },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

/** A pod of the cluster, with one container. */
export function member(name: string, container: string, image: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'demo' },
    spec: { containers: [{ name: container, image }] },
  };
}

/** A claim of the MySQL pair. */
export function claim(size: string, storageClassName: string): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: 'data-demo-mysql-0',
      namespace: 'demo',
      labels: { 'app.kubernetes.io/component': 'mysql' },
    },
    spec: { storageClassName, resources: { requests: { storage: size } } },
  };
}

export const METALLB = {
  installed: true,
  namespace: 'metallb-system',
  pools: [pool('lab', ['10.77.0.90-10.77.0.110'])],
  advertisements: [advertisement('lab')],
  states: undefined,
  speakers: ['n1', 'n2', 'n3'].map((name) => speaker(name)),
} as const;

export function facts(change: Partial<PreflightFacts> = {}): PreflightFacts {
  return {
    cluster: sampleCluster(),
    allowedCIDRs: ['10.77.0.0/24'],
    namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo', labels: { team: 'noc' } } },
    nodes: [1, 2, 3].map((ordinal) => node(ordinal)),
    services: [],
    serviceCIDRs: ['10.96.0.0/16'],
    storageClasses: [
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: {
          name: 'lab-local',
          annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
        },
        provisioner: 'lab',
        allowVolumeExpansion: true,
      },
    ],
    metallb: METALLB,
    otherClusters: [],
    pods: [],
    claims: [],
    tlsSecret: undefined,
    ...change,
  };
}

/** The sample cluster with another Web IP. */
export function vip(change: Partial<SpaceClusterSpec['vip']>): SpaceCluster {
  return sampleCluster({ vip: { ...sampleCluster().spec.vip, ...change } });
}
