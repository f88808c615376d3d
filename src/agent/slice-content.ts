// What the routing EndpointSlice of a Service shall say, decided from what it says (pure). No older epoch overrules a newer (L2).
import { ANNOTATIONS } from '../api/v1alpha1/names.ts';
import type { Endpoint, EndpointSlice } from '../kube/types.ts';
import type { Identity } from './identity.ts';

/** `write`: put this in place. `same`: it says so already. `refused`: it carries a newer epoch than the caller's. */
export type SliceDecision =
  | { readonly kind: 'write'; readonly slice: EndpointSlice }
  | { readonly kind: 'same' }
  | { readonly kind: 'refused'; readonly epoch: number };

export type SliceChange = (slice: EndpointSlice) => SliceDecision;

/** This pod as an endpoint. `nodeName` is what makes the Web IP follow it. */
export function endpointOf(identity: Identity): Endpoint {
  return {
    addresses: [identity.ip],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: identity.node,
    targetRef: { kind: 'Pod', namespace: identity.namespace, name: identity.pod, uid: identity.uid },
  };
}

/** Epoch of the holder that last wrote the slice; 0 before the first. */
export function epochOf(slice: EndpointSlice): number {
  const epoch = Number(slice.metadata.annotations?.[ANNOTATIONS.epoch] ?? '0');
  return Number.isSafeInteger(epoch) ? epoch : 0;
}

/** Exactly this endpoint, under this epoch. */
export function sole(endpoint: Endpoint, epoch: number): SliceChange {
  return (slice) => {
    if (epochOf(slice) > epoch) return { kind: 'refused', epoch: epochOf(slice) };
    const [first, ...rest] = slice.endpoints ?? [];
    if (
      epochOf(slice) === epoch &&
      rest.length === 0 &&
      first !== undefined &&
      sameEndpoint(first, endpoint)
    ) {
      return { kind: 'same' };
    }
    const annotations = { ...slice.metadata.annotations, [ANNOTATIONS.epoch]: String(epoch) };
    return {
      kind: 'write',
      slice: { ...slice, metadata: { ...slice.metadata, annotations }, endpoints: [endpoint] },
    };
  };
}

/** This endpoint beside those of other pods; an older one of the same pod goes. */
export function including(endpoint: Endpoint): SliceChange {
  return (slice) => {
    const present = slice.endpoints ?? [];
    const own = present.filter((each) => podOf(each) === podOf(endpoint));
    if (own.length === 1 && own[0] !== undefined && sameEndpoint(own[0], endpoint)) return { kind: 'same' };
    const others = present.filter((each) => podOf(each) !== podOf(endpoint));
    return { kind: 'write', slice: { ...slice, endpoints: [...others, endpoint] } };
  };
}

/** Without any endpoint of `pod`; with `uid`, only of that very pod. */
export function without(pod: string, uid?: string): SliceChange {
  return (slice) => {
    const present = slice.endpoints ?? [];
    const endpoints = present.filter(
      (each) => podOf(each) !== pod || (uid !== undefined && each.targetRef?.uid !== uid),
    );
    return endpoints.length === present.length
      ? { kind: 'same' }
      : { kind: 'write', slice: { ...slice, endpoints } };
  };
}

function podOf(endpoint: Endpoint): string | undefined {
  return endpoint.targetRef?.name;
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.targetRef?.uid === b.targetRef?.uid &&
    a.nodeName === b.nodeName &&
    a.conditions?.ready === b.conditions?.ready &&
    a.addresses.join() === b.addresses.join()
  );
}
