import { describe, expect, test } from '@jest/globals';
import { readyEndpoint } from '../kube/ready-endpoint.ts';
import type { EndpointSlice } from '../kube/types.ts';
import type { Identity } from './identity.ts';
import { endpointOf, following, including, leading, sole, without } from './slice-content.ts';
import type { SliceDecision } from './slice-content.ts';

const EMPTY: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'demo-vip', resourceVersion: '1' },
  addressType: 'IPv4',
  endpoints: [],
};

function pod(name: string, uid = '1', ip = '10.1.0.1'): Identity {
  return { cluster: 'demo', namespace: 'demo', pod: name, uid, ip, node: `node-of-${name}` };
}

function after(decision: SliceDecision): EndpointSlice {
  if (decision.kind !== 'write') throw new Error(`expected a write, got ${decision.kind}`);
  return decision.slice;
}

function podsIn(slice: EndpointSlice): readonly (string | undefined)[] {
  return (slice.endpoints ?? []).map((each) => each.targetRef?.name);
}

describe('the one endpoint of a role', () => {
  const a = endpointOf(pod('a'));
  const b = endpointOf(pod('b'));

  test('replaces whatever was there, and carries node and epoch', () => {
    const slice = after(sole(b, 2)(after(sole(a, 1)(EMPTY))));
    expect(slice.endpoints).toEqual([b]);
    expect(slice.endpoints?.[0]?.nodeName).toBe('node-of-b');
    expect(slice.metadata.annotations).toEqual({ 'spacecluster.dev/epoch': '2' });
    expect(slice.metadata.resourceVersion).toBe('1');
  });

  test('an older epoch is refused (L2)', () => {
    const slice = after(sole(b, 2)(EMPTY));
    expect(sole(a, 1)(slice)).toEqual({ kind: 'refused', epoch: 2 });
  });

  test('is not written twice', () => {
    const slice = after(sole(a, 1)(EMPTY));
    expect(sole(a, 1)(slice)).toEqual({ kind: 'same' });
    expect(sole(a, 2)(slice).kind).toBe('write');
    expect(sole(endpointOf(pod('a', '1', '10.1.0.9')), 1)(slice).kind).toBe('write');
  });
});

describe('the endpoint that leads, and those behind it', () => {
  const a = endpointOf(pod('a'));
  const b = endpointOf(pod('b', '2', '10.1.0.2'));
  const withB = after(following(b)(after(leading(a, 1)(EMPTY))));

  test('one is ready; the other is so for nobody but its own node', () => {
    expect(withB.endpoints).toEqual([a, { ...b, conditions: { ready: false, terminating: true } }]);
    expect(readyEndpoint(withB)).toEqual(a);
    expect(following(b)(withB)).toEqual({ kind: 'same' });
    expect(leading(a, 1)(withB)).toEqual({ kind: 'same' });
  });

  test('a new holder changes places with the old one in one write', () => {
    const moved = after(leading(b, 2)(withB));
    expect(moved.endpoints).toEqual([b, { ...a, conditions: { ready: false, terminating: true } }]);
    expect(moved.metadata.annotations).toEqual({ 'spacecluster.dev/epoch': '2' });
    expect(leading(a, 1)(moved)).toEqual({ kind: 'refused', epoch: 2 });
  });

  test('who leads is not put behind by itself, nor by its successor of the same name', () => {
    expect(following(a)(withB)).toEqual({ kind: 'same' });
    const successor = endpointOf(pod('a', '3', '10.1.0.3'));
    const both = after(following(successor)(withB));
    expect(readyEndpoint(both)).toEqual(a);
    expect(podsIn(both)).toEqual(['a', 'b', 'a']);
    expect(podsIn(after(following(successor)(after(leading(b, 2)(both)))))).toEqual(['b', 'a']);
  });

  test('what others made of it is put right', () => {
    const tampered = { ...withB, endpoints: [a, { ...b, conditions: { ready: false, serving: true } }] };
    expect(after(following(b)(tampered)).endpoints).toEqual(withB.endpoints);
    expect(after(leading(a, 1)(tampered)).endpoints).toEqual(withB.endpoints);
  });
});

describe('members beside each other', () => {
  test('a member adds itself once, and replaces its own older pod', () => {
    const first = after(including(endpointOf(pod('a')))(EMPTY));
    const both = after(including(endpointOf(pod('b')))(first));
    expect(podsIn(both)).toEqual(['a', 'b']);
    expect(including(endpointOf(pod('b')))(both)).toEqual({ kind: 'same' });
    const renewed = after(including(endpointOf(pod('a', '2', '10.1.0.7')))(both));
    expect(podsIn(renewed)).toEqual(['b', 'a']);
    expect(renewed.endpoints?.at(-1)?.addresses).toEqual(['10.1.0.7']);
  });

  test('a pod is taken out, and nobody else', () => {
    const both = after(including(endpointOf(pod('b')))(after(including(endpointOf(pod('a')))(EMPTY))));
    expect(podsIn(after(without('a')(both)))).toEqual(['b']);
    expect(without('c')(both)).toEqual({ kind: 'same' });
  });

  test('a pod withdraws only itself, not its successor of the same name', () => {
    const successor = after(including(endpointOf(pod('a', '2')))(EMPTY));
    expect(without('a', '1')(successor)).toEqual({ kind: 'same' });
    expect(podsIn(after(without('a', '2')(successor)))).toEqual([]);
  });
});
