// Each way in which a Web IP may not be announced has its own reason.
import { describe, expect, it } from '@jest/globals';
import type { EndpointSlice, Lease, Service, ServiceL2Status } from '../kube/types.ts';
import { sampleCluster } from '../../test/unit/sample.ts';
import { assessVip } from './vip.ts';
import type { VipFacts } from './vip.ts';

const service = (ip?: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'demo-vip' },
  status: { loadBalancer: { ingress: ip === undefined ? [] : [{ ip }] } },
});
const slice = (nodeName?: string): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  addressType: 'IPv4',
  metadata: { name: 'demo-vip' },
  endpoints: nodeName === undefined ? [] : [{ addresses: ['10.244.1.5'], nodeName }],
});
const role: Lease = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'demo-vip' },
  spec: { holderIdentity: 'demo-lb-0/uid', leaseTransitions: 2 },
};
/** @param label the speaker that wrote it last; the status may be another's */
const announcement = (node: string, label = node): ServiceL2Status => ({
  apiVersion: 'metallb.io/v1beta1',
  kind: 'ServiceL2Status',
  metadata: {
    name: 'l2-x',
    labels: {
      'metallb.io/service-name': 'demo-vip',
      'metallb.io/service-namespace': 'demo',
      'metallb.io/node': label,
    },
  },
  status: { node },
});
const GOOD: VipFacts = {
  service: service('10.77.0.100'),
  slices: [slice('n1')],
  roleLeases: [role],
  announcements: [announcement('n1')],
};

describe('VIPAnnounced', () => {
  it('tells holder, node and epoch when all is well', () => {
    expect(assessVip(sampleCluster(), GOOD)).toMatchObject({
      announced: true,
      status: { address: '10.77.0.100', holder: 'demo-lb-0', node: 'n1', epoch: 2 },
    });
  });

  it.each<[string, Partial<VipFacts>]>([
    ['ServiceMissing', { service: undefined }],
    ['AddressNotAssigned', { service: service() }],
    ['AddressNotAssigned', { service: service('10.77.0.101') }],
    ['NoHolder', { slices: [slice()] }],
    ['NotAnnounced', { announcements: [announcement('n2')] }],
  ])('%s', (reason, change) => {
    expect(assessVip(sampleCluster(), { ...GOOD, ...change })).toMatchObject({ announced: false, reason });
  });

  it('believes the speaker that wrote last, though the status is still that of the one before', () => {
    const stuck = { ...GOOD, announcements: [announcement('n3', 'n1')] };
    expect(assessVip(sampleCluster(), stuck).announced).toBe(true);
  });

  it('believes the routing where the report was lost at a hand-over, and says so', () => {
    const lost = { ...GOOD, announcements: [] };
    expect(assessVip(sampleCluster(), lost)).toMatchObject({ announced: true, reason: 'NotReported' });
  });

  it('does without the speakers where MetalLB does not report them', () => {
    expect(assessVip(sampleCluster(), { ...GOOD, announcements: undefined }).announced).toBe(true);
  });
});
