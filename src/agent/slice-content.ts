// What the routing EndpointSlice of a Service shall say, decided from what it says (pure). No older epoch overrules a newer (L2).
import { ANNOTATIONS } from '../api/v1alpha1/names.ts';
import { readyEndpoint } from '../kube/ready-endpoint.ts';
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

/**
 * An endpoint behind the one that leads: its node routes to it whatever still arrives there for an external address, and nothing else
 * does. kube-proxy takes a local endpoint that is serving and terminating where none is ready (KEP-1669), `serving` being true unless
 * denied; MetalLB, to which it is not, announces nothing for it.
 */
function behind(endpoint: Endpoint): Endpoint {
  return { ...endpoint, conditions: { ready: false, terminating: true } };
}

/** Epoch of the holder that last wrote the slice; 0 before the first. */
export function epochOf(slice: EndpointSlice): number {
  const epoch = Number(slice.metadata.annotations?.[ANNOTATIONS.epoch] ?? '0');
  return Number.isSafeInteger(epoch) ? epoch : 0;
}

/** Exactly this endpoint, under this epoch. */
export function sole(endpoint: Endpoint, epoch: number): SliceChange {
  return (slice) => lead(slice, [endpoint], epoch);
}

/** This endpoint first, under this epoch; those of other pods stay, behind it. */
export function leading(endpoint: Endpoint, epoch: number): SliceChange {
  return (slice) => lead(slice, [endpoint, ...othersThan(endpoint, slice).map(behind)], epoch);
}

/** This endpoint behind the one that leads. Nobody who leads is touched, neither itself nor an earlier pod of its name. */
export function following(endpoint: Endpoint): SliceChange {
  return (slice) => {
    const leader = readyEndpoint(slice);
    if (leader?.targetRef?.uid === endpoint.targetRef?.uid) return { kind: 'same' };
    const others = (slice.endpoints ?? []).filter(
      (each) => each === leader || podOf(each) !== podOf(endpoint),
    );
    return bring(slice, [...others, behind(endpoint)]);
  };
}

/** This endpoint beside those of other pods; an older one of the same pod goes. */
export function including(endpoint: Endpoint): SliceChange {
  return (slice) => {
    const present = slice.endpoints ?? [];
    const own = present.filter((each) => podOf(each) === podOf(endpoint));
    if (own.length === 1 && own[0] !== undefined && sameEndpoint(own[0], endpoint)) return { kind: 'same' };
    return bring(slice, [...othersThan(endpoint, slice), endpoint]);
  };
}

/** Without any endpoint of `pod`; with `uid`, only of that very pod. */
export function without(pod: string, uid?: string): SliceChange {
  return (slice) => {
    const present = slice.endpoints ?? [];
    const endpoints = present.filter(
      (each) => podOf(each) !== pod || (uid !== undefined && each.targetRef?.uid !== uid),
    );
    return bring(slice, endpoints);
  };
}

function lead(slice: EndpointSlice, endpoints: readonly Endpoint[], epoch: number): SliceDecision {
  const before = epochOf(slice);
  if (before > epoch) return { kind: 'refused', epoch: before };
  if (before === epoch) return bring(slice, endpoints);
  const annotations = { ...slice.metadata.annotations, [ANNOTATIONS.epoch]: String(epoch) };
  return { kind: 'write', slice: { ...slice, metadata: { ...slice.metadata, annotations }, endpoints } };
}

function bring(slice: EndpointSlice, endpoints: readonly Endpoint[]): SliceDecision {
  const present = slice.endpoints ?? [];
  const same =
    present.length === endpoints.length &&
    present.every((each, index) => sameEndpoint(each, endpoints[index]));
  return same ? { kind: 'same' } : { kind: 'write', slice: { ...slice, endpoints } };
}

function othersThan(endpoint: Endpoint, { endpoints }: EndpointSlice): readonly Endpoint[] {
  return (endpoints ?? []).filter((each) => podOf(each) !== podOf(endpoint));
}

function podOf(endpoint: Endpoint): string | undefined {
  return endpoint.targetRef?.name;
}

function sameEndpoint(a: Endpoint, b: Endpoint | undefined): boolean {
  return (
    a.targetRef?.uid === b?.targetRef?.uid &&
    a.nodeName === b?.nodeName &&
    a.conditions?.ready === b?.conditions?.ready &&
    a.conditions?.serving === b?.conditions?.serving &&
    a.conditions?.terminating === b?.conditions?.terminating &&
    a.addresses.join() === b?.addresses.join()
  );
}
