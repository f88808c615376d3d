// The chart's admission policies on the real API server: a pod's token writes its own Lease, role and endpoint, no more (L2, L3).
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { messageOf } from '../../src/errors.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadKubeConfig } from '../../src/kube/config.ts';
import { createKubeClient } from '../../src/kube/http-client.ts';
import { EndpointSlices, Leases, Nodes, Pods } from '../../src/kube/resources.ts';
import type { EndpointSlice, Lease } from '../../src/kube/types.ts';
import { kubectl, mustKubectl, requireChart } from './kubectl.ts';

const NAMESPACE = 'it-admission';
const PRODUCT = { 'app.kubernetes.io/managed-by': 'spacecluster' };

interface Member {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  /** Speaks with the token of this pod. */
  readonly kube: KubeClient;
}

const clients: { close(): void }[] = [];
let admin: KubeClient;
let a: Member;
let b: Member;

async function clientWith(token: string): Promise<KubeClient> {
  const { server, tls, namespace } = await loadKubeConfig();
  const { ca, rejectUnauthorized } = tls;
  const client = createKubeClient({
    server,
    // Without the admin's client certificate: the server would believe it before the token.
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    },
    namespace,
    authHeaders: () => Promise.resolve({ Authorization: `Bearer ${token}` }),
  });
  clients.push(client);
  return client;
}

/** A pod that need not run: what counts is that tokens are bound to it. */
async function member(name: string, node: string): Promise<Member> {
  const pod = await admin.create(Pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      nodeName: node,
      serviceAccountName: 'member',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'none', image: 'spacecluster.invalid/none:0', imagePullPolicy: 'Never' }],
    },
  });
  const uid = pod.metadata.uid ?? '';
  const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', name, '--bound-object-uid', uid];
  const token = await mustKubectl(['create', 'token', 'member', '--namespace', NAMESPACE, ...bound]);
  return { name, uid, node, kube: await clientWith(token.trim()) };
}

function lease(name: string, labels: Readonly<Record<string, string>> = {}): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: NAMESPACE, labels: { ...PRODUCT, ...labels } },
    spec: {},
  };
}

function endpoint(
  of: Pick<Member, 'name' | 'uid' | 'node'>,
): NonNullable<EndpointSlice['endpoints']>[number] {
  return {
    addresses: ['10.244.1.7'],
    conditions: { ready: true },
    nodeName: of.node,
    targetRef: { kind: 'Pod', name: of.name, uid: of.uid },
  };
}

/** Reads the object as the admin, changes it, and writes it as `kube`: '' when that is allowed, else the refusal. */
async function writeLease(kube: KubeClient, name: string, change: (lease: Lease) => Lease): Promise<string> {
  const current = await admin.get(Leases, NAMESPACE, name);
  return kube.replace(Leases, change(current)).then(() => '', messageOf);
}

async function writeSlice(
  kube: KubeClient,
  change: (slice: EndpointSlice) => EndpointSlice,
): Promise<string> {
  const current = await admin.get(EndpointSlices, NAMESPACE, 'web');
  return kube.replace(EndpointSlices, change(current)).then(() => '', messageOf);
}

function holding(holder: string, epoch?: number): (lease: Lease) => Lease {
  return (current) => ({
    ...current,
    spec: {
      ...current.spec,
      holderIdentity: holder,
      ...(epoch === undefined ? {} : { leaseTransitions: epoch }),
    },
  });
}

const self = ({ name, uid }: Member): string => `${name}/${uid}`;

function labelled(labels: Readonly<Record<string, string>>) {
  return <T extends Lease | EndpointSlice>(object: T): T => ({
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...labels } },
  });
}

function annotatedEpoch(epoch: number): (slice: EndpointSlice) => EndpointSlice {
  return (slice) => ({
    ...slice,
    metadata: { ...slice.metadata, annotations: { 'spacecluster.dev/epoch': String(epoch) } },
  });
}

// Each step is a process or a call; on a busy machine they take their time.
jest.setTimeout(30_000);

