// A load-balancer pair without the operator: the engine's own objects on the cluster under test, before stand-in workers
// that answer with their own name over HTTPS.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_VERSION, SpaceClusters } from '../../src/api/v1alpha1/index.ts';
import type { SpaceCluster } from '../../src/api/v1alpha1/index.ts';
import { memberTlsSecret, names, PORTS, workloadName } from '../../src/api/v1alpha1/names.ts';
import { clusterWideObjects, loadBalancer } from '../../src/engines/loadbalancer/index.ts';
import { configMap, podService } from '../../src/engines/shared/objects.ts';
import { identityEnv, restricted, statefulSet } from '../../src/engines/shared/pods.ts';
import { Applier } from '../../src/kube/apply.ts';
import type { HttpKubeClient } from '../../src/kube/http-client.ts';
import { readyEndpoint } from '../../src/kube/ready-endpoint.ts';
import { EndpointSlices, Leases, Namespaces, resourceOf, Secrets } from '../../src/kube/resources.ts';
import type { KubeObject, PodSpec, Secret } from '../../src/kube/types.ts';
import { certificateSpecs } from '../../src/spacecluster/certificates.ts';
import { createAuthority, issue } from '../../src/spacecluster/pki.ts';
import type { KeyPair } from '../../src/spacecluster/pki.ts';
import { clientExec } from '../lab/lab.ts';
import { openBench } from './kube-support.ts';
import { mustKubectl } from './kubectl.ts';

export const NAME = 'web';
export const ADDRESS = '10.77.0.121';
const METALLB = 'metallb-system';
/** User of the product's image. */
const WORKER_UID = 65532;

/** What the client host got: the worker's name, or what curl says of a failure. */
export type Answer = string;

