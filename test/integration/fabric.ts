// A whole SpaceCluster of the tests' own: made, waited for, asked about, exercised from inside and from the client host.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientExec } from '../lab/lab.ts';
import { SpaceClusters } from '../../src/api/v1alpha1/index.ts';
import type { Condition, SpaceCluster } from '../../src/api/v1alpha1/index.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { Secrets } from '../../src/kube/resources.ts';
import { kubectl, mustKubectl, run } from './kubectl.ts';
import { eventually, STATUS_EVERY_MS } from './kube-support.ts';

export interface Fabric {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
}

type Json = { readonly [key: string]: unknown };

export function manifest(fabric: Fabric, spec: Json = {}): Json {
  return {
    apiVersion: 'spacecluster.dev/v1alpha1',
    kind: 'SpaceCluster',
    metadata: { name: fabric.name, namespace: fabric.namespace },
    spec: {
      vip: { address: fabric.address, cidr: '10.77.0.0/24', managePool: true },
      workers: { replicas: 2 },
      mysql: { storage: { size: '1Gi' } },
      postgresql: { storage: { size: '1Gi' } },
      cassandra: { replicas: 3, storage: { size: '1Gi' } },
      ...spec,
    },
  };
}

export async function makeNamespace(name: string): Promise<void> {
  await mustKubectl(['apply', '-f', '-'], {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
}

export async function read(kube: KubeClient, fabric: Fabric): Promise<SpaceCluster> {
  return kube.get(SpaceClusters, fabric.namespace, fabric.name);
}

export function condition(cluster: SpaceCluster, type: string): Condition | undefined {
  return cluster.status?.conditions?.find((candidate) => candidate.type === type);
}

/** Ready, nothing under way, for the generation that is asked for now. */
export function settled(cluster: SpaceCluster): boolean {
  return (
    cluster.status?.observedGeneration === cluster.metadata.generation &&
    condition(cluster, 'Ready')?.status === 'True' &&
    condition(cluster, 'Reconciling')?.status === 'False' &&
    condition(cluster, 'Stalled')?.status === 'False'
  );
}

/** Settled, and every condition as it should be: the loss of any one node could be borne. */
export function whole(cluster: SpaceCluster): boolean {
  return settled(cluster) && condition(cluster, 'FaultTolerant')?.status === 'True';
}

export async function untilSettled(
  kube: KubeClient,
  fabric: Fabric,
  ms: number,
  enough: (cluster: SpaceCluster) => boolean = settled,
): Promise<SpaceCluster> {
  let last: SpaceCluster | undefined;
  try {
    const look = async (): Promise<SpaceCluster | undefined> => {
      last = await read(kube, fabric);
      return enough(last) ? last : undefined;
    };
    return await eventually('the cluster is Ready and settled', ms, look, STATUS_EVERY_MS);
  } catch (error) {
    const said = (last?.status?.conditions ?? []).map(
      ({ type, status, reason, message }) => `${type}=${status} (${reason}) ${message}`,
    );
    const pods = await kubectl(['-n', fabric.namespace, 'get', 'pods', '-o', 'wide']);
    throw new Error(`${String(error)}\n${said.join('\n')}\n${pods.stdout}`, { cause: error });
  }
}

/** Which worker answered each of `count` requests of the client host; '' where none did. */
export async function answeredBy(
  fabric: Fabric,
  count: number,
  options: { readonly cookie: boolean },
): Promise<readonly string[]> {
  const url = `https://${fabric.address}/readyz`;
  const jar = options.cookie ? '-b /dev/null -c "$jar" -b "$jar"' : '';
  const script = `jar=$(mktemp); for _ in $(seq ${count}); do curl -sk --max-time 5 -o /dev/null -D - ${jar} ${url} | tr -d '\\r' | sed -n 's/^x-space-node: //Ip' | grep . || echo; done; rm -f "$jar"`;
  const { stdout } = await clientExec(['bash', '-c', script]);
  return stdout.split('\n').slice(0, count);
}

/** A GET of the REST interface as `super`, from the client host. The password goes by a file, not by the command line. */
export async function rest(kube: KubeClient, fabric: Fabric, path: string): Promise<Json> {
  const folder = await mkdtemp(join(tmpdir(), 'spc-test-'));
  try {
    const config = join(folder, 'curl');
    const password = await secretValue(kube, fabric.namespace, `${fabric.name}-admin`, 'password');
    await writeFile(config, `user = "super:${password}"\n`, { mode: 0o600 });
    const url = `https://${fabric.address}${path}`;
    const { stdout } = await clientExec(['curl', '-sk', '--max-time', '10', '-K', config, url]);
    return JSON.parse(stdout) as Json;
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function secretValue(
  kube: KubeClient,
  namespace: string,
  secret: string,
  key: string,
): Promise<string> {
  const { data } = await kube.get(Secrets, namespace, secret);
  return Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
}

/** Runs the self-check Job of the demo in the fabric's namespace; its JSON lines. */
export async function selfcheck(fabric: Fabric): Promise<readonly Json[]> {
  const image = process.env['SPC_TEST_IMAGE'] ?? '';
  const template = await readFile(new URL('../../scripts/demo/selfcheck.yaml', import.meta.url), 'utf8');
  const job = template
    .replaceAll('${IMAGE}', image)
    .replaceAll('namespace: demo', `namespace: ${fabric.namespace}`)
    .replace(/\bdemo\b/g, fabric.name);
  const target = ['-n', fabric.namespace];
  const name = `${fabric.name}-selfcheck`;
  await kubectl([...target, 'delete', 'job', name, '--ignore-not-found', '--wait']);
  const applied = await run('kubectl', ['apply', '-f', '-'], job);
  if (applied.code !== 0) throw new Error(`the self-check Job was refused: ${applied.stderr}`);
  await eventually('the self-check Job has ended', 180_000, async () => {
    const { stdout } = await kubectl([
      ...target,
      'get',
      'job',
      name,
      '-o',
      'jsonpath={.status.conditions[*].type}',
    ]);
    return /Complete|Failed/.test(stdout);
  });
  const logs = await mustKubectl([...target, 'logs', `job/${name}`]);
  return logs
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Json)
    .filter((line) => 'ok' in line);
}
