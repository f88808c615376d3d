// Checks of the nodes: inside the Web IP's subnet, enough of them for the anti-affinity, and big enough.
import { parseQuantity } from '../../kube/quantity.ts';
import type { Node } from '../../kube/types.ts';
import { contains } from './addresses.ts';
import { balancerCandidates, candidates, internalIPv4, nameList, whyNot } from './candidates.ts';
import { fail, PASS, warn } from './check.ts';
import type { Check } from './check.ts';
import type { PreflightFacts } from './facts.ts';

/** A balancer on a node of another subnet could not answer for the Web IP. */
export const insideSubnet: Check = (facts) => {
  const { cidr, subnetCheck } = facts.cluster.spec.vip;
  const outside = balancerCandidates(facts).filter((node) => !contains(cidr, internalIPv4(node) ?? ''));
  if (outside.length === 0) return PASS;
  const found = outside
    .map((node) => `${node.metadata.name} has ${internalIPv4(node) ?? 'no IPv4 address'}`)
    .join(', ');
  const say = subnetCheck === 'Enforce' ? fail : warn;
  return say(
    'NodesOutsideSubnet',
    `spec.vip.cidr: every node that can carry a load balancer must be in ${cidr}; ${found}`,
  );
};

export const enoughNodes: Check = (facts) => {
  const { antiAffinity, cassandra } = facts.cluster.spec;
  const required = antiAffinity === 'Required';
  return (
    shortage(facts, candidates(facts), required ? 2 : 1, 'the MySQL and PostgreSQL pairs') ??
    shortage(facts, balancerCandidates(facts), required ? 2 : 1, 'the load balancer pair') ??
    shortage(
      facts,
      candidates(facts),
      required ? cassandra.replicas : 1,
      `${cassandra.replicas} Cassandra members`,
    ) ??
    PASS
  );
};

function shortage(
  facts: PreflightFacts,
  found: readonly Node[],
  wanted: number,
  part: string,
): ReturnType<Check> | undefined {
  if (found.length >= wanted) return undefined;
  const others = whyNot(facts);
  return fail(
    'NotEnoughNodes',
    `spec.antiAffinity: ${facts.cluster.spec.antiAffinity} asks for ${wanted} nodes for ${part}, ` +
      `${found.length} can carry them (${nameList(found)}${others === '' ? '' : `; ${others}`})`,
  );
}

const AMOUNTS = [
  { field: 'cpu', resource: 'cpu' },
  { field: 'memory', resource: 'memory' },
  { field: 'disk', resource: 'ephemeral-storage' },
] as const;

/** All shortcomings of all nodes in one message. */
export const bigEnough: Check = (facts) => {
  const { requirements } = facts.cluster.spec;
  const small = candidates(facts).flatMap((node) =>
    AMOUNTS.flatMap(({ field, resource }) => {
      const wanted = requirements[field];
      const found = node.status?.capacity?.[resource] ?? '0';
      if (wanted === undefined || parseQuantity(found) >= parseQuantity(wanted)) return [];
      return [`spec.requirements.${field}: node ${node.metadata.name} has ${found}, ${wanted} is wanted`];
    }),
  );
  return small.length === 0 ? PASS : fail('NodesTooSmall', small.join('; '));
};
