import { describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import { claim, facts, member, METALLB, node, speaker, vip } from '../../../test/unit/preflight-facts.ts';
import { runPreflight } from './chain.ts';
import type { PreflightFacts } from './facts.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const DEMO = sampleCluster();
const TAINT = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' } as const;
const EXCLUDE = { name: 'n3', labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } };
const RUNNING = [member('demo-mysql-0', 'mysql', 'docker.io/library/mysql:9.7.1')];

const FAILURES: readonly (readonly [
  what: string,
  reason: string,
  message: string,
  change: Partial<PreflightFacts>,
])[] = [
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
    { cluster: sampleCluster({ requirements: { cpu: '4', memory: '8Gi', disk: '50Gi' } }) },
  ],
  [
    'an unknown class',
    'StorageClassMissing',
    'spec.mysql.storage.storageClassName: there is no class "fast"; classes found: lab-local',
    {
      cluster: sampleCluster({
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
    'volumes that cannot grow',
    'VolumesCannotGrow',
    'spec.mysql.storage.size: 2Gi is wanted, claim data-demo-mysql-0 has 1Gi, and its class old does not allow',
    { claims: [claim('1Gi', 'old')] },
  ],
  [
    'an old MySQL',
    'UnsupportedVersion',
    'mysql:8.0 is not supported; 8.4 to 9.7 is wanted',
    { cluster: sampleCluster({ images: { ...DEMO.spec.images, mysql: 'mysql:8.0' } }) },
  ],
  [
    'a PostgreSQL too new',
    'UnsupportedVersion',
    'postgres:19.1 is not supported; 18 is wanted',
    { cluster: sampleCluster({ images: { ...DEMO.spec.images, postgresql: 'postgres:19.1' } }) },
  ],
  [
    'an old HAProxy',
    'UnsupportedVersion',
    'spec.images.haproxy',
    { cluster: sampleCluster({ images: { ...DEMO.spec.images, haproxy: 'reg:5000/haproxy:2.8' } }) },
  ],
  [
    'a downgrade',
    'Downgrade',
    'spec.images.mysql: 9.6 is older than 9.7, which demo-mysql-0 runs',
    { pods: RUNNING, cluster: sampleCluster({ images: { ...DEMO.spec.images, mysql: 'mysql:9.6' } }) },
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
      'anti-affinity is only preferred',
      { nodes: [node(1)], cluster: sampleCluster({ antiAffinity: 'Preferred' }) },
    ],
    [
      'nodes meet the requirements exactly',
      { cluster: sampleCluster({ requirements: { cpu: '2000m', memory: '4Gi', disk: '50Gi' } }) },
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
      { pods: RUNNING, cluster: sampleCluster({ images: { ...DEMO.spec.images, mysql: 'mysql:9' } }) },
    ],
    ['volumes can grow', { claims: [claim('1Gi', 'lab-local')] }],
    ['volumes need not grow', { claims: [claim('2048Mi', 'old')] }],
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
