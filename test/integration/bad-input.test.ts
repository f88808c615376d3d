// Bad input on the real API server: refused, by a message that names the field, and nothing is made or changed (R2, R4).
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { kubectl, mustKubectl, requireChart } from './kubectl.ts';

const NAMESPACE = 'it-bad-input';
const CREATE = ['create', '--namespace', NAMESPACE, '--validate=strict', '-f', '-'];
const REPLACE = ['replace', '--namespace', NAMESPACE, '--validate=strict', '-f', '-'];
const DRY = ['--dry-run=server', '-o', 'json'];

type Json = { readonly [key: string]: unknown };

const VIP = { address: '10.77.0.100', cidr: '10.77.0.0/24' };

/** Paused, so that an operator in the same cluster leaves it alone. */
function manifest(spec: Json, name = 'fabric'): Json {
  return {
    apiVersion: 'spacecluster.dev/v1alpha1',
    kind: 'SpaceCluster',
    metadata: { name },
    spec: { vip: VIP, paused: true, ...spec },
  };
}

const storage = (size: unknown): Json => ({ storage: { size } });
const image = (mysql: string): Json => ({ images: { mysql } });
const vip = (change: Json): Json => ({ vip: { ...VIP, ...change } });

type Case = readonly [what: string, spec: Json, ...words: readonly [string, ...(readonly string[])]];

