// Checks of the Web IP against everything that could have the same address.
import { names } from '../../api/v1alpha1/names.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import type { Service } from '../../kube/types.ts';
import { contains } from './addresses.ts';
import { fail, PASS } from './check.ts';
import type { Check } from './check.ts';

const LOAD_BALANCER_IPS = ['metallb.io/loadBalancerIPs', 'metallb.universe.tf/loadBalancerIPs'];

export const notOfANode: Check = ({ cluster, nodes }) => {
  const { address } = cluster.spec.vip;
  for (const { metadata, status } of nodes) {
    const found = status?.addresses?.find((candidate) => candidate.address === address);
    if (found !== undefined) {
      return fail(
        'AddressOfNode',
        `spec.vip.address: ${address} is the ${found.type} of node ${metadata.name}; an address that nothing else has is wanted`,
      );
    }
  }
  return PASS;
};

export const notOfAnotherService: Check = ({ cluster, services }) => {
  const { address } = cluster.spec.vip;
  const { namespace, name } = cluster.metadata;
  const own = names(name).services.vip;
  const other = services.find(
    (service) =>
      !(service.metadata.namespace === namespace && service.metadata.name === own) &&
      addressesOf(service).includes(address),
  );
  if (other === undefined) return PASS;
  return fail(
    'AddressInUse',
    `spec.vip.address: ${address} belongs to Service ${other.metadata.namespace ?? ''}/${other.metadata.name}; an address that nothing else has is wanted`,
  );
};

export const notInPodRange: Check = ({ cluster, nodes }) => {
  const { address } = cluster.spec.vip;
  for (const { metadata, spec } of nodes) {
    const range = (spec?.podCIDRs ?? []).find((cidr) => contains(cidr, address));
    if (range !== undefined) {
      return fail(
        'AddressInPodRange',
        `spec.vip.address: ${address} lies in ${range}, the pods' range on node ${metadata.name}; an address on the nodes' own network is wanted`,
      );
    }
  }
  return PASS;
};

export const notInServiceRange: Check = ({ cluster, serviceCIDRs }) => {
  const { address } = cluster.spec.vip;
  const range = serviceCIDRs.find((cidr) => contains(cidr, address));
  if (range === undefined) return PASS;
  return fail(
    'AddressInServiceRange',
    `spec.vip.address: ${address} lies in ${range}, the range of the Services' cluster IPs; an address on the nodes' own network is wanted`,
  );
};

/** Of two that ask for the same address, the one that has it keeps it, else the older one gets it. */
export const notAskedTwice: Check = ({ cluster, otherClusters }) => {
  const { address } = cluster.spec.vip;
  const first = otherClusters.find(
    (other) => other.spec.vip.address === address && comesFirst(other, cluster, address),
  );
  if (first === undefined) return PASS;
  return fail(
    'AddressAskedTwice',
    `spec.vip.address: ${address} is asked for by SpaceCluster ${first.metadata.namespace}/${first.metadata.name} too, which came first`,
  );
};

function comesFirst(a: SpaceCluster, b: SpaceCluster, address: string): boolean {
  const rank = ({ metadata, status }: SpaceCluster): string =>
    [
      status?.vip?.address === address && status.vip.holder !== undefined ? '0' : '1',
      metadata.creationTimestamp ?? '',
      metadata.uid,
    ].join(' ');
  return rank(a) < rank(b);
}

/** Every address that a Service has or asks for. */
function addressesOf({ metadata, spec, status }: Service): readonly (string | undefined)[] {
  return [
    ...(status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip),
    ...LOAD_BALANCER_IPS.flatMap((key) => (metadata.annotations?.[key] ?? '').split(',')).map((text) =>
      text.trim(),
    ),
    ...(spec?.externalIPs ?? []),
    ...(spec?.clusterIPs ?? []),
    spec?.loadBalancerIP,
  ];
}
