// Phase: the objects of the five parts, and the Web IP's pool, are what the spec says.
import { clusterWideObjects } from '../../engines/loadbalancer/index.ts';
import type { SpecInput } from '../../engines/engine.ts';
import { WaitingError } from '../../errors.ts';
import { PersistentVolumeClaims, StatefulSets } from '../../kube/resources.ts';
import type { KubeObject, StatefulSet } from '../../kube/types.ts';
import { engines } from '../engines.ts';
import { growthOf } from '../growth.ts';
import type { Scope } from '../scope.ts';

/**
 * Leases and slices are created when missing and never touched again: they belong to the agents. All else is applied, which
 * also puts hand-made changes right.
 */
export async function ensureParts(scope: Scope, state: Readonly<Record<string, string>>): Promise<void> {
  const input: SpecInput = { cluster: scope.cluster, productImage: scope.productImage };
  // To the end, whatever one of them meets: nothing of this pass may still run when the next one begins.
  const ended = await Promise.allSettled([
    ensurePool(scope),
    ...engines.map(async (engine) => {
      for (const object of engine.presets(scope.cluster, state)) {
        await scope.applier.ensureCreated(object, scope.signal);
      }
      for (const object of engine.specs(input)) {
        if (isStatefulSet(object)) await growVolumes(scope, object);
        await scope.applier.ensure(object, scope.signal);
      }
    }),
  ]);
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function ensurePool(scope: Scope): Promise<void> {
  for (const object of clusterWideObjects(scope.cluster, scope.settings.metallbNamespace)) {
    if (scope.cluster.spec.vip.managePool) await scope.applier.ensure(object, scope.signal);
    else if (scope.lookup(object) !== undefined) await scope.applier.ensureAbsent(object, scope.signal);
  }
}

/** Claims first, then the set without its pods: an interruption in between is taken up by the next pass. */
async function growVolumes(scope: Scope, desired: StatefulSet): Promise<void> {
  const live = scope.view.statefulSets.find((set) => set.metadata.name === desired.metadata.name);
  if (!growthOf(desired, live, []).remake) return;
  const { namespace, signal } = { namespace: scope.cluster.metadata.namespace, signal: scope.signal };
  const { items } = await scope.kube.list(PersistentVolumeClaims, { namespace }, { signal });
  for (const { name, size } of growthOf(desired, live, items).claims) {
    scope.log.info('volume grows', { claim: name, size });
    await scope.kube.mergePatch(
      PersistentVolumeClaims,
      namespace,
      name,
      { spec: { resources: { requests: { storage: size } } } },
      { signal },
    );
  }
  const { uid } = live?.metadata ?? {};
  await scope.kube.delete(StatefulSets, namespace, desired.metadata.name, {
    signal,
    propagation: 'Orphan',
    ...(uid === undefined ? {} : { uid }),
  });
  throw new WaitingError(
    'GrowingVolumes',
    `StatefulSet ${desired.metadata.name} is made anew with larger volumes`,
    500,
  );
}

function isStatefulSet(object: KubeObject): object is StatefulSet {
  return object.kind === StatefulSets.kind;
}
