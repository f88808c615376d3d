// Phase: the `NAME-state` record exists and says what the role Leases say.
import { names } from '../../api/v1alpha1/names.ts';
import { isNotFound } from '../../errors.ts';
import { ConfigMaps } from '../../kube/resources.ts';
import type { ConfigMap } from '../../kube/types.ts';
import { nextState } from '../state.ts';
import type { Scope } from '../scope.ts';

/** @returns the record's data: what an earlier life of the cluster left. */
export async function ensureState(scope: Scope): Promise<Readonly<Record<string, string>>> {
  const existing = await readState(scope);
  const next = nextState(scope.cluster, existing, scope.view.roleLeases);
  if (next === undefined) return existing?.data ?? {};
  const options = { signal: scope.signal };
  const written =
    existing === undefined
      ? await scope.kube.create(ConfigMaps, next, options)
      : await scope.kube.replace(ConfigMaps, next, options);
  return written.data ?? {};
}

async function readState(scope: Scope): Promise<ConfigMap | undefined> {
  const { namespace, name } = scope.cluster.metadata;
  try {
    return await scope.kube.get(ConfigMaps, namespace, names(name).state, { signal: scope.signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
