// Preflight's facts, read from a real cluster with the operator's own rights, and what they say of wrong specs.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { SpaceClusters } from '../../src/api/v1alpha1/index.ts';
import type { SpaceCluster, SpaceClusterSpec } from '../../src/api/v1alpha1/index.ts';
import { loadKubeConfig } from '../../src/kube/config.ts';
import { createKubeClient } from '../../src/kube/http-client.ts';
import type { HttpKubeClient } from '../../src/kube/http-client.ts';
import { Nodes } from '../../src/kube/resources.ts';
import { createAuthority } from '../../src/spacecluster/pki.ts';
import { runPreflight } from '../../src/spacecluster/preflight/chain.ts';
import { internalIPv4 } from '../../src/spacecluster/preflight/candidates.ts';
import { gatherPreflight } from '../../src/spacecluster/preflight/gather.ts';
import type { PreflightFacts } from '../../src/spacecluster/preflight/facts.ts';
import { kubectl, mustKubectl, requireChart } from './kubectl.ts';

const NAMESPACE = 'it-preflight';
const SETTINGS = {
  allowedCIDRs: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  metallbNamespace: 'metallb-system',
};
const OPERATOR = 'system:serviceaccount:spacecluster-system:spacecluster';

let operator: HttpKubeClient;
let stored: SpaceCluster;
let nodeAddress: string;

/** The stored cluster with another spec, as if it had been written so. */
function asking(spec: Partial<SpaceClusterSpec>): SpaceCluster {
  return { ...stored, spec: { ...stored.spec, ...spec } };
}

function vip(address: string, change: Partial<SpaceClusterSpec['vip']> = {}): Partial<SpaceClusterSpec> {
  return { vip: { ...stored.spec.vip, address, ...change } };
}

function gather(cluster: SpaceCluster): Promise<PreflightFacts> {
  return gatherPreflight(operator, cluster, SETTINGS, AbortSignal.timeout(10_000));
}

async function verdict(cluster: SpaceCluster): Promise<string> {
  const { passed, reason, message } = runPreflight(await gather(cluster), new Date());
  return passed ? 'passed' : `${reason}: ${message}`;
}

// Each step is a process or a call; on a busy machine they take their time.
jest.setTimeout(30_000);

beforeAll(async () => {
  await requireChart();
  const config = await loadKubeConfig();
  operator = createKubeClient({
    ...config,
    authHeaders: async () => ({ ...(await config.authHeaders()), 'Impersonate-User': OPERATOR }),
  });
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait']);
  await mustKubectl(['create', 'namespace', NAMESPACE]);
  const nodes = await operator.list(Nodes);
  nodeAddress = nodes.items.map(internalIPv4)[0] ?? '';
  const subnet = nodeAddress.replace(/\.\d+$/, '');
  await mustKubectl(['create', '--namespace', NAMESPACE, '-f', '-'], {
    apiVersion: 'spacecluster.dev/v1alpha1',
    kind: 'SpaceCluster',
    metadata: { name: 'fabric' },
    spec: { paused: true, vip: { address: `${subnet}.219`, cidr: `${subnet}.0/24`, managePool: true } },
  });
  stored = await operator.get(SpaceClusters, NAMESPACE, 'fabric');
}, 60_000);

afterAll(async () => {
  operator.close();
  await kubectl(['delete', 'spaceclusters', '--all', '--namespace', NAMESPACE, '--timeout=30s']);
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
}, 60_000);

