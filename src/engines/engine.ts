// The contract between the reconciler and an engine (one of the five parts): the same files and functions in each.
import type { Logger } from '../log.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ConfigMap, EndpointSlice, KubeObject, Lease, Pod, Secret, StatefulSet } from '../kube/types.ts';
import type { SpaceCluster, SpaceClusterStatus } from '../api/v1alpha1/index.ts';
import type { Component } from '../api/v1alpha1/names.ts';
import type { RenewalWish } from './shared/renewal.ts';

/** All that an engine's pure specs depend on. The same input gives the same objects, byte for byte (R1). */
export interface SpecInput {
  readonly cluster: SpaceCluster;
  /** Reference of the product's own image: agents and workers run from it. */
  readonly productImage: string;
}

/** What the operator's caches hold of one cluster. Plain data, possibly a moment old. */
export interface ClusterView {
  readonly pods: readonly Pod[];
  readonly statefulSets: readonly StatefulSet[];
  /** Role records only: the operator does not watch heartbeats. */
  readonly roleLeases: readonly Lease[];
  readonly slices: readonly EndpointSlice[];
  secret(name: string): Secret | undefined;
  configMap(name: string): ConfigMap | undefined;
}

export interface EngineContext {
  readonly cluster: SpaceCluster;
  readonly view: ClusterView;
  readonly kube: KubeClient;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** An engine's word on itself: becomes the condition `TYPE` and its part of `status`. */
export interface Assessment {
  readonly ready: boolean;
  /** Could this engine lose any one of its nodes and go on? */
  readonly faultTolerant: boolean;
  /** CamelCase, stable: `Serving`, `Bootstrapping`, `MemberDown` ... */
  readonly reason: string;
  /** For people: what was wanted, what was found, where. Free of counters and times, so that it changes only with the facts. */
  readonly message: string;
  /** What the operator is at although the part serves: keeps `Reconciling` True, and the next look near. */
  readonly working?: string;
  readonly status: Partial<SpaceClusterStatus>;
}

/**
 * One of the five parts, as the reconciler sees it. `O` is what `gather` saw: plain data.
 * The flow is specs -> (apply) -> gather -> operate -> renewal -> assess.
 */
export interface Engine<O = unknown> {
  readonly component: Component;
  readonly condition:
    'LoadBalancerReady' | 'MySQLReady' | 'PostgreSQLReady' | 'CassandraReady' | 'WorkersReady';
  /** Pure: every object of the part, ready to be applied. Heartbeat Leases, role records and slices come from `presets`. */
  specs(input: SpecInput): readonly KubeObject[];
  /**
   * Pure: objects that are created once when missing and then belong to the agents (Leases, EndpointSlices). Never applied
   * again, so that no hand-over is undone (L2). `state` is the `NAME-state` record of an earlier life of the cluster (R3).
   */
  presets(cluster: SpaceCluster, state: Readonly<Record<string, string>>): readonly KubeObject[];
  /** Reads the part's state, over the engine's own protocol where the caches do not tell. */
  gather(context: EngineContext): Promise<O>;
  /** Does the next thing the operator (not an agent) has to do, if any: roles and keyspaces, scaling. Must be repeatable. */
  operate(observed: O, context: EngineContext): Promise<void>;
  /** Pure: what the order has to respect in which the part's pods are made anew (shared/renewal.ts). */
  renewal(observed: O): RenewalWish;
  /** Pure. */
  assess(observed: O, cluster: SpaceCluster): Assessment;
}
