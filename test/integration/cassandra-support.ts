// A Cassandra ring without the operator: the engine's own objects on the cluster under test, and the engine's functions called
// as a pass of the operator calls them.
import { API_VERSION } from '../../src/api/v1alpha1/index.ts';
import type { SpaceCluster } from '../../src/api/v1alpha1/index.ts';
import { memberTlsSecret, names } from '../../src/api/v1alpha1/names.ts';
import type { RingAccess } from '../../src/engines/cassandra/admin.ts';
import { decide } from '../../src/engines/cassandra/decide.ts';
import { gather } from '../../src/engines/cassandra/gather.ts';
import type { RingObserved } from '../../src/engines/cassandra/gather.ts';
import { operate } from '../../src/engines/cassandra/operations.ts';
import { changeRecord } from '../../src/engines/cassandra/record-keeper.ts';
import type { Settlement } from '../../src/engines/cassandra/settlement.ts';
import { settle } from '../../src/engines/cassandra/settler.ts';
import { specs } from '../../src/engines/cassandra/specs.ts';
import { assess } from '../../src/engines/cassandra/status.ts';
import type { Assessment, EngineContext } from '../../src/engines/engine.ts';
import { Applier } from '../../src/kube/apply.ts';
import {
  ConfigMaps,
  EndpointSlices,
  Namespaces,
  Pods,
  Secrets,
  StatefulSets,
} from '../../src/kube/resources.ts';
import type { Secret } from '../../src/kube/types.ts';
import { certificateSpecs } from '../../src/spacecluster/certificates.ts';
import { createAuthority, issue } from '../../src/spacecluster/pki.ts';
import { sampleCluster } from '../unit/sample.ts';
import { eventually, openBench, pause } from './kube-support.ts';
import type { Bench } from './kube-support.ts';

export const NAME = 'ring';
export const SUPERUSER = { username: 'space_admin', password: 'own-password' };
export const APPLICATION = { username: 'space', password: 'application-password' };

export interface Ring {
  readonly bench: Bench;
  /** The SpaceCluster as it stands; there is none on the API server. */
  cluster(): SpaceCluster;
  /** Changes the spec or annotations, and applies the objects that are then wanted. */
  change(change: (cluster: SpaceCluster) => SpaceCluster): Promise<void>;
  context(): Promise<EngineContext>;
  observe(): Promise<RingObserved>;
  /** What the operator does in a pass, settling apart: objects, the next step, the word on it. */
  pass(): Promise<Assessment>;
  /** Passes, with settling, until the ring says `reason`. */
  until(reason: string, ms: number): Promise<Assessment>;
  /** Roles, keyspaces and replication, by the settler called here. */
  settlement(replication: number): Settlement;
  access(): Promise<RingAccess>;
  close(): Promise<void>;
}

