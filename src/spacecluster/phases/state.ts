// Phase: the `NAME-state` record exists and says what the role Leases say.
import { names } from '../../api/v1alpha1/names.ts';
import { ConfigMaps } from '../../kube/resources.ts';
import { nextState } from '../state.ts';
import type { Scope } from '../scope.ts';

/**
 * Written at the version that was seen: a cache that is behind loses the race, and the pass runs again (M2).
 * @returns the record's data: what an earlier life of the cluster left
 */
export async function ensureState(scope: Scope): Promise<Readonly<Record<string, string>>> {
  const existing = scope.view.configMap(names(scope.cluster.metadata.name).state);
  const next = nextState(scope.cluster, existing, scope.view.roleLeases);
  if (next === undefined) return existing?.data ?? {};
  const options = { signal: scope.signal };
  const written =
    existing === undefined
      ? await scope.kube.create(ConfigMaps, next, options)
      : await scope.kube.replace(ConfigMaps, next, options);
  return written.data ?? {};
}
