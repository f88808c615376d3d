import { describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import {
  advertisement,
  facts,
  member,
  METALLB,
  node,
  pool,
  service,
  speaker,
} from '../../../test/unit/preflight-facts.ts';
import type { SpaceClusterSpec } from '../../api/v1alpha1/index.ts';
import { runPreflight } from './chain.ts';
import type { PreflightFacts } from './facts.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const DEMO = sampleCluster();

function asking(spec: Partial<SpaceClusterSpec>): PreflightFacts['cluster'] {
  return sampleCluster(spec);
}

function vip(change: Partial<SpaceClusterSpec['vip']>): PreflightFacts['cluster'] {
  return asking({ vip: { ...DEMO.spec.vip, ...change } });
}

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

const ANNOTATED = {
  metadata: { name: 's', namespace: 'x', annotations: { 'metallb.io/loadBalancerIPs': '10.77.0.100' } },
};
const TAINT = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' } as const;
const EXCLUDE = { name: 'n3', labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } };
const POOL = METALLB.pools[0];
const RUNNING = [member('demo-mysql-0', 'mysql', 'docker.io/library/mysql:9.7.1')];

type Case = readonly [what: string, reason: string, message: string, change: Partial<PreflightFacts>];

const FAILURES: readonly Case[] = [
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
  [
    'nodes in another subnet',
    'NodesOutsideSubnet',
    'in 10.77.0.96/27; n1 has 10.77.0.11',
    { cluster: vip({ cidr: '10.77.0.96/27' }) },
  ],
  [
    'too few nodes for Cassandra',
    'NotEnoughNodes',
    '3 nodes for 3 Cassandra members, 2 can carry them (n1, n2)',
    { nodes: [node(1), node(2)] },
  ],
  [
    'one node',
    'NotEnoughNodes',
    'asks for 2 nodes for the MySQL and PostgreSQL pairs, 1 can carry them (n1)',
    { nodes: [node(1)] },
  ],
  ['no node at all', 'NotEnoughNodes', '0 can carry them (none)', { nodes: [] }],
  [
    'a tainted node',
    'NotEnoughNodes',
    '2 can carry them (n1, n2; n3 is tainted)',
    { nodes: [node(1), node(2), node(3, { spec: { taints: [TAINT] } })] },
  ],
  [
    'a cordoned node before the start',
    'NotEnoughNodes',
    'n3 is cordoned',
    { nodes: [node(1), node(2), node(3, { spec: { unschedulable: true } })] },
  ],
  [
    'a node that is not Ready before the start',
    'NotEnoughNodes',
    'n3 is not Ready',
    { nodes: [node(1), node(2), node(3, { status: {} })] },
  ],
  [
    'too few nodes for the balancers',
    'NotEnoughNodes',
    '2 nodes for the load balancer pair, 1 can carry them (n1',
    { nodes: [node(1), node(2, { metadata: { ...EXCLUDE, name: 'n2' } }), node(3, { metadata: EXCLUDE })] },
  ],
  [
    'nodes too small',
    'NodesTooSmall',
    'spec.requirements.cpu: node n1 has 2, 4 is wanted; spec.requirements.memory: node n1 has 4Gi, 8Gi is wanted',
    { cluster: asking({ requirements: { cpu: '4', memory: '8Gi', disk: '50Gi' } }) },
  ],
  [
    'an unknown class',
    'StorageClassMissing',
    'spec.mysql.storage.storageClassName: there is no class "fast"; classes found: lab-local',
    {
      cluster: asking({
        mysql: { durability: 'Preferred', storage: { size: '1Gi', storageClassName: 'fast' } },
      }),
    },
  ],
  [
    'no default class',
    'StorageClassMissing',
    'spec.cassandra.storage.storageClassName is not set, and no class is the default one',
    { storageClasses: [] },
  ],
  [
    'an old MySQL',
    'UnsupportedVersion',
    'mysql:8.0 is not supported; 8.4 to 9.7 is wanted',
    { cluster: asking({ images: { ...DEMO.spec.images, mysql: 'mysql:8.0' } }) },
  ],
  [
    'a PostgreSQL too new',
    'UnsupportedVersion',
    'postgres:19.1 is not supported; 18 is wanted',
    { cluster: asking({ images: { ...DEMO.spec.images, postgresql: 'postgres:19.1' } }) },
  ],
  [
    'an old HAProxy',
    'UnsupportedVersion',
    'spec.images.haproxy',
    { cluster: asking({ images: { ...DEMO.spec.images, haproxy: 'reg:5000/haproxy:2.8' } }) },
  ],
  [
    'a downgrade',
    'Downgrade',
    'spec.images.mysql: 9.6 is older than 9.7, which demo-mysql-0 runs',
    { pods: RUNNING, cluster: asking({ images: { ...DEMO.spec.images, mysql: 'mysql:9.6' } }) },
  ],
  [
    'a major upgrade of PostgreSQL',
    'MajorUpgrade',
    'demo-postgresql-0 runs 17.2',
    { pods: [member('demo-postgresql-0', 'postgresql', 'postgres:17.2')] },
  ],
];

