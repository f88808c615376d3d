// Pure: which workers HAProxy shall know, from the endpoints Kubernetes lists and from their heartbeats.
import { ordinalOf } from '../../agent/identity.ts';
import type { Endpoint, EndpointSlice } from '../../kube/types.ts';
import type { Member } from './config.ts';

/**
 * Every worker with an address, in the order of their ordinals (both balancers must agree on it). Whether one is ready is
 * HAProxy's own check to tell; here only those that end or are taken for dead are kept from new requests.
 */
export function membersOf(
  slices: readonly EndpointSlice[],
  isDead: (pod: string, uid: string) => boolean,
): readonly Member[] {
  const byPod = new Map<string, Endpoint>();
  for (const endpoint of slices.flatMap((slice) => slice.endpoints ?? [])) {
    const pod = endpoint.targetRef?.name;
    if (pod === undefined || endpoint.addresses[0] === undefined) continue;
    // For a moment an old and a new pod of one name may both be listed.
    const known = byPod.get(pod);
    if (known === undefined || known.conditions?.terminating === true) byPod.set(pod, endpoint);
  }
  return [...byPod]
    .toSorted(([a], [b]) => ordinalOf(a) - ordinalOf(b))
    .map(([name, endpoint]) => ({
      name,
      address: endpoint.addresses[0] ?? '',
      accepts: endpoint.conditions?.terminating !== true && !isDead(name, endpoint.targetRef?.uid ?? ''),
    }));
}
