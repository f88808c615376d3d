// A MySQL pair without the operator: the engine's own objects on the cluster under test, and SQL as the application.
import { expect } from '@jest/globals';
import { API_VERSION, SpaceClusters } from '../../src/api/v1alpha1/index.ts';
import type { SpaceCluster } from '../../src/api/v1alpha1/index.ts';
import { decodeRole, podOf } from '../../src/agent/role-record.ts';
import type { RoleRecord } from '../../src/agent/role-record.ts';
import { memberTlsSecret, names } from '../../src/api/v1alpha1/names.ts';
import { presets } from '../../src/engines/mysql/presets.ts';
import { specs } from '../../src/engines/mysql/specs.ts';
import { Applier } from '../../src/kube/apply.ts';
import type { HttpKubeClient } from '../../src/kube/http-client.ts';
import { EndpointSlices, Leases, Namespaces, Pods, Secrets, Services } from '../../src/kube/resources.ts';
import type { ConfigMap, Secret, StatefulSet } from '../../src/kube/types.ts';
import { certificateSpecs } from '../../src/spacecluster/certificates.ts';
import { credentialSpecs, randomPassword } from '../../src/spacecluster/credentials.ts';
import { createAuthority, issue } from '../../src/spacecluster/pki.ts';
import { podProcesses } from '../lab/lab.ts';
import { eventually, openBench, pause } from './kube-support.ts';
import { mustKubectl, run } from './kubectl.ts';

export const NAME = 'my';
export const MEMBERS = [`${NAME}-mysql-0`, `${NAME}-mysql-1`];
const { services, secrets, roleLeases, state } = names(NAME);