describe('preflight on a real cluster', () => {
  it('reads everything with the rights that the chart gives', async () => {
    const facts = await gather(stored);
    expect(facts.namespace.metadata.name).toBe(NAMESPACE);
    expect(facts.nodes.length).toBeGreaterThan(0);
    expect(facts.services.map(({ metadata }) => metadata.name)).toContain('kubernetes');
    expect(facts.serviceCIDRs.length).toBeGreaterThan(0);
    expect(facts.otherClusters.map(({ metadata }) => metadata.uid)).not.toContain(stored.metadata.uid);
    expect(facts.metallb).toMatchObject({ installed: true });
    if (facts.metallb.installed) expect(facts.metallb.speakers.length).toBeGreaterThan(0);
  });

  it('passes a cluster that can be built here', async () => {
    expect(await verdict(stored)).toBe('passed');
  });

  it('passes nothing where MetalLB is missing', async () => {
    const facts = await gather(stored);
    const result = runPreflight({ ...facts, metallb: { installed: false } }, new Date());
    expect(result).toMatchObject({ passed: false, reason: 'MetalLBMissing' });
  });

  it('refuses the address of a node', async () => {
    expect(await verdict(asking(vip(nodeAddress)))).toContain(
      `AddressOfNode: spec.vip.address: ${nodeAddress} is the`,
    );
  });

  it('refuses the address of a Service, and of the Services’ range', async () => {
    const address = await mustKubectl([
      'get',
      'service',
      'kubernetes',
      '--namespace',
      'default',
      '-o',
      'jsonpath={.spec.clusterIP}',
    ]);
    expect(await verdict(asking(vip(address)))).toContain('AddressInUse: spec.vip.address');
    expect(await verdict(asking(vip(address)))).toContain('the range of the Services');
  });

  it('refuses an address without a pool', async () => {
    expect(await verdict(asking(vip(stored.spec.vip.address, { managePool: false })))).toContain(
      'NoPoolForAddress',
    );
  });

  it('refuses a pool of its own outside what is allowed', async () => {
    const facts = await gather(stored);
    const result = runPreflight({ ...facts, allowedCIDRs: [] }, new Date());
    expect(result).toMatchObject({ passed: false, reason: 'ManagePoolNotAllowed' });
  });

  it('refuses nodes of another subnet, too few, and too small ones', async () => {
    const small = nodeAddress.replace(/\.\d+$/, '.216/29');
    expect(await verdict(asking(vip(stored.spec.vip.address, { cidr: small })))).toContain(
      'NodesOutsideSubnet',
    );
    expect(await verdict(asking({ cassandra: { ...stored.spec.cassandra, replicas: 30 } }))).toContain(
      'NotEnoughNodes: spec.antiAffinity',
    );
    expect(await verdict(asking({ requirements: { memory: '64Ti' } }))).toContain(
      'NodesTooSmall: spec.requirements.memory: node',
    );
  });

  it('refuses an unknown class and an unsupported version', async () => {
    const storage = { size: '1Gi', storageClassName: 'it-none' };
    expect(await verdict(asking({ postgresql: { ...stored.spec.postgresql, storage } }))).toContain(
      'StorageClassMissing: spec.postgresql.storage.storageClassName: there is no class "it-none"',
    );
    const images = { ...stored.spec.images, cassandra: 'cassandra:3.11' };
    expect(await verdict(asking({ images }))).toContain('UnsupportedVersion: spec.images.cassandra');
  });

  it('refuses a Secret that is missing or malformed, and passes once it is mended', async () => {
    const cluster = asking({ tls: { secretName: 'web' } });
    expect(await verdict(cluster)).toContain(
      `TLSSecretMissing: spec.tls.secretName: Secret ${NAMESPACE}/web does not exist`,
    );
    await mustKubectl([
      'create',
      'secret',
      'generic',
      'web',
      '--namespace',
      NAMESPACE,
      '--from-literal=tls.crt=no',
    ]);
    expect(await verdict(cluster)).toContain('TLSSecretMalformed');
    const { certificate, key } = await createAuthority('it', new Date());
    await mustKubectl(['apply', '--namespace', NAMESPACE, '--server-side', '--force-conflicts', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'web' },
      stringData: { 'tls.crt': certificate, 'tls.key': key },
    });
    expect(await verdict(cluster)).toBe('passed');
  });
});
