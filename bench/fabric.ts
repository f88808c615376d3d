// How long a fabric takes from apply to Ready with the images present, and which part is waited for.
import { condition, makeNamespace, manifest, untilSettled } from '../test/integration/fabric.ts';
import type { Fabric } from '../test/integration/fabric.ts';
import { mustKubectl } from '../test/integration/kubectl.ts';
import type { KubeClient } from '../src/kube/client.ts';
import type { SpaceCluster } from '../src/api/v1alpha1/index.ts';
import { SpaceClusters } from '../src/api/v1alpha1/index.ts';
import { seconds } from './measure.ts';
import type { Figure } from './measure.ts';

const PARTS = [
  'PreflightPassed',
  'LoadBalancerReady',
  'VIPAnnounced',
  'MySQLReady',
  'PostgreSQLReady',
  'CassandraReady',
  'WorkersReady',
];
const BOUND_MS = 600_000;

export const FABRIC: Fabric = { namespace: 'bench', name: 'bench', address: '10.77.0.130' };

/** Leaves the fabric running, for the measurements that follow. */
export async function applyToReady(kube: KubeClient): Promise<Figure> {
  await makeNamespace(FABRIC.namespace);
  const spec = { workers: { replicas: 3 }, mysql: { storage: { size: '2Gi' } } };
  const started = Date.now();
  await mustKubectl(['apply', '-f', '-'], manifest(FABRIC, spec));
  await untilSettled(kube, FABRIC, BOUND_MS);
  const took = Date.now() - started;
  const cluster = await kube.get(SpaceClusters, FABRIC.namespace, FABRIC.name);
  return {
    what: 'apply to Ready, images present, 3 workers and 3 Cassandra members',
    reached: seconds(took),
    wanted: 'under 120 s',
    how: PARTS.map((type) => `${type} ${seconds(since(cluster, type, started))}`).join(', '),
  };
}

function since(cluster: SpaceCluster, type: string, started: number): number {
  return Date.parse(condition(cluster, type)?.lastTransitionTime ?? '') - started;
}

export async function patchFabric(spec: object): Promise<void> {
  const { namespace, name } = FABRIC;
  const patch = JSON.stringify({ spec });
  await mustKubectl(['-n', namespace, 'patch', 'spacecluster', name, '--type=merge', '-p', patch]);
}

export async function removeFabric(): Promise<void> {
  await patchFabric({ deletionPolicy: 'Delete' });
  await mustKubectl(['delete', 'namespace', FABRIC.namespace, '--timeout=180s']);
}
