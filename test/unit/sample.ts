// A SpaceCluster as the API server hands it out, defaults applied: the starting point of unit tests.
import type { SpaceCluster, SpaceClusterSpec } from '../../src/api/v1alpha1/index.ts';

const SPEC: SpaceClusterSpec = {
  vip: { address: '10.77.0.100', cidr: '10.77.0.0/24', managePool: false, subnetCheck: 'Enforce' },
  workers: { replicas: 3 },
  mysql: { durability: 'Preferred', storage: { size: '2Gi' } },
  postgresql: { soloAfter: '60s', storage: { size: '2Gi' } },
  cassandra: { replicas: 3, storage: { size: '2Gi' } },
  failureDetection: { profile: 'Auto' },
  antiAffinity: 'Required',
  requirements: {},
  tls: {},
  images: {
    mysql: 'docker.io/library/mysql:9.7',
    postgresql: 'docker.io/library/postgres:18',
    cassandra: 'docker.io/library/cassandra:5.0',
    haproxy: 'docker.io/library/haproxy:3.2',
  },
  resources: {},
  deletionPolicy: 'Retain',
  paused: false,
};

/** `demo` in namespace `demo`, with the given parts of the spec in place of the defaults. */
export function sampleCluster(
  spec: Partial<SpaceClusterSpec> = {},
  status?: SpaceCluster['status'],
): SpaceCluster {
  return {
    apiVersion: 'spacecluster.dev/v1alpha1',
    kind: 'SpaceCluster',
    metadata: { name: 'demo', namespace: 'demo', uid: '5f1c1a9e-0000-4000-8000-000000000001', generation: 1 },
    spec: { ...SPEC, ...spec },
    ...(status === undefined ? {} : { status }),
  };
}