export async function openRing(namespace: string, replicas: number): Promise<Ring> {
  const bench = await openBench(namespace);
  const { kube, log } = bench;
  const applier = new Applier({ kube, fieldManager: 'test', log });
  const sample = sampleCluster({
    cassandra: { replicas, storage: { size: '1Gi' } },
    // More members than nodes.
    antiAffinity: 'Preferred',
    resources: { cassandra: { requests: { cpu: '100m' } } },
  });
  let cluster: SpaceCluster = {
    ...sample,
    apiVersion: API_VERSION,
    metadata: { ...sample.metadata, name: NAME, namespace },
  };
  await kube.mergePatch(Namespaces, undefined, namespace, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  for (const secret of await makeSecrets(cluster)) await kube.create(Secrets, secret);
  await kube.create(ConfigMaps, bench.configMap(names(NAME).state));

  const apply = async (): Promise<void> => {
    for (const object of specs({ cluster, productImage: 'unused' })) {
      // No owner: there is no SpaceCluster here, and the garbage collector would take them for orphans.
      const { ownerReferences: _, ...metadata } = object.metadata;
      await applier.ensure({ ...object, metadata });
    }
  };
  const context = async (): Promise<EngineContext> => {
    const [pods, sets, slices, secrets, configMaps] = await Promise.all([
      kube.list(Pods, { namespace }),
      kube.list(StatefulSets, { namespace }),
      kube.list(EndpointSlices, { namespace }),
      kube.list(Secrets, { namespace }),
      kube.list(ConfigMaps, { namespace }),
    ]);
    return {
      cluster,
      kube,
      log,
      signal: AbortSignal.timeout(120_000),
      view: {
        pods: pods.items,
        statefulSets: sets.items,
        roleLeases: [],
        slices: slices.items,
        secret: (name) => secrets.items.find(({ metadata }) => metadata.name === name),
        configMap: (name) => configMaps.items.find(({ metadata }) => metadata.name === name),
      },
    };
  };
  const settlement = (replication: number): Settlement => ({
    superuser: SUPERUSER,
    application: APPLICATION,
    keyspace: 'space',
    replication,
  });
  const access = async (): Promise<RingAccess> => {
    const { members } = await gather(await context());
    const secret = await kube.get(Secrets, namespace, memberTlsSecret(NAME, 'cassandra'));
    return {
      addresses: members.flatMap((member) => (member.ready && member.ip !== undefined ? [member.ip] : [])),
      serverName: `${names(NAME).services.cassandra}.${namespace}.svc`,
      ca: Buffer.from(secret.data?.['ca.crt'] ?? '', 'base64').toString('utf8'),
    };
  };
  /** The operator runs the settler as a process of its own, which is not there in a test. */
  const settleHere = async (observed: RingObserved, seen: EngineContext): Promise<void> => {
    const decision = decide(observed);
    if (decision.kind !== 'settle') return;
    const wanted = settlement(decision.replication);
    const job = { access: await access(), wanted, spread: observed.record.spread };
    const answer = await settle(job, AbortSignal.timeout(120_000));
    if (answer.kind !== 'done') return;
    await changeRecord(seen, (record) => ({ ...record, spread: answer.spread, settled: decision.key }));
  };
  const pass = async (settling = false): Promise<Assessment> => {
    await apply();
    const seen = await context();
    const observed = await gather(seen);
    if (decide(observed).kind !== 'settle') await operate(observed, seen);
    else if (settling) await settleHere(observed, seen);
    const assessment = assess(observed);
    cluster = { ...cluster, status: { observedGeneration: 1, ...assessment.status } };
    return assessment;
  };
  await apply();
  return {
    bench,
    cluster: () => cluster,
    change: async (change) => {
      cluster = change(cluster);
      await apply();
    },
    context,
    observe: async () => gather(await context()),
    pass: () => pass(),
    until: (reason, ms) =>
      eventually(`the ring says ${reason}`, ms, async () => {
        const assessment = await pass(true);
        if (assessment.reason === reason) return assessment;
        await pause(1_000);
        return undefined;
      }),
    settlement,
    access,
    close: () => bench.close(),
  };
}

async function makeSecrets(cluster: SpaceCluster): Promise<readonly Secret[]> {
  const { secrets } = names(NAME);
  const name = memberTlsSecret(NAME, 'cassandra');
  const request = certificateSpecs(cluster).find(({ secret }) => secret === name)?.request;
  if (request === undefined) throw new Error(`no certificate specified for ${name}`);
  const authority = await createAuthority('test', new Date());
  const leaf = await issue(authority, request, new Date());
  const secretOf = (of: string, data: Readonly<Record<string, string>>): Secret => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: of, namespace: cluster.metadata.namespace ?? '' },
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  });
  return [
    secretOf(name, { 'tls.crt': leaf.certificate, 'tls.key': leaf.key, 'ca.crt': authority.certificate }),
    secretOf(secrets.cassandra, APPLICATION),
    secretOf(secrets.internal, { note: 'the settler is called by the test itself' }),
  ];
}