beforeAll(async () => {
  await requireChart();
  const config = await loadKubeConfig();
  const client = createKubeClient(config);
  clients.push(client);
  admin = client;
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait']);
  await mustKubectl(['create', 'namespace', NAMESPACE]);
  await mustKubectl(['create', 'serviceaccount', 'member', '--namespace', NAMESPACE]);
  const rights = '--resource=leases.coordination.k8s.io,endpointslices.discovery.k8s.io';
  await mustKubectl([
    'create',
    'role',
    'member',
    '--namespace',
    NAMESPACE,
    '--verb=get,update,patch',
    rights,
  ]);
  const subject = `--serviceaccount=${NAMESPACE}:member`;
  await mustKubectl(['create', 'rolebinding', 'member', '--namespace', NAMESPACE, '--role=member', subject]);
  const nodes = (await admin.list(Nodes)).items.map(({ metadata }) => metadata.name);
  a = await member('web-lb-0', nodes[0] ?? 'n1');
  b = await member('web-lb-1', nodes[1] ?? 'n2');
  for (const name of ['web-lb-0', 'web-lb-1']) await admin.create(Leases, lease(name));
  await admin.create(Leases, lease('web-vip', { 'spacecluster.dev/role': 'vip' }));
  await admin.create(EndpointSlices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'web',
      namespace: NAMESPACE,
      labels: {
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'spacecluster.dev',
      },
    },
    addressType: 'IPv4',
    endpoints: [],
    ports: [{ name: 'https', port: 443, protocol: 'TCP' }],
  });
}, 90_000);

afterAll(async () => {
  for (const client of clients) client.close();
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
}, 30_000);

describe('a heartbeat', () => {
  it('is renewed by its own pod', async () => {
    expect(await writeLease(a.kube, a.name, holding(self(a)))).toBe('');
    expect(await writeLease(a.kube, a.name, holding(''))).toBe('');
  });

  it('is not written by another pod of the same ServiceAccount', async () => {
    expect(await writeLease(a.kube, b.name, holding(self(b)))).toContain(
      'pod web-lb-0 may not write the heartbeat of web-lb-1',
    );
  });

  it('names nobody else, nor an earlier pod of the same name', async () => {
    expect(await writeLease(a.kube, a.name, holding(self(b)))).toContain('may hold Lease web-lb-0 itself');
    expect(await writeLease(a.kube, a.name, holding(`${a.name}/old`))).toContain(
      'may hold Lease web-lb-0 itself',
    );
  });

  it('does not escape by its labels', async () => {
    const changed = await writeLease(
      a.kube,
      b.name,
      labelled({ 'app.kubernetes.io/managed-by': 'somebody' }),
    );
    expect(changed).toContain('labels of Lease web-lb-1 belong to the operator');
    const role = await writeLease(a.kube, b.name, labelled({ 'spacecluster.dev/role': 'vip' }));
    expect(role).toContain('belong to the operator');
  });

  it('is not written with a token that is bound to no pod', async () => {
    const token = await mustKubectl(['create', 'token', 'member', '--namespace', NAMESPACE]);
    const anyone = await clientWith(token.trim());
    expect(await writeLease(anyone, a.name, holding(self(a)))).toContain('bound to a pod');
  });
});

describe('a role', () => {
  it('is taken for oneself, with a higher epoch only', async () => {
    expect(await writeLease(a.kube, 'web-vip', holding(self(a)))).toContain('raises its epoch above 0');
    expect(await writeLease(a.kube, 'web-vip', holding(self(b), 1))).toContain(
      'may hold Lease web-vip itself',
    );
    expect(await writeLease(a.kube, 'web-vip', holding(self(a), 1))).toBe('');
  });

  it('is written under the same epoch by its holder, and by nobody else', async () => {
    const annotated = (current: Lease): Lease => ({
      ...current,
      metadata: { ...current.metadata, annotations: { 'spacecluster.dev/phase': 'open' } },
    });
    expect(await writeLease(a.kube, 'web-vip', annotated)).toBe('');
    expect(await writeLease(b.kube, 'web-vip', annotated)).toContain('may hold Lease web-vip itself');
  });

  it('passes to the peer with the next epoch, or is emptied', async () => {
    expect(await writeLease(b.kube, 'web-vip', holding(self(b), 2))).toBe('');
    expect(await writeLease(b.kube, 'web-vip', holding('', 2))).toBe('');
  });

  it('never falls back to an older epoch, whoever writes', async () => {
    expect(await writeLease(a.kube, 'web-vip', holding(self(a), 1))).toContain('never falls: it is 2, and 1');
    expect(await writeLease(admin, 'web-vip', holding('', 1))).toContain('never falls: it is 2, and 1');
  });
});

