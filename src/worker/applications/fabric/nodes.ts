// The fabric's members as one list: who runs, where, in which role. Pure: heartbeats, role records and the ring's own view in.
import type { Component } from '../../../api/v1alpha1/names.ts';
import { assertNever } from '../../../errors.ts';

export type NodeStatus = 'UP' | 'DOWN' | 'UNKNOWN';

export interface FabricNode {
  /** The pod. */
  readonly name: string;
  readonly component: Component;
  /** `active`, `primary`, `standby`, `member` or `worker`. */
  readonly role: string;
  readonly status: NodeStatus;
  /** The Kubernetes node; empty while unknown. */
  readonly node: string;
}

/** A pod that beats, as the watch of the Leases tells. */
export interface BeatingPod {
  readonly pod: string;
  readonly component: string;
  readonly node: string;
  readonly dead: boolean;
  readonly silentMs: number;
}

/** A member of the ring, by its endpoint; `up` is undefined while the ring is not reached. */
export interface RingPod {
  readonly pod: string;
  readonly node: string;
  readonly up: boolean | undefined;
}

export interface FabricFacts {
  readonly beating: readonly BeatingPod[];
  /** Pod that holds the role; undefined while it is vacant. */
  readonly vipHolder: string | undefined;
  readonly mysqlPrimary: string | undefined;
  readonly ring: readonly RingPod[];
}

/** Silent for longer than any heartbeat period plus room, yet not proven dead: the API server is away, or we are. */
const UNSURE_AFTER_MS = 4_000;

export function fabricNodes(facts: FabricFacts): readonly FabricNode[] {
  const beating = facts.beating.flatMap((pod) => {
    const component = beatingComponent(pod.component);
    return component === undefined ? [] : [beatingNode(pod, component, facts)];
  });
  const ring = facts.ring.map(({ pod, node, up }): FabricNode => ({
    name: pod,
    component: 'cassandra',
    role: 'member',
    status: up === undefined ? 'UNKNOWN' : statusIf(up),
    node,
  }));
  return [...beating, ...ring].toSorted((left, right) => left.name.localeCompare(right.name));
}

type BeatingComponent = Exclude<Component, 'cassandra'>;

function beatingNode(pod: BeatingPod, component: BeatingComponent, facts: FabricFacts): FabricNode {
  return {
    name: pod.pod,
    component,
    role: roleOf(pod.pod, component, facts),
    status: pod.silentMs > UNSURE_AFTER_MS && !pod.dead ? 'UNKNOWN' : statusIf(!pod.dead),
    node: pod.node,
  };
}

function roleOf(pod: string, component: BeatingComponent, facts: FabricFacts): string {
  switch (component) {
    case 'worker':
      return 'worker';
    case 'loadbalancer':
      return pod === facts.vipHolder ? 'active' : 'standby';
    case 'mysql':
      return pod === facts.mysqlPrimary ? 'primary' : 'standby';
    case 'postgresql':
      return 'active';
    default:
      return assertNever(component);
  }
}

function statusIf(up: boolean): NodeStatus {
  return up ? 'UP' : 'DOWN';
}

const BEATING: readonly BeatingComponent[] = ['worker', 'loadbalancer', 'mysql', 'postgresql'];

function beatingComponent(label: string): BeatingComponent | undefined {
  return BEATING.find((component) => component === label);
}