const REFUSED: readonly Case[] = [
  ['no VIP', { vip: undefined }, 'spec.vip: Required value'],
  ['no address', vip({ address: undefined }), 'spec.vip.address: Required value'],
  ['no cidr', vip({ cidr: undefined }), 'spec.vip.cidr: Required value'],
  [
    'an IPv6 address',
    vip({ address: 'fd00::7' }),
    'vip.address must be an IPv4 address',
    'IPv4 only for now',
  ],
  ['an IPv6 subnet', vip({ cidr: 'fd00::/64' }), 'vip.cidr must be an IPv4 subnet', 'IPv4 only for now'],
  ['an address that is none', vip({ address: '10.77.0' }), 'vip.address must be an IPv4 address'],
  ['an address with leading zeros', vip({ address: '10.77.0.010' }), 'vip.address must be an IPv4 address'],
  ['a name for an address', vip({ address: 'web.example' }), 'spec.vip.address'],
  ['loopback', vip({ address: '127.0.0.9', cidr: '127.0.0.0/8' }), 'vip.address', 'not loopback'],
  ['multicast', vip({ address: '224.0.0.9', cidr: '224.0.0.0/8' }), 'vip.address', 'multicast'],
  ['link-local', vip({ address: '169.254.1.1', cidr: '169.254.0.0/16' }), 'vip.address', 'link-local'],
  [
    'outside the subnet',
    vip({ address: '10.78.0.1' }),
    'vip.address 10.78.0.1 must lie inside vip.cidr 10.77.0.0/24',
  ],
  ['the network address', vip({ address: '10.77.0.0' }), 'vip.address 10.77.0.0 is the network address'],
  [
    'the broadcast address',
    vip({ address: '10.77.0.255' }),
    'vip.address 10.77.0.255 is the broadcast address',
  ],
  [
    'the broadcast address of a /13',
    vip({ address: '10.79.255.255', cidr: '10.72.0.0/13' }),
    'is the broadcast address',
  ],
  [
    'the last address of a /30',
    vip({ address: '10.77.0.103', cidr: '10.77.0.100/30' }),
    'is the broadcast address',
  ],
  [
    'a subnet with host bits',
    vip({ cidr: '10.77.0.5/24' }),
    'vip.cidr must be the address of the subnet itself',
  ],
  ['a subnet too small', vip({ cidr: '10.77.0.100/31' }), 'vip.cidr must have a prefix of 8 to 30'],
  ['a subnet too large', vip({ cidr: '0.0.0.0/4' }), 'vip.cidr must have a prefix of 8 to 30'],
  ['a subnet without prefix', vip({ cidr: '10.77.0.0' }), 'vip.cidr must be an IPv4 subnet'],
  ['managePool as text', vip({ managePool: 'true' }), 'spec.vip.managePool'],
  ['an unknown subnetCheck', vip({ subnetCheck: 'Off' }), 'spec.vip.subnetCheck', '"Enforce", "Warn"'],
  ['no workers', { workers: { replicas: 0 } }, 'spec.workers.replicas', 'greater than or equal to 1'],
  ['a negative number of workers', { workers: { replicas: -3 } }, 'spec.workers.replicas'],
  ['too many workers', { workers: { replicas: 101 } }, 'spec.workers.replicas', 'less than or equal to 100'],
  ['workers as text', { workers: { replicas: '3' } }, 'spec.workers.replicas'],
  ['half a worker', { workers: { replicas: 2.5 } }, 'spec.workers.replicas'],
  ['no Cassandra member', { cassandra: { replicas: 0 } }, 'spec.cassandra.replicas'],
  [
    'an unknown durability',
    { mysql: { durability: 'Hoped' } },
    'spec.mysql.durability',
    '"Preferred", "Required"',
  ],
  ['an unknown profile', { failureDetection: { profile: 'Instant' } }, 'spec.failureDetection.profile'],
  ['an unknown anti-affinity', { antiAffinity: 'None' }, 'spec.antiAffinity'],
  ['an unknown deletion policy', { deletionPolicy: 'Forget' }, 'spec.deletionPolicy'],
  ['paused as text', { paused: 'yes' }, 'spec.paused'],
  ['an unknown field', { mysq: {} }, 'unknown field "spec.mysq"'],
  ['a misspelt field below', { workers: { replica: 3 } }, 'unknown field "spec.workers.replica"'],
  [
    'a size that is no quantity',
    { mysql: storage('10 GB') },
    'spec.mysql.storage.size',
    'must be a quantity',
  ],
  ['a size of zero', { postgresql: storage('0') }, 'spec.postgresql.storage.size', 'at least 128Mi, found 0'],
  ['a negative size', { cassandra: storage('-2Gi') }, 'spec.cassandra.storage.size', 'at least 128Mi'],
  ['a size without its unit', { cassandra: storage('10') }, 'spec.cassandra.storage.size', 'at least 128Mi'],
  ['a size as a number', { mysql: storage(10) }, 'spec.mysql.storage.size'],
  ['an empty class', { mysql: { storage: { storageClassName: '' } } }, 'spec.mysql.storage.storageClassName'],
  [
    'soloAfter under the floor',
    { postgresql: { soloAfter: '4s' } },
    'spec.postgresql.soloAfter',
    'between 5s and 24h',
  ],
  [
    'soloAfter over a day',
    { postgresql: { soloAfter: '25h' } },
    'spec.postgresql.soloAfter',
    'between 5s and 24h',
  ],
  [
    'soloAfter without a unit',
    { postgresql: { soloAfter: '60' } },
    'spec.postgresql.soloAfter',
    'a whole number and a unit',
  ],
  [
    'an image without a tag',
    image('docker.io/library/mysql'),
    'spec.images.mysql',
    'whose tag begins with the version',
  ],
  ['an image that floats', image('mysql:latest'), 'spec.images.mysql'],
  ['an image with a space', image('my sql:9.7'), 'spec.images.mysql'],
  ['a broken digest', image('mysql:9.7@sha256:abc'), 'spec.images.mysql'],
  ['requirements of nothing', { requirements: { cpu: '0' } }, 'spec.requirements.cpu', 'greater than 0'],
  ['requirements that are no quantity', { requirements: { memory: 'much' } }, 'spec.requirements.memory'],
  ['a latency of zero', { requirements: { maxLatencyMs: 0 } }, 'spec.requirements.maxLatencyMs'],
  [
    'a CPU request over its limit',
    { resources: { worker: { requests: { cpu: '2' }, limits: { cpu: '500m' } } } },
    'spec.resources.worker.requests.cpu',
  ],
  [
    'a memory request over its limit',
    { resources: { mysql: { requests: { memory: '2Gi' }, limits: { memory: '1G' } } } },
    'spec.resources.mysql.requests.memory',
  ],
  [
    'a CPU amount as a number',
    { resources: { agent: { requests: { cpu: 1 } } } },
    'spec.resources.agent.requests.cpu',
  ],
  ['a Secret name that is none', { tls: { secretName: 'My_Cert' } }, 'spec.tls.secretName'],
];

