// Which nodes may carry a part of the cluster, and which of them a load balancer. Every check that counts nodes asks here.
import type { Node } from '../../kube/types.ts';
import type { PreflightFacts } from './facts.ts';

/** MetalLB announces nothing from a node with this label; the load balancers stay off such nodes. */
export const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Taints that Kubernetes sets and takes off by itself: they say how a node is, not what it is for. */
const PASSING = 'node.kubernetes.io/';

/**
 * Nodes that may carry a part. Before the first start a node must be ready now; of a cluster that runs already, a node
 * that is down or drained for a while still counts, so that its loss does not hold back changes (R4).
 */
export function candidates(facts: PreflightFacts): readonly Node[] {
  const running = facts.pods.length > 0;
  return facts.nodes.filter((node) => !reserved(node) && (running || (isReady(node) && !cordoned(node))));
}

export function balancerCandidates(facts: PreflightFacts): readonly Node[] {
  return candidates(facts).filter(({ metadata }) => metadata.labels?.[EXCLUDED] === undefined);
}

/** The nodes that are no candidates, each with the reason. */
export function whyNot(facts: PreflightFacts): string {
  const counted = new Set(candidates(facts).map(({ metadata }) => metadata.name));
  return facts.nodes
    .filter(({ metadata }) => !counted.has(metadata.name))
    .map((node) => `${node.metadata.name} ${reasonOf(node)}`)
    .join(', ');
}

/** The node's first IPv4 InternalIP. */
export function internalIPv4(node: Node): string | undefined {
  return node.status?.addresses?.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))
    ?.address;
}

export function nameList(nodes: readonly Node[]): string {
  return nodes.map(({ metadata }) => metadata.name).join(', ') || 'none';
}

function reasonOf(node: Node): string {
  if (reserved(node)) return 'is tainted';
  return cordoned(node) ? 'is cordoned' : 'is not Ready';
}

function reserved(node: Node): boolean {
  return (node.spec?.taints ?? []).some(
    ({ key, effect }) => effect !== 'PreferNoSchedule' && !key.startsWith(PASSING),
  );
}

function cordoned(node: Node): boolean {
  return node.spec?.unschedulable === true;
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}
