// A PostgreSQL pair without the operator: the engine's own objects on the cluster under test, and SQL on either member.
import { setTimeout as pause } from 'node:timers/promises';
import type { Copy } from '../../src/agent/role-record.ts';
import { API_VERSION, SpaceClusters } from '../../src/api/v1alpha1/index.ts';
import type { SpaceCluster } from '../../src/api/v1alpha1/index.ts';
import { memberTlsSecret, names } from '../../src/api/v1alpha1/names.ts';
import { DATABASE, memberService, pairRecord } from '../../src/engines/postgresql/names.ts';
import { decodeReport, REPORT_ANNOTATION } from '../../src/engines/postgresql/report.ts';
import type { Report } from '../../src/engines/postgresql/report.ts';
import { RUN_DIR } from '../../src/engines/shared/pods.ts';
import { presets, specs } from '../../src/engines/postgresql/specs.ts';
import type { ClusterView } from '../../src/engines/engine.ts';
import { operate } from '../../src/engines/postgresql/replace.ts';
import { observe } from '../../src/engines/postgresql/status.ts';
import { Applier } from '../../src/kube/apply.ts';
import { EndpointSlices, Leases, Namespaces, Pods, Secrets } from '../../src/kube/resources.ts';
import type { HttpKubeClient } from '../../src/kube/http-client.ts';
import type { Secret } from '../../src/kube/types.ts';
import { certificateSpecs } from '../../src/spacecluster/certificates.ts';
import { credentialSpecs, randomPassword } from '../../src/spacecluster/credentials.ts';
import { createAuthority, issue } from '../../src/spacecluster/pki.ts';
import { eventually, openBench } from './kube-support.ts';
import { mustKubectl, run } from './kubectl.ts';

export const NAME = 'pg';
export const MEMBERS = [`${NAME}-postgresql-0`, `${NAME}-postgresql-1`];

/** Count and digest of a table's rows. */
export const ROWS = (table: string): string =>
  `SELECT count(*), md5(string_agg(r::text, '|' ORDER BY id)) FROM ${table} r`;

