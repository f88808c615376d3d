// Which pods on a lost node are given up, so that Kubernetes makes them anew elsewhere: it waits for the node for ever else.
// Only pods without volumes: two balancers do no harm, and a worker that comes back is fenced by its rows; a database is not
// started twice on a guess. Pure.
import type { Component } from '../api/v1alpha1/names.ts';

/** Milliseconds. */
const LOST_MS = 60_000;
const WITHOUT_VOLUMES: readonly Component[] = ['loadbalancer', 'worker'];

/** All times by the operator's own steady clock: how long it has itself seen it so. Stamps of other machines are not compared. */
export interface PodOnLostNode {
  readonly pod: string;
  readonly uid: string;
  readonly component: string | undefined;
  readonly claims: boolean;
  /** The node has not been Ready for so long. */
  readonly nodeSilentMs: number;
  /** The kubelet has not renewed the node's Lease for so long. */
  readonly nodeLeaseMs: number;
  /** The pod has not renewed its heartbeat for so long. */
  readonly heartbeatMs: number;
}

/** Are so many nodes silent that the fault is rather on this side of the network? */
export function mostAreSilent(nodes: number, silent: number): boolean {
  return silent * 2 > nodes;
}

export function givenUp(pods: readonly PodOnLostNode[]): readonly PodOnLostNode[] {
  return pods.filter(
    ({ component, claims, nodeSilentMs, nodeLeaseMs, heartbeatMs }) =>
      !claims &&
      WITHOUT_VOLUMES.some((each) => each === component) &&
      nodeSilentMs >= LOST_MS &&
      nodeLeaseMs >= LOST_MS &&
      heartbeatMs >= LOST_MS,
  );
}