export interface Pair {
  readonly kube: HttpKubeClient;
  readonly namespace: string;
  record(): Promise<RoleRecord>;
  /** The member that holds the role; '' while nobody does. */
  primary(): Promise<string>;
  /** Pods in a Service, sorted. */
  routed(service: 'rw' | 'ro'): Promise<readonly string[]>;
  /** Both recorded, both Ready, each Service with its member: nothing is left to do. */
  settled(): Promise<boolean>;
  /** The application's password as its Secret has it, and another one in its place. */
  password(): Promise<string>;
  rotate(secret: 'application' | 'replication'): Promise<void>;
  /** Does the rw Service let the application in with this password? */
  accepts(password: string, from: string): Promise<boolean>;
  /** Statements as the application's user by a Service; rows one a line, fields by tabs. Runs in `from`'s container. */
  sql(service: 'rw' | 'ro', text: string, from: string): Promise<string>;
  /** Inserts ids one by one through rw until the deadline; those that were acknowledged. */
  write(from: string, table: string, seconds: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

function withPreload({ spec, ...set }: StatefulSet, script: string): StatefulSet {
  const pod = spec?.template.spec;
  if (spec === undefined || pod === undefined) throw new Error('the StatefulSet has no pods');
  const option = `--import=data:text/javascript,${encodeURIComponent(script)}`;
  const agents = (pod.initContainers ?? []).map((agent) => ({
    ...agent,
    env: (agent.env ?? []).map((each) =>
      each.name === 'NODE_OPTIONS' ? { ...each, value: `${each.value} ${option}` } : each,
    ),
  }));
  const template = { ...spec.template, spec: { ...pod, initContainers: agents } };
  return { ...set, spec: { ...spec, template } };
}

export function untilSettled(pair: Pair): Promise<unknown> {
  return eventually('the pair is in sync and routed', HEALED_MS, () => pair.settled());
}

/** Also while it is recorded no longer. */
export async function standbyOf(pair: Pair): Promise<string> {
  const primary = await pair.primary();
  return MEMBERS.find((member) => member !== primary) ?? '';
}

export async function expectNothingLost(
  pair: Pair,
  table: string,
  acknowledged: readonly number[],
): Promise<void> {
  const rows = await pair.sql('rw', `SELECT id FROM ${table}`, await standbyOf(pair));
  const present = new Set(rows.split('\n').map(Number));
  expect(acknowledged.length).toBeGreaterThan(5);
  expect(acknowledged.filter((id) => !present.has(id))).toEqual([]);
}

/** Writes go on while `fault` is done after a moment; then the pair heals, and no acknowledged row is missing. */
export async function survives(pair: Pair, table: string, fault: () => Promise<unknown>): Promise<void> {
  const from = await standbyOf(pair);
  await pair.sql('rw', `CREATE TABLE ${table} (id INT PRIMARY KEY)`, from);
  const writing = pair.write(from, table, 15);
  await pause(3_000);
  await fault();
  const acknowledged = await writing;
  await untilSettled(pair);
  await expectNothingLost(pair, table, acknowledged);
}

/** Longer than any healing takes: what is asserted is that it happens, not how fast. */
export const HEALED_MS = 240_000;

/**
 * Paused, so that an operator that is there leaves it alone.
 * @param image the product's image, for the agents
 * @param preload JavaScript that the agents load before anything else
 */
export async function openPair(namespace: string, image: string, preload?: string): Promise<Pair> {
  const bench = await openBench(namespace);
  const { kube, log } = bench;
  await kube.mergePatch(Namespaces, undefined, namespace, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  const cluster = await ensureCluster(kube, namespace);
  const applier = new Applier({ kube, fieldManager: 'test', log });
  for (const secret of await makeSecrets(cluster, kube)) await applier.ensureCreated(secret);
  await applier.ensureCreated(emptyState(namespace));
  for (const object of presets(cluster, {})) await applier.ensureCreated(object);
  for (const object of specs({ cluster, productImage: image })) {
    const changed = preload !== undefined && object.kind === 'StatefulSet';
    await applier.ensure(changed ? withPreload(object as StatefulSet, preload) : object);
  }

  const record = async (): Promise<RoleRecord> =>
    decodeRole(await kube.get(Leases, namespace, roleLeases.mysql));
  const routed = async (service: 'rw' | 'ro'): Promise<readonly string[]> => {
    const slice = await kube.get(
      EndpointSlices,
      namespace,
      service === 'rw' ? services.mysqlRw : services.mysqlRo,
    );
    return (slice.endpoints ?? []).map(({ targetRef }) => targetRef?.name ?? '').toSorted();
  };
  const ready = async (): Promise<readonly string[]> => {
    const { items } = await kube.list(Pods, {
      namespace,
      labelSelector: 'app.kubernetes.io/component=mysql',
    });
    return items.flatMap(({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true
        ? [metadata.name]
        : [],
    );
  };
  const password = async (): Promise<string> => {
    const { data } = await kube.get(Secrets, namespace, secrets.mysql);
    return Buffer.from(data?.['password'] ?? '', 'base64').toString();
  };
  const client = async (from: string, script: string, input: string, known?: string): Promise<string> => {
    const target = ['-n', namespace, 'exec', '-i', from, '-c', 'mysql', '--', 'bash', '-c'];
    const whole = `read -r MYSQL_PWD; export MYSQL_PWD; ${script}`;
    const { code, stdout, stderr } = await run(
      'kubectl',
      [...target, whole],
      `${known ?? (await password())}\n${input}`,
    );
    if (code !== 0) throw new Error(`mysql from ${from}: ${stderr.trim()}`);
    return stdout.trim();
  };
  const mysql = (service: string): string =>
    `mysql --no-defaults -h ${service} -u space --ssl-mode=REQUIRED --connect-timeout=2 -N -B space`;

  return {
    kube,
    namespace,
    record,
    primary: async () => podOf((await record()).holder ?? ''),
    routed,
    settled: async () => {
      const { holder, phase, copies } = await record();
      if (holder === undefined || phase !== 'open' || copies.length < 2 || (await ready()).length < 2)
        return false;
      const primary = podOf(holder);
      const others = copies.map(({ member }) => member).filter((member) => member !== primary);
      return (await routed('rw')).join() === primary && (await routed('ro')).join() === others.join();
    },
    password,
    rotate: async (secret) => {
      const [name, key] =
        secret === 'application'
          ? [secrets.mysql, 'password']
          : [secrets.internal, 'mysql-replication-password'];
      await kube.mergePatch(Secrets, namespace, name, {
        data: { [key]: Buffer.from(randomPassword()).toString('base64') },
      });
      await refreshMounts(kube, namespace);
    },
    accepts: (known, from) =>
      client(from, `${mysql(services.mysqlRw)} -e 'SELECT 1'`, '', known).then(
        () => true,
        () => false,
      ),
    sql: (service, text, from) =>
      client(from, mysql(service === 'rw' ? services.mysqlRw : services.mysqlRo), text),
    write: async (from, table, seconds) => {
      const insert = `${mysql(services.mysqlRw)} -e "INSERT INTO ${table} VALUES ($id)"`;
      const loop = `end=$((SECONDS + ${seconds})); id=0; while ((SECONDS < end)); do id=$((id + 1)); ${insert} 2>/dev/null && echo $id; done; true`;
      return (await client(from, loop, ''))
        .split('\n')
        .filter((line) => line !== '')
        .map(Number);
    },
    close: () => bench.close(),
  };
}

/** Takes the API server away from one pod, or gives it back: in the pod's own routes, so that nobody else notices. */
export async function setApiRoute(pair: Pair, pod: string, state: 'cut' | 'uncut'): Promise<void> {
  const { spec } = await pair.kube.get(Services, 'default', 'kubernetes');
  const [process] = await podProcesses(pair.namespace, pod, 'mysql');
  if (process === undefined || spec?.clusterIP === undefined) throw new Error(`${pod} has no process`);
  const verb = state === 'cut' ? 'add' : 'del';
  const route = ['ip', 'route', verb, 'blackhole', `${spec.clusterIP}/32`];
  const { code, stderr } = await run('nsenter', ['-t', String(process.pid), '-n', ...route]);
  if (code !== 0) throw new Error(`the route of ${pod} was not ${state}: ${stderr.trim()}`);
}

/** Which process is its mysqld. */
export async function mysqldOf(pair: Pair, pod: string): Promise<number | undefined> {
  const processes = await podProcesses(pair.namespace, pod, 'mysql');
  return processes.find(({ exe }) => exe.endsWith('mysqld'))?.pid;
}

/** The operator makes it; the agents look into it before anything is initialised (M2). */
function emptyState(namespace: string): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: state, namespace }, data: {} };
}

async function ensureCluster(kube: HttpKubeClient, namespace: string): Promise<SpaceCluster> {
  const manifest = {
    apiVersion: API_VERSION,
    kind: SpaceClusters.kind,
    metadata: { name: NAME, namespace },
    spec: {
      paused: true,
      vip: { address: '10.77.0.103', cidr: '10.77.0.0/24' },
      workers: { replicas: 1 },
      mysql: { storage: { size: '1Gi' } },
    },
  };
  await mustKubectl(['apply', '-f', '-'], manifest);
  return kube.get(SpaceClusters, namespace, NAME);
}

async function makeSecrets(cluster: SpaceCluster, kube: HttpKubeClient): Promise<readonly Secret[]> {
  const { namespace } = cluster.metadata;
  const tlsName = memberTlsSecret(NAME, 'mysql');
  const listed = await kube.list(Secrets, { namespace });
  if (listed.items.some(({ metadata }) => metadata.name === tlsName)) return [];
  const now = new Date();
  const authority = await createAuthority('test', now);
  const request = certificateSpecs(cluster).find(({ secret }) => secret === tlsName)?.request;
  const wanted = credentialSpecs(cluster).find(({ secret }) => secret === secrets.mysql);
  if (request === undefined || wanted === undefined) throw new Error('no Secret specified for mysql');
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
    make(secrets.internal, { 'mysql-replication-password': randomPassword() }),
  ];
}

/** The kubelet brings a changed Secret into a pod with its next look at it, a minute later or when the pod changes. */
export async function refreshMounts(kube: HttpKubeClient, namespace: string): Promise<void> {
  await pause(2_000);
  const { items } = await kube.list(Pods, { namespace });
  for (const { metadata } of items) {
    await kube.mergePatch(Pods, namespace, metadata.name, {
      metadata: { annotations: { 'test.spacecluster.dev/refreshed': new Date().toISOString() } },
    });
  }
}