export interface Pair {
  readonly kube: HttpKubeClient;
  readonly namespace: string;
  /** psql in a member's container, as the application's user unless told otherwise; the rows, one a line, fields by `|`. */
  sql(ordinal: number, text: string, user?: string): Promise<string>;
  /** The pods in the pair's Service, sorted. */
  serving(): Promise<readonly string[]>;
  /** What a member says of itself. */
  report(ordinal: number): Promise<Report | undefined>;
  /** Annotates the SpaceCluster. */
  annotate(annotations: Readonly<Record<string, string>>): Promise<void>;
  /** pgbench in a member's container: a script at a fixed rate of transactions; its words. */
  load(ordinal: number, script: string, seconds: number): Promise<string>;
  record(): Promise<{ readonly epoch: number; readonly copies: readonly Copy[] }>;
  /** One turn of the operator's part in the pair. */
  operate(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Paused, so that an operator that is there leaves it alone.
 * @param image the product's image, for the agents
 */
export async function openPair(namespace: string, image: string): Promise<Pair> {
  const bench = await openBench(namespace);
  const { kube, log } = bench;
  await kube.mergePatch(Namespaces, undefined, namespace, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  const cluster = await ensureCluster(kube, namespace);
  const applier = new Applier({ kube, fieldManager: 'test', log });
  for (const secret of await secrets(cluster, kube)) await applier.ensureCreated(secret);
  for (const object of presets(cluster, {})) await applier.ensureCreated(object);
  for (const object of specs({ cluster, productImage: image })) await applier.ensure(object);
  return {
    kube,
    namespace,
    sql: (ordinal, text, user = 'space') => psql(namespace, ordinal, text, user),
    serving: async () => {
      const slice = await kube.get(EndpointSlices, namespace, names(NAME).services.postgresql);
      return (slice.endpoints ?? []).map(({ targetRef }) => targetRef?.name ?? '').toSorted();
    },
    report: async (ordinal) => {
      const slice = await kube.get(EndpointSlices, namespace, memberService(NAME, ordinal));
      return decodeReport(slice.metadata.annotations?.[REPORT_ANNOTATION]);
    },
    annotate: async (annotations) => {
      await kube.mergePatch(SpaceClusters, namespace, NAME, { metadata: { annotations } });
    },
    load: (ordinal, script, seconds) => pgbench(namespace, ordinal, script, seconds),
    record: async () => {
      const lease = await kube.get(Leases, namespace, pairRecord(NAME));
      return {
        epoch: lease.spec?.leaseTransitions ?? 0,
        copies: JSON.parse(
          lease.metadata.annotations?.['spacecluster.dev/copies'] ?? '[]',
        ) as readonly Copy[],
      };
    },
    operate: async () => {
      const [pods, slices] = await Promise.all([
        kube.list(Pods, { namespace }),
        kube.list(EndpointSlices, { namespace }),
      ]);
      const view: ClusterView = {
        pods: pods.items,
        slices: slices.items,
        statefulSets: [],
        roleLeases: [],
        secret: () => undefined,
        configMap: () => undefined,
      };
      const signal = AbortSignal.timeout(10_000);
      await operate(observe(cluster, view), { cluster, view, kube, log, signal });
    },
    close: () => bench.close(),
  };
}

/** Compares a query's answer on both members until they are equal; fails with both answers. */
export async function equalOnBoth(pair: Pair, text: string, boundMs: number): Promise<string> {
  const end = performance.now() + boundMs;
  for (;;) {
    const [first, second] = await Promise.all([pair.sql(0, text), pair.sql(1, text)]);
    if (first === second) return first;
    if (performance.now() > end) throw new Error(`differs after ${boundMs} ms:\n${first}\n--\n${second}`);
    await pause(200);
  }
}

async function ensureCluster(kube: HttpKubeClient, namespace: string): Promise<SpaceCluster> {
  const manifest = {
    apiVersion: API_VERSION,
    kind: SpaceClusters.kind,
    metadata: { name: NAME, namespace },
    spec: {
      paused: true,
      vip: { address: '10.77.0.102', cidr: '10.77.0.0/24' },
      workers: { replicas: 1 },
      postgresql: { storage: { size: '1Gi' }, soloAfter: '20s' },
    },
  };
  await mustKubectl(['apply', '-f', '-'], manifest);
  return kube.get(SpaceClusters, namespace, NAME);
}

async function secrets(cluster: SpaceCluster, kube: HttpKubeClient): Promise<readonly Secret[]> {
  const { namespace } = cluster.metadata;
  const tlsName = memberTlsSecret(NAME, 'postgresql');
  const listed = await kube.list(Secrets, { namespace });
  if (listed.items.some(({ metadata }) => metadata.name === tlsName)) return [];
  const now = new Date();
  const authority = await createAuthority('test', now);
  const request = certificateSpecs(cluster).find(({ secret }) => secret === tlsName)?.request;
  const wanted = credentialSpecs(cluster).find(({ secret }) => secret === names(NAME).secrets.postgresql);
  if (request === undefined || wanted === undefined) throw new Error('no Secret specified for postgresql');
  const leaf = await issue(authority, request, now);
  const make = (name: string, data: Readonly<Record<string, string>>): Secret => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  });
  return [
    make(tlsName, { 'tls.crt': leaf.certificate, 'tls.key': leaf.key, 'ca.crt': authority.certificate }),
    make(wanted.secret, { ...wanted.fixed, password: randomPassword() }),
  ];
}

async function pgbench(namespace: string, ordinal: number, script: string, seconds: number): Promise<string> {
  const target = ['-n', namespace, 'exec', '-i', memberService(NAME, ordinal), '-c', 'postgresql', '--'];
  const bench = `cat >${RUN_DIR}/load.sql && pgbench -n -h ${RUN_DIR} -U space -f ${RUN_DIR}/load.sql -R 300 -c 4 -T ${seconds} ${DATABASE}`;
  const { code, stdout, stderr } = await run('kubectl', [...target, 'bash', '-c', bench], script);
  if (code !== 0) throw new Error(`pgbench on member ${ordinal}: ${stderr}`);
  return stdout;
}

async function psql(namespace: string, ordinal: number, text: string, user: string): Promise<string> {
  const target = ['-n', namespace, 'exec', '-i', memberService(NAME, ordinal), '-c', 'postgresql'];
  const psql = ['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', RUN_DIR, '-U', user, DATABASE];
  const { code, stdout, stderr } = await run('kubectl', [...target, '--', ...psql], text);
  if (code !== 0) throw new Error(`psql on member ${ordinal}: ${stderr.trim()}`);
  return stdout.trim();
}

export async function bothServe(pair: Pair, ms: number): Promise<void> {
  await eventually('both members serve', ms, async () => (await pair.serving()).join() === MEMBERS.join());
}