describe('a routing slice', () => {
  it('gains the pod that writes it', async () => {
    expect(await writeSlice(a.kube, (slice) => ({ ...slice, endpoints: [endpoint(a)] }))).toBe('');
  });

  it('gains nobody else, on no other node, under no other identity', async () => {
    const refusal = `pod web-lb-1 on ${b.node} may add no endpoint but itself to EndpointSlice web`;
    const stranger = { name: 'stranger', uid: 'u', node: b.node };
    for (const wrong of [stranger, { ...b, node: a.node }, { ...b, uid: a.uid }, { ...a, uid: 'u' }]) {
      const added = await writeSlice(b.kube, (slice) => ({
        ...slice,
        endpoints: [endpoint(a), endpoint(wrong)],
      }));
      expect(added).toContain(refusal);
    }
  });

  it('does not change where the peer is', async () => {
    const moved = { ...endpoint(a), addresses: ['10.244.9.9'] };
    expect(await writeSlice(b.kube, (slice) => ({ ...slice, endpoints: [moved] }))).toContain(
      'no endpoint but itself',
    );
  });

  it('puts the peer behind itself, and not in front again', async () => {
    const behind = { ...endpoint(a), conditions: { ready: false, terminating: true } };
    expect(await writeSlice(b.kube, (slice) => ({ ...slice, endpoints: [endpoint(b), behind] }))).toBe('');
    for (const wrong of [
      endpoint(a),
      { ...behind, conditions: { ready: false, serving: true } },
      { ...behind, addresses: ['10.244.9.9'] },
      { ...behind, nodeName: b.node },
    ]) {
      const raised = await writeSlice(b.kube, (slice) => ({ ...slice, endpoints: [endpoint(b), wrong] }));
      expect(raised).toContain('no endpoint but itself');
    }
    expect(await writeSlice(a.kube, (slice) => ({ ...slice, endpoints: [endpoint(a)] }))).toBe('');
  });

  it('keeps the peer beside the new one, and lets a dead peer be removed', async () => {
    const both = await writeSlice(b.kube, (slice) => ({ ...slice, endpoints: [endpoint(a), endpoint(b)] }));
    expect(both).toBe('');
    expect(await writeSlice(b.kube, (slice) => ({ ...slice, endpoints: [endpoint(b)] }))).toBe('');
    expect(await writeSlice(a.kube, (slice) => ({ ...slice, endpoints: [] }))).toBe('');
  });

  it('keeps its labels and ports', async () => {
    const other = labelled({ 'kubernetes.io/service-name': 'bank' });
    expect(await writeSlice(a.kube, other)).toContain('belong to the operator');
    const ports = [{ name: 'https', port: 22, protocol: 'TCP' }];
    expect(await writeSlice(a.kube, (slice) => ({ ...slice, ports }))).toContain('belong to the operator');
  });

  it('never falls back to an older epoch', async () => {
    expect(await writeSlice(a.kube, annotatedEpoch(7))).toBe('');
    expect(await writeSlice(b.kube, annotatedEpoch(6))).toContain('never falls: it is 7, and 6');
  });
});

describe('what the operator may run in pods', () => {
  const OPERATOR = 'system:serviceaccount:spacecluster-system:spacecluster';
  const SCRIPT = ['/bin/bash', '/etc/spacecluster/cassandra/tend.sh', 'status'];

  /** No such pod exists: what is let through fails for that. */
  async function tries(pod: string, container: string, command: readonly string[]): Promise<string> {
    const query = new URLSearchParams({ container, stdout: 'true' });
    for (const word of command) query.append('command', word);
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/exec?${query.toString()}`;
    return (await kubectl(['get', '--raw', path, '--as', OPERATOR])).stderr;
  }

  it('is the script that looks after a Cassandra member', async () => {
    expect(await tries('x-cassandra-r1-0', 'cassandra', SCRIPT)).toContain('not found');
  });

  it.each([
    ['another command', 'x-cassandra-r1-0', 'cassandra', ['/bin/bash', '-c', 'id']],
    ['another container', 'x-cassandra-r1-0', 'other', SCRIPT],
    ['another pod', 'x-mysql-0', 'cassandra', SCRIPT],
  ])('is not %s', async (_what, pod, container, command) => {
    expect(await tries(pod, container, command)).toContain('may only look after Cassandra members');
  });
});
