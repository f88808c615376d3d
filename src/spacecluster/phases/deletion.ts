// Phase list of a cluster that is being deleted: stop the parts, remember what must outlive them, remove what may go (R3).
import { FINALIZER, names, objectLabels } from '../../api/v1alpha1/names.ts';
import { SpaceClusters } from '../../api/v1alpha1/index.ts';
import { isNotFound, WaitingError } from '../../errors.ts';
import { clusterWideObjects } from '../../engines/loadbalancer/index.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import {
  ConfigMaps,
  Namespaces,
  PersistentVolumeClaims,
  Pods,
  resourceOf,
  Secrets,
  StatefulSets,
} from '../../kube/resources.ts';
import { removeFinalizer } from '../../kube/finalizers.ts';
import type { Scope } from '../scope.ts';
import { ensureState } from './state.ts';

/** How often a deletion that waits for pods looks again. */
const POLL_MS = 1_000;

export async function finalize(scope: Scope): Promise<void> {
  if (!(scope.cluster.metadata.finalizers ?? []).includes(FINALIZER)) return;
  await stopParts(scope);
  if (scope.cluster.spec.deletionPolicy === 'Delete') {
    await deleteData(scope);
  } else if (!(await namespaceEnds(scope))) {
    // Last word of the role Leases, after every pod is gone: who has every acknowledged commit (M2).
    await ensureState(scope);
  }
  for (const object of clusterWideObjects(scope.cluster, scope.settings.metallbNamespace))
    await remove(scope, object);
  await removeFinalizer(scope.kube, SpaceClusters, scope.cluster, FINALIZER, scope.signal);
  scope.log.info('cluster finalized', { deletionPolicy: scope.cluster.spec.deletionPolicy });
}

/** With its namespace everything goes, and nothing new can be written there: there is nothing to remember. */
async function namespaceEnds(scope: Scope): Promise<boolean> {
  const { namespace } = scope.cluster.metadata;
  const { metadata } = await scope.kube.get(Namespaces, undefined, namespace, { signal: scope.signal });
  return metadata.deletionTimestamp !== undefined;
}

/** Ends all pods before anything else goes, so that no member outlives its Leases, Secrets or volumes. */
async function stopParts(scope: Scope): Promise<void> {
  for (const set of scope.view.statefulSets) {
    if (set.metadata.deletionTimestamp === undefined) await remove(scope, set);
  }
  const { items } = await scope.kube.list(Pods, ownObjects(scope), { signal: scope.signal });
  if (items.length > 0) {
    throw new WaitingError('StoppingPods', `waiting for ${items.length} pods to end`, POLL_MS);
  }
  const left = await scope.kube.list(StatefulSets, ownObjects(scope), { signal: scope.signal });
  if (left.items.length > 0)
    throw new WaitingError('StoppingPods', 'waiting for the StatefulSets to go', POLL_MS);
}

async function deleteData(scope: Scope): Promise<void> {
  await removeAll(scope, PersistentVolumeClaims);
  await removeAll(scope, Secrets);
  await remove(scope, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: names(scope.cluster.metadata.name).state, namespace: scope.cluster.metadata.namespace },
  });
  await removeAll(scope, ConfigMaps);
}

async function removeAll<T extends KubeObject>(scope: Scope, type: ResourceType<T>): Promise<void> {
  const { items } = await scope.kube.list(type, ownObjects(scope), { signal: scope.signal });
  // List items carry no kind of their own.
  for (const item of items)
    await remove(scope, { apiVersion: type.apiVersion, kind: type.kind, metadata: item.metadata });
}

async function remove(scope: Scope, object: KubeObject): Promise<void> {
  const type = resourceOf(object);
  if (type === undefined) return;
  try {
    await scope.kube.delete(type, object.metadata.namespace, object.metadata.name, {
      signal: scope.signal,
      propagation: 'Background',
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Objects that carry the cluster's labels: its own, and nobody else's. */
function ownObjects(scope: Scope): { readonly namespace: string; readonly labelSelector: string } {
  const labels = { ...objectLabels(scope.cluster.metadata.name) };
  return {
    namespace: scope.cluster.metadata.namespace,
    labelSelector: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  };
}
