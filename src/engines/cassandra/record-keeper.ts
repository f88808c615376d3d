// Writes the ring's record in `NAME-state`.
import { names } from '../../api/v1alpha1/names.ts';
import { isNotFound, WaitingError } from '../../errors.ts';
import { ConfigMaps } from '../../kube/resources.ts';
import type { EngineContext } from '../engine.ts';
import { decodeRecord, encodeRecord, STATE_KEY } from './record.ts';
import type { RingRecord } from './record.ts';

/**
 * A merge patch of the one key (the rest of `NAME-state` belongs to the reconciler), over the version just read: the cache
 * that the decision came from may be older than our own last write.
 * @returns the record as it is now
 */
export async function changeRecord(
  { kube, cluster, signal }: EngineContext,
  change: (record: RingRecord) => RingRecord,
): Promise<RingRecord> {
  const { namespace, name } = cluster.metadata;
  const { state } = names(name);
  try {
    const current = await kube.get(ConfigMaps, namespace, state, { signal });
    const before = decodeRecord(current.data?.[STATE_KEY]);
    const changed = change(before);
    const after = encodeRecord(changed);
    if (after === encodeRecord(before)) return before;
    const patch = {
      metadata: { resourceVersion: current.metadata.resourceVersion },
      data: { [STATE_KEY]: after },
    };
    await kube.mergePatch(ConfigMaps, namespace, state, patch, { signal });
    return changed;
  } catch (error) {
    if (isNotFound(error)) throw new WaitingError('StateMissing', `ConfigMap ${state} is not there yet`);
    throw error;
  }
}
