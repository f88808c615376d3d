// Is the Web IP announced, by whom and where? Pure: judged from the Service, the endpoint that leads and MetalLB's own word.
import type { SpaceCluster, SpaceClusterStatus } from '../api/v1alpha1/index.ts';
import { ANNOTATIONS, names } from '../api/v1alpha1/names.ts';
import { readyEndpoint } from '../kube/ready-endpoint.ts';
import type { EndpointSlice, Lease, Service, ServiceL2Status } from '../kube/types.ts';

export interface VipFacts {
  readonly service: Service | undefined;
  readonly slices: readonly EndpointSlice[];
  readonly roleLeases: readonly Lease[];
  /** What the speakers report; undefined when MetalLB has no such objects. */
  readonly announcements: readonly ServiceL2Status[] | undefined;
}

export interface VipAssessment {
  readonly announced: boolean;
  readonly reason: string;
  readonly message: string;
  readonly status: NonNullable<SpaceClusterStatus['vip']>;
}

export function assessVip(cluster: SpaceCluster, facts: VipFacts): VipAssessment {
  const { services, roleLeases } = names(cluster.metadata.name);
  const wanted = cluster.spec.vip.address;
  const role = facts.roleLeases.find((lease) => lease.metadata.name === roleLeases.vip);
  const slice = facts.slices.find((candidate) => candidate.metadata.name === services.vip);
  const node = slice === undefined ? undefined : readyEndpoint(slice)?.nodeName;
  const holder = role?.spec?.holderIdentity?.split('/')[0] ?? '';
  const epoch = role?.spec?.leaseTransitions ?? Number(slice?.metadata.annotations?.[ANNOTATIONS.epoch] ?? 0);
  const status = {
    address: wanted,
    ...(holder === '' ? {} : { holder }),
    ...(node === undefined ? {} : { node }),
    epoch,
  };
  const verdict = (announced: boolean, reason: string, message: string): VipAssessment => ({
    announced,
    reason,
    message,
    status,
  });

  const assigned = facts.service?.status?.loadBalancer?.ingress?.map((ingress) => ingress.ip) ?? [];
  if (facts.service === undefined)
    return verdict(false, 'ServiceMissing', `Service ${services.vip} does not exist yet`);
  if (!assigned.includes(wanted)) {
    return verdict(
      false,
      'AddressNotAssigned',
      `Service ${services.vip} should have ${wanted}, MetalLB assigned ${assigned.join(', ') || 'nothing'}`,
    );
  }
  if (node === undefined) return verdict(false, 'NoHolder', `no load balancer holds ${wanted}`);
  const announcers = announcersOf(facts.announcements, cluster.metadata.namespace, services.vip);
  // At a hand-over the speaker before may delete the report of the one after, which then announces and is not heard of again.
  if (announcers?.length === 0)
    return verdict(true, 'NotReported', `${wanted} is routed to ${node}; no MetalLB speaker reports it`);
  if (announcers !== undefined && !announcers.includes(node)) {
    return verdict(
      false,
      'NotAnnounced',
      `${wanted} should be announced from ${node}, the speakers report ${announcers.join(', ')}`,
    );
  }
  return verdict(true, 'Announced', `${wanted} is announced from ${node}`);
}

/**
 * By labels: two speakers may fight over one object (MetalLB issue 2938). The one that announces then writes its node into the
 * label, and is refused to write it into the status, which may never change.
 */
function announcersOf(
  announcements: readonly ServiceL2Status[] | undefined,
  namespace: string,
  service: string,
): readonly string[] | undefined {
  return announcements
    ?.filter(
      ({ metadata }) =>
        metadata.labels?.['metallb.io/service-name'] === service &&
        metadata.labels['metallb.io/service-namespace'] === namespace,
    )
    .flatMap(({ metadata, status }) => metadata.labels?.['metallb.io/node'] ?? status?.node ?? []);
}