const BAD_NAMES = [
  ['longer than 40 characters', 'a'.repeat(41), 'metadata.name: Too long'],
  ['beginning with a digit', '5nines', 'metadata.name'],
  ['with a dot', 'space.cluster', 'metadata.name'],
  ['ending in a hyphen', 'fabric-', 'metadata.name'],
] as const;

const RUNNING: Json = {
  mysql: { storage: { size: '2Gi', storageClassName: 'lab-local' } },
  postgresql: storage('2Gi'),
  cassandra: storage('2Gi'),
};

/** Changes of the running cluster above that are refused. */
const REFUSED_CHANGES: readonly Case[] = [
  [
    'a MySQL volume shrinks',
    { mysql: { storage: { size: '1Gi', storageClassName: 'lab-local' } } },
    'spec.mysql.storage.size',
    'cannot shrink: it is 2Gi, and 1Gi was asked for',
  ],
  [
    'a PostgreSQL volume shrinks by units',
    { postgresql: storage('2G') },
    'spec.postgresql.storage.size',
    'cannot shrink',
  ],
  [
    'a Cassandra volume shrinks',
    { cassandra: storage('2047Mi') },
    'spec.cassandra.storage.size',
    'cannot shrink',
  ],
  [
    'the class changes',
    { mysql: { storage: { size: '2Gi', storageClassName: 'fast' } } },
    'spec.mysql.storage.storageClassName',
    'it was "lab-local"',
  ],
  ['the class goes', { mysql: storage('2Gi') }, 'spec.mysql.storage.storageClassName', 'cannot be changed'],
  [
    'a class comes',
    { cassandra: { storage: { size: '2Gi', storageClassName: 'fast' } } },
    'spec.cassandra.storage.storageClassName',
    'the default class',
  ],
  [
    'a balancer class comes',
    { loadBalancer: { loadBalancerClass: 'metallb' } },
    'loadBalancer.loadBalancerClass cannot be changed',
  ],
  ['the VIP leaves the subnet', vip({ address: '10.78.0.1' }), 'must lie inside vip.cidr'],
  ['the workers go', { workers: { replicas: 0 } }, 'spec.workers.replicas'],
];

const ACCEPTED_CHANGES: readonly (readonly [what: string, spec: Json])[] = [
  ['the same size in other units', { postgresql: storage('2048Mi') }],
  ['another VIP', vip({ address: '10.77.0.101' })],
  ['another subnet', { vip: { address: '192.168.7.1', cidr: '192.168.0.0/16' } }],
  ['more workers', { workers: { replicas: 100 } }],
  [
    'volumes grow',
    { mysql: { storage: { size: '3Gi', storageClassName: 'lab-local' } }, cassandra: storage('4Gi') },
  ],
  [
    'durability',
    { mysql: { durability: 'Required', storage: { size: '2Gi', storageClassName: 'lab-local' } } },
  ],
  ['soloAfter at its floor', { postgresql: { soloAfter: '5s', ...storage('2Gi') } }],
  ['soloAfter at its ceiling', { postgresql: { soloAfter: '24h', ...storage('2Gi') } }],
  ['a newer image by digest', image(`reg.example:5000/mysql:9.7.1@sha256:${'a'.repeat(64)}`)],
  ['a profile', { failureDetection: { profile: 'Relaxed' } }],
  ['anti-affinity', { antiAffinity: 'Preferred' }],
  ['requirements', { requirements: { cpu: '500m', memory: '1Gi', disk: '1e9', maxLatencyMs: 5 } }],
  [
    'resources',
    { resources: { worker: { requests: { cpu: '100m' }, limits: { cpu: '0.1', memory: '1Gi' } } } },
  ],
  ['a certificate', { tls: { secretName: 'web-tls' } }],
  ['the deletion policy', { deletionPolicy: 'Delete' }],
];

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion: string; readonly generation: number };
  readonly status?: { readonly observedGeneration?: number };
}