export interface Pair {
  readonly kube: HttpKubeClient;
  readonly namespace: string;
  /** The record and the routing, as they are now. */
  state(): Promise<{
    readonly holder: string;
    readonly epoch: number;
    readonly routedTo: string;
    /** Pods whose nodes lead to them what still arrives there. */
    readonly behind: readonly string[];
    readonly routedEpoch: number;
  }>;
  /** `count` requests from the client host, one after the other, each on a connection of its own. */
  ask(count: number, cookie?: string): Promise<readonly Answer[]>;
  /** A request whose answer takes three seconds: its last line, or what curl says of a failure. */
  askSlowly(): Promise<Answer>;
  /** The cookie a first request is given. */
  cookie(): Promise<string>;
  /** Serial number of the certificate that the Web IP shows. */
  serial(): Promise<string>;
  scaleWorkers(count: number): Promise<void>;
  /** A new certificate for the Web IP, by the same authority. */
  renewCertificate(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Paused, so that an operator that is there leaves it alone.
 * @param image the product's image, for the agents and the stand-in workers
 */
export async function openPair(namespace: string, image: string): Promise<Pair> {
  const bench = await openBench(namespace);
  const { kube, log } = bench;
  await kube.mergePatch(Namespaces, undefined, namespace, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  const cluster = await ensureCluster(kube, namespace);
  const authority = await createAuthority('test', new Date());
  const folder = await mkdtemp(join(tmpdir(), 'lb-'));
  const caFile = join(folder, 'ca.crt');
  await writeFile(caFile, authority.certificate);
  const applier = new Applier({ kube, fieldManager: 'test', log });
  for (const object of [
    ...(await certificates(cluster, authority)),
    ...clusterWideObjects(cluster, METALLB),
    ...loadBalancer.specs({ cluster, productImage: image }),
    ...workers(cluster, image),
  ]) {
    await applier.ensure(object);
  }
  for (const object of loadBalancer.presets(cluster, {})) await applier.ensureCreated(object);
  const curl = (path: string, ...args: readonly string[]): readonly string[] => [
    'curl',
    '--silent',
    '--show-error',
    '--max-time',
    '3',
    '--cacert',
    caFile,
    ...args,
    `https://${ADDRESS}${path}`,
  ];
  return {
    kube,
    namespace,
    state: () => stateOf(kube, namespace),
    ask: async (count, cookie) => {
      const one = curl('/', ...(cookie === undefined ? [] : ['--cookie', cookie])).join(' ');
      const { stdout } = await clientExec([
        'bash',
        '-c',
        `for i in $(seq ${count}); do ${one} 2>&1 | head -n 1; done`,
      ]);
      return stdout.trim().split('\n');
    },
    askSlowly: async () => {
      const one = curl('/slow', '--no-buffer', '--max-time', '8').join(' ');
      const { stdout } = await clientExec(['bash', '-c', `${one} 2>&1 | tail -n 1`]);
      return stdout.trim();
    },
    cookie: async () => {
      const { stdout } = await clientExec(curl('/', '--dump-header', '-', '--output', '/dev/null'));
      return /set-cookie: (SPACESRV=[^;]+);/i.exec(stdout)?.[1] ?? '';
    },
    serial: async () => {
      const script = `openssl s_client -connect ${ADDRESS}:443 </dev/null 2>/dev/null | openssl x509 -noout -serial`;
      return (await clientExec(['bash', '-c', script])).stdout.trim();
    },
    scaleWorkers: async (count) => {
      const set = `statefulset/${workloadName(NAME, 'worker')}`;
      await mustKubectl(['-n', namespace, 'scale', set, `--replicas=${count}`]);
    },
    renewCertificate: async () => {
      const [web] = await certificates(cluster, authority);
      if (web !== undefined) await applier.ensure(web);
    },
    close: async () => {
      for (const object of clusterWideObjects(cluster, METALLB)) {
        const type = resourceOf(object);
        if (type !== undefined) await kube.delete(type, METALLB, object.metadata.name);
      }
      await rm(folder, { recursive: true });
      await bench.close();
    },
  };
}

async function stateOf(kube: HttpKubeClient, namespace: string): ReturnType<Pair['state']> {
  const { roleLeases, services } = names(NAME);
  const role = await kube.get(Leases, namespace, roleLeases.vip);
  const slice = await kube.get(EndpointSlices, namespace, services.vip);
  return {
    holder: role.spec?.holderIdentity?.split('/')[0] ?? '',
    epoch: role.spec?.leaseTransitions ?? 0,
    routedTo: readyEndpoint(slice)?.targetRef?.name ?? '',
    behind: (slice.endpoints ?? []).slice(1).map(({ targetRef }) => targetRef?.name ?? ''),
    routedEpoch: Number(slice.metadata.annotations?.['spacecluster.dev/epoch'] ?? 0),
  };
}

async function ensureCluster(kube: HttpKubeClient, namespace: string): Promise<SpaceCluster> {
  await mustKubectl(['apply', '-f', '-'], {
    apiVersion: API_VERSION,
    kind: SpaceClusters.kind,
    metadata: { name: NAME, namespace },
    spec: {
      paused: true,
      vip: { address: ADDRESS, cidr: '10.77.0.0/24', managePool: true },
      workers: { replicas: 2 },
    },
  });
  return kube.get(SpaceClusters, namespace, NAME);
}

/** The Web IP's first, then the members'. */
async function certificates(cluster: SpaceCluster, authority: KeyPair): Promise<readonly Secret[]> {
  const wanted = [
    names(NAME).secrets.tls,
    memberTlsSecret(NAME, 'loadbalancer'),
    memberTlsSecret(NAME, 'worker'),
  ];
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const specs = certificateSpecs(cluster);
  return Promise.all(
    wanted.map(async (name): Promise<Secret> => {
      const spec = specs.find(({ secret }) => secret === name);
      if (spec === undefined) throw new Error(`no certificate specified for ${name}`);
      const leaf = await issue(authority, spec.request, new Date());
      return {
        apiVersion: 'v1',
        kind: Secrets.kind,
        type: 'kubernetes.io/tls',
        metadata: { name, namespace: cluster.metadata.namespace },
        data: {
          'tls.crt': encode(leaf.certificate),
          'tls.key': encode(leaf.key),
          'ca.crt': encode(authority.certificate),
        },
      };
    }),
  );
}

/** `/slow` tells the worker's name bit by bit, so that its connection is in use all the time. */
const WORKER_SCRIPT = `
import { readFileSync } from 'node:fs';
import { createServer as createHealthServer } from 'node:http';
import { createServer } from 'node:https';
const read = (file) => readFileSync('/tls/' + file);
createServer({ key: read('tls.key'), cert: read('tls.crt') }, async (request, response) => {
  for (let part = 0; request.url === '/slow' && part < 15; part += 1) {
    response.write('.\\n');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  response.end(process.env.POD_NAME + '\\n');
}).listen(${PORTS.worker});
createHealthServer((request, response) => response.end('ok')).listen(${PORTS.agent});
process.once('SIGTERM', () => process.exit(0));
`;

function workers(cluster: SpaceCluster, image: string): readonly KubeObject[] {
  const service = names(NAME).services.workers;
  const pod: PodSpec = {
    securityContext: { fsGroup: WORKER_UID },
    terminationGracePeriodSeconds: 5,
    containers: [
      {
        name: 'worker',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['/usr/local/bin/node', '/script/worker.mjs'],
        env: identityEnv(cluster),
        securityContext: restricted(WORKER_UID),
        volumeMounts: [
          { name: 'tls', mountPath: '/tls', readOnly: true },
          { name: 'script', mountPath: '/script', readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'tls', secret: { secretName: memberTlsSecret(NAME, 'worker'), defaultMode: 0o440 } },
      { name: 'script', configMap: { name: service } },
    ],
  };
  return [
    configMap(cluster, service, 'worker', { 'worker.mjs': WORKER_SCRIPT }),
    podService(cluster, service, 'worker', [{ name: 'https', port: PORTS.worker, protocol: 'TCP' }], {
      headless: true,
      publishNotReadyAddresses: true,
    }),
    statefulSet(cluster, 'worker', { replicas: 2, serviceName: service, pod }),
  ];
}
