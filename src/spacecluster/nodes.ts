// The nodes a cluster lives on, as status shows them: up or down, and which roles each carries. Pure.
import type { SpaceClusterStatus } from '../api/v1alpha1/index.ts';
import type { Lease, Node, Pod } from '../kube/types.ts';

type NodeStatus = NonNullable<SpaceClusterStatus['nodes']>[number];

const COMPONENT = 'app.kubernetes.io/component';

/** Sorted by name; a holder of a role shows as `mysql:primary`, a pod without one as its component. */
export function nodeStatuses(
  pods: readonly Pod[],
  nodes: readonly Node[],
  roleLeases: readonly Lease[],
): readonly NodeStatus[] {
  const holders = new Set(roleLeases.map((lease) => lease.spec?.holderIdentity?.split('/')[0] ?? ''));
  const roles = new Map<string, Set<string>>();
  for (const pod of pods) {
    const node = pod.spec?.nodeName;
    const component = pod.metadata.labels?.[COMPONENT];
    if (node === undefined || component === undefined) continue;
    const role = holders.has(pod.metadata.name) ? (HOLDER[component] ?? component) : component;
    roles.set(node, (roles.get(node) ?? new Set()).add(role));
  }
  return [...roles.keys()].toSorted().map((name) => ({
    name,
    status: upOrDown(nodes.find((node) => node.metadata.name === name)),
    roles: [...(roles.get(name) ?? [])].toSorted(),
  }));
}

const HOLDER: Readonly<Record<string, string>> = {
  mysql: 'mysql:primary',
  loadbalancer: 'loadbalancer:active',
  worker: 'worker:coordinator',
};

/** UNKNOWN where the node's own word is old: the control plane has lost it. */
function upOrDown(node: Node | undefined): NodeStatus['status'] {
  const ready = node?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  if (ready === 'True') return 'UP';
  return ready === 'False' ? 'DOWN' : 'UNKNOWN';
}
