import { describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import {
  advertisement,
  facts,
  METALLB,
  pool,
  service,
  speaker,
  vip,
} from '../../../test/unit/preflight-facts.ts';
import { runPreflight } from './chain.ts';
import type { PreflightFacts } from './facts.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const DEMO = sampleCluster();
const POOL = METALLB.pools[0];
const ANNOTATED = {
  metadata: { name: 's', namespace: 'x', annotations: { 'metallb.io/loadBalancerIPs': '10.77.0.100' } },
};

function other(createdAt: string, status?: PreflightFacts['cluster']['status']): PreflightFacts['cluster'] {
  const cluster = sampleCluster({}, status);
  return {
    ...cluster,
    metadata: {
      ...cluster.metadata,
      namespace: 'lab',
      name: 'other',
      uid: 'b',
      creationTimestamp: createdAt,
    },
  };
}

const FAILURES: readonly (readonly [
  what: string,
  reason: string,
  message: string,
  change: Partial<PreflightFacts>,
])[] = [
  [
    'VIP is a node address',
    'AddressOfNode',
    '10.77.0.12 is the InternalIP of node n2',
    { cluster: vip({ address: '10.77.0.12' }) },
  ],
  [
    'VIP is the address of another Service',
    'AddressInUse',
    'belongs to Service web/shop',
    {
      services: [service('web', 'shop', { status: { loadBalancer: { ingress: [{ ip: '10.77.0.100' }] } } })],
    },
  ],
  [
    'another Service asks for the VIP',
    'AddressInUse',
    'belongs to Service x/s',
    { services: [service('x', 's', ANNOTATED)] },
  ],
  [
    'VIP is an external IP',
    'AddressInUse',
    'belongs to Service web/shop',
    { services: [service('web', 'shop', { spec: { externalIPs: ['10.77.0.100'] } })] },
  ],
  [
    'VIP in the pod range',
    'AddressInPodRange',
    "10.244.2.0/24, the pods' range on node n2",
    { cluster: vip({ address: '10.244.2.7' }) },
  ],
  [
    'VIP in the Service range',
    'AddressInServiceRange',
    'lies in 10.96.0.0/16',
    { cluster: vip({ address: '10.96.3.4' }) },
  ],
  [
    'an older SpaceCluster asks for it',
    'AddressAskedTwice',
    'SpaceCluster lab/other too',
    {
      otherClusters: [other('2020-01-01T00:00:00Z')],
      cluster: { ...DEMO, metadata: { ...DEMO.metadata, creationTimestamp: '2021-01-01T00:00:00Z' } },
    },
  ],
  [
    'a younger SpaceCluster has it already',
    'AddressAskedTwice',
    'which came first',
    {
      otherClusters: [
        other('2022-01-01T00:00:00Z', {
          observedGeneration: 1,
          vip: { address: '10.77.0.100', holder: 'other-lb-0' },
        }),
      ],
      cluster: { ...DEMO, metadata: { ...DEMO.metadata, creationTimestamp: '2021-01-01T00:00:00Z' } },
    },
  ],
  [
    'managePool outside the allow-list',
    'ManagePoolNotAllowed',
    'chart value vip.allowedCIDRs: 10.9.0.0/16',
    { cluster: vip({ managePool: true }), allowedCIDRs: ['10.9.0.0/16'], metallb: { ...METALLB, pools: [] } },
  ],
  [
    'managePool where nothing is allowed',
    'ManagePoolNotAllowed',
    'vip.allowedCIDRs: nothing',
    { cluster: vip({ managePool: true }), allowedCIDRs: [], metallb: { ...METALLB, pools: [] } },
  ],
  [
    'managePool over a pool of others',
    'PoolOverlaps',
    'IPAddressPool lab (10.77.0.90-10.77.0.110) holds 10.77.0.100 already',
    { cluster: vip({ managePool: true }) },
  ],
  ['no MetalLB', 'MetalLBMissing', 'does not know metallb.io/v1beta1', { metallb: { installed: false } }],
  [
    'a speaker is missing',
    'MetalLBNotRunning',
    'ready on n2, n3',
    { metallb: { ...METALLB, speakers: [speaker('n1'), speaker('n2', false)] } },
  ],
  [
    'MetalLB refuses its configuration',
    'MetalLBConfigurationInvalid',
    "MetalLB's speaker-n1 refuses its configuration: overlapping pools",
    {
      metallb: {
        ...METALLB,
        states: [
          {
            apiVersion: 'metallb.io/v1beta1',
            kind: 'ConfigurationState',
            metadata: { name: 'speaker-n1' },
            status: { result: 'Invalid', errorSummary: 'overlapping pools' },
          },
        ],
      },
    },
  ],
  ['no pool', 'NoPoolForAddress', 'found no pool', { metallb: { ...METALLB, pools: [] } }],
  [
    'pools elsewhere',
    'NoPoolForAddress',
    'found far (10.88.0.0/24)',
    { metallb: { ...METALLB, pools: [pool('far', ['10.88.0.0/24'])] } },
  ],
  [
    'pool for another namespace',
    'PoolNotForNamespace',
    'leaves out namespace demo',
    {
      metallb: {
        ...METALLB,
        pools: [pool('lab', ['10.77.0.0/24'], { serviceAllocation: { namespaces: ['web'] } })],
      },
    },
  ],
  [
    'no advertisement',
    'PoolNotAdvertised',
    'no L2Advertisement covers IPAddressPool lab; found none at all',
    { metallb: { ...METALLB, advertisements: [] } },
  ],
  [
    'advertisement of another pool',
    'PoolNotAdvertised',
    'found far',
    { metallb: { ...METALLB, advertisements: [advertisement('far', { ipAddressPools: ['far'] })] } },
  ],
  [
    'advertisement from one node only',
    'NodesNotAdvertising',
    'L2Advertisement one leave out n2, n3',
    {
      metallb: {
        ...METALLB,
        advertisements: [
          advertisement('one', { nodeSelectors: [{ matchLabels: { 'kubernetes.io/hostname': 'n1' } }] }),
        ],
      },
    },
  ],
];

describe('the Web IP and MetalLB', () => {
  it.each(FAILURES)('%s: %s', (_what, reason, message, change) => {
    const result = runPreflight(facts(change), NOW);
    expect(result).toMatchObject({ passed: false, reason });
    expect(result.message).toContain(message);
    expect(result.message).toMatch(/(^|; )spec\.vip/);
  });

  it.each<readonly [string, Partial<PreflightFacts>]>([
    [
      'its own Service has the address',
      {
        services: [
          service('demo', 'demo-vip', { status: { loadBalancer: { ingress: [{ ip: '10.77.0.100' }] } } }),
        ],
      },
    ],
    [
      'a younger SpaceCluster asks for the address',
      {
        otherClusters: [other('2022-01-01T00:00:00Z')],
        cluster: { ...DEMO, metadata: { ...DEMO.metadata, creationTimestamp: '2021-01-01T00:00:00Z' } },
      },
    ],
    [
      'it may make its own pool',
      { cluster: vip({ managePool: true }), metallb: { ...METALLB, pools: [], advertisements: [] } },
    ],
    [
      'its own pool is there already',
      {
        cluster: vip({ managePool: true }),
        metallb: {
          ...METALLB,
          pools: [
            {
              ...pool('demo', ['10.77.0.100/32']),
              metadata: { name: 'demo', labels: { 'app.kubernetes.io/managed-by': 'spacecluster' } },
            },
          ],
        },
      },
    ],
    [
      'the pool is for its namespace by label',
      {
        metallb: {
          ...METALLB,
          pools: [
            pool('lab', ['10.77.0.0/24'], {
              serviceAllocation: {
                namespaceSelectors: [
                  { matchExpressions: [{ key: 'team', operator: 'In', values: ['noc'] }] },
                ],
              },
            }),
          ],
        },
      },
    ],
    [
      'one of two pools is advertised',
      {
        metallb: {
          ...METALLB,
          pools: [pool('a', ['10.77.0.100/32']), ...(POOL === undefined ? [] : [POOL])],
          advertisements: [advertisement('lab', { ipAddressPools: ['lab'] })],
        },
      },
    ],
  ])('pass when %s', (_what, change) => {
    expect(runPreflight(facts(change), NOW)).toMatchObject({ passed: true });
  });
});