describe('runPreflight', () => {
  it('passes where everything is right', () => {
    expect(runPreflight(facts(), NOW)).toEqual({ passed: true, reason: 'AllChecksPassed', message: '' });
  });

  it.each(FAILURES)('%s: %s', (_what, reason, message, change) => {
    const result = runPreflight(facts(change), NOW);
    expect(result).toMatchObject({ passed: false, reason });
    expect(result.message).toContain(message);
    expect(result.message).toMatch(/(^|; )spec\./);
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
    ['anti-affinity is only preferred', { nodes: [node(1)], cluster: asking({ antiAffinity: 'Preferred' }) }],
    [
      'nodes meet the requirements exactly',
      { cluster: asking({ requirements: { cpu: '2000m', memory: '4Gi', disk: '50Gi' } }) },
    ],
    [
      'a lost node of a running cluster',
      {
        pods: RUNNING,
        nodes: [
          node(1),
          node(2),
          node(3, {
            status: { ...node(3).status, conditions: [{ type: 'Ready', status: 'Unknown' }] },
            spec: {
              unschedulable: true,
              taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }],
            },
          }),
        ],
      },
    ],
    [
      'a speaker lost under a running cluster',
      { pods: RUNNING, metallb: { ...METALLB, speakers: [speaker('n1')] } },
    ],
    [
      'the same version without its minor number',
      { pods: RUNNING, cluster: asking({ images: { ...DEMO.spec.images, mysql: 'mysql:9' } }) },
    ],
    ['an upgrade', { pods: [member('demo-mysql-0', 'mysql', 'mysql:8.4')] }],
  ])('passes when %s', (_what, change) => {
    expect(runPreflight(facts(change), NOW)).toMatchObject({ passed: true });
  });

  it('says everything that is wrong at once, and warns aloud', () => {
    const { passed, reason, message } = runPreflight(
      facts({
        cluster: vip({ cidr: '10.77.0.96/27', subnetCheck: 'Warn' }),
        storageClasses: [],
        nodes: [node(1)],
      }),
      NOW,
    );
    expect({ passed, reason }).toEqual({ passed: false, reason: 'NotEnoughNodes' });
    expect(message).toMatch(/spec\.antiAffinity.*; spec\.mysql\.storage.*; warning: spec\.vip\.cidr/);
  });

  it('passes with a warning', () => {
    const result = runPreflight(facts({ cluster: vip({ cidr: '10.77.0.96/27', subnetCheck: 'Warn' }) }), NOW);
    expect(result).toMatchObject({ passed: true, reason: 'NodesOutsideSubnet' });
    expect(result.message).toMatch(/^warning: spec\.vip\.cidr/);
  });
});