async function stored(): Promise<readonly Stored[]> {
  const text = await mustKubectl(['get', 'spaceclusters', '--namespace', NAMESPACE, '-o', 'json']);
  return (JSON.parse(text) as { readonly items: readonly Stored[] }).items;
}

// Each step is a process or a call; on a busy machine they take their time.
jest.setTimeout(30_000);

beforeAll(async () => {
  await requireChart();
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait']);
  await mustKubectl(['create', 'namespace', NAMESPACE]);
}, 60_000);

afterAll(async () => {
  await kubectl(['delete', 'spaceclusters', '--all', '--namespace', NAMESPACE, '--timeout=30s']);
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
}, 60_000);

describe('a manifest is refused', () => {
  it.each(REFUSED)('%s', async (_what, spec, ...words) => {
    const { code, stderr } = await kubectl(CREATE, manifest(spec));
    expect(code).not.toBe(0);
    for (const word of words) expect(stderr).toContain(word);
  });

  it.each(BAD_NAMES)('with a name %s', async (_what, name, words) => {
    const { code, stderr } = await kubectl(CREATE, manifest({}, name));
    expect(code).not.toBe(0);
    expect(stderr).toContain(words);
  });

  it('and leaves nothing behind', async () => {
    expect(await stored()).toEqual([]);
    const made = await mustKubectl([
      'get',
      'statefulsets,services,secrets,leases,pvc',
      '--namespace',
      NAMESPACE,
      '-o',
      'name',
    ]);
    expect(made).toBe('');
  });

  it('an unknown field, once validation is switched off, is dropped and not kept', async () => {
    const lax = [...CREATE.filter((word) => word !== '--validate=strict'), '--validate=false', ...DRY];
    expect(await mustKubectl(lax, manifest({ mysq: {} }))).not.toContain('mysq"');
  });
});

describe('a running cluster', () => {
  beforeAll(async () => {
    await mustKubectl(CREATE, manifest(RUNNING));
  });

  it('begins with the status of an object that nobody has looked at', async () => {
    const [cluster] = await stored();
    expect(cluster?.metadata.generation).toBe(1);
    expect(cluster?.status?.observedGeneration).toBeDefined();
  });

  it.each(REFUSED_CHANGES)('stays as it is when %s', async (_what, spec, ...words) => {
    const before = await stored();
    const { code, stderr } = await kubectl(REPLACE, manifest({ ...RUNNING, ...spec }));
    expect(code).not.toBe(0);
    for (const word of words) expect(stderr).toContain(word);
    expect((await stored())[0]?.metadata.generation).toBe(before[0]?.metadata.generation);
  });

  it.each(['0', '101', '-1'])('cannot be scaled to %s workers', async (replicas) => {
    const { code, stderr } = await kubectl([
      'scale',
      'spaceclusters/fabric',
      '--namespace',
      NAMESPACE,
      `--replicas=${replicas}`,
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/replicas/);
  });

  it.each(ACCEPTED_CHANGES)('may change: %s', async (_what, spec) => {
    const { code, stderr } = await kubectl([...REPLACE, ...DRY], manifest({ ...RUNNING, ...spec }));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('may be scaled', async () => {
    await mustKubectl(['scale', 'spaceclusters/fabric', '--namespace', NAMESPACE, '--replicas=5']);
    const workers = await mustKubectl([
      'get',
      'spc',
      'fabric',
      '--namespace',
      NAMESPACE,
      '-o',
      'jsonpath={.spec.workers.replicas}',
    ]);
    expect(workers).toBe('5');
  });
});
