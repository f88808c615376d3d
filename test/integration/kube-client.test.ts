// The client, Applier, Events and finalizers on the real API server.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Applier, APPLIED_HASH } from '../../src/kube/apply.ts';
import { EventRecorder } from '../../src/kube/events.ts';
import { addFinalizer, removeFinalizer } from '../../src/kube/finalizers.ts';
import { createKubeClient } from '../../src/kube/http-client.ts';
import {
  ConfigMaps,
  Events,
  Namespaces,
  NetworkPolicies,
  Nodes,
  PersistentVolumeClaims,
  PodDisruptionBudgets,
  Roles,
  Secrets,
  Services,
  StatefulSets,
} from '../../src/kube/resources.ts';
import type { KubeObject, NetworkPolicy, Secret, Service, StatefulSet } from '../../src/kube/types.ts';
import { eventually, openBench } from './kube-support.ts';
import type { Bench } from './kube-support.ts';
import { LeaseLostError } from '../../src/errors.ts';

jest.setTimeout(60_000);

let bench: Bench;
const signal = new AbortController().signal;

beforeAll(async () => {
  bench = await openBench('test-kube-client');
});
afterAll(() => bench.close());

describe('KubeClient', () => {
  it('creates, reads, replaces, patches, applies and deletes', async () => {
    const { kube, namespace } = bench;
    const made = await kube.create(ConfigMaps, bench.configMap('a', { x: '1' }));
    expect(await kube.get(ConfigMaps, namespace, 'a')).toEqual(made);
    const replaced = await kube.replace(ConfigMaps, { ...made, data: { x: '2' } });
    expect(replaced.data).toEqual({ x: '2' });
    const patched = await kube.mergePatch(ConfigMaps, namespace, 'a', { data: { x: null, y: '3' } });
    expect(patched.data).toEqual({ y: '3' });
    const applied = await kube.apply(ConfigMaps, bench.configMap('a', { z: '4' }), {
      fieldManager: 'test',
      force: false,
    });
    expect(applied.data).toEqual({ y: '3', z: '4' });
    await kube.delete(ConfigMaps, namespace, 'a', { uid: made.metadata.uid ?? '' });
    await expect(kube.get(ConfigMaps, namespace, 'a')).rejects.toMatchObject({
      status: 404,
      reason: 'NotFound',
    });
  });

  it('tells refusals apart', async () => {
    const { kube, namespace } = bench;
    const made = await kube.create(ConfigMaps, bench.configMap('b'));
    await expect(kube.create(ConfigMaps, bench.configMap('b'))).rejects.toMatchObject({
      status: 409,
      reason: 'AlreadyExists',
    });
    await kube.replace(ConfigMaps, { ...made, data: { changed: '' } });
    await expect(kube.replace(ConfigMaps, made)).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
    await expect(kube.create(ConfigMaps, bench.configMap('NOT A NAME'))).rejects.toMatchObject({
      status: 422,
      reason: 'Invalid',
    });
    await expect(kube.delete(ConfigMaps, namespace, 'b', { uid: 'other' })).rejects.toMatchObject({
      status: 409,
    });
    const other = {
      apiVersion: 'example.org/v1',
      kind: 'Thing',
      plural: 'things',
      namespaced: true,
    } as const;
    await expect(kube.list(other)).rejects.toMatchObject({ status: 404 });
    const { server, tls } = bench.config;
    const { cert: _cert, key: _key, ...anonymous } = tls;
    const stranger = createKubeClient({
      server,
      tls: anonymous,
      namespace: undefined,
      authHeaders: () => Promise.resolve({ Authorization: 'Bearer nonsense' }),
    });
    await expect(stranger.list(Nodes)).rejects.toMatchObject({ status: 401 });
    stranger.close();
  });

  it('lists over pages, with the kind that the server leaves out', async () => {
    const { kube, namespace } = bench;
    const names = Array.from({ length: 510 }, (_none, i) => `page-${i}`);
    const make = async (from: number): Promise<void> => {
      for (let i = from; i < names.length; i += 8)
        await kube.create(ConfigMaps, bench.configMap(names[i] ?? ''));
    };
    await Promise.all(Array.from({ length: 8 }, (_none, i) => make(i)));
    const before = bench.calls.length;
    const { items, resourceVersion } = await kube.list(ConfigMaps, { namespace });
    expect(bench.calls.length - before).toBe(2);
    expect(new Set(items.map((item) => item.metadata.name)).size).toBe(items.length);
    expect(items.filter((item) => item.metadata.name.startsWith('page-'))).toHaveLength(510);
    expect(items.every((item) => item.kind === 'ConfigMap' && item.apiVersion === 'v1')).toBe(true);
    expect(resourceVersion).toMatch(/^\d+$/);
    const named = await kube.list(ConfigMaps, { namespace, fieldSelector: 'metadata.name=page-7' });
    expect(named.items).toHaveLength(1);
  });

  it('watches from a version on, and ends at the signal', async () => {
    const { kube, namespace } = bench;
    const { resourceVersion } = await kube.list(ConfigMaps, { namespace });
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of kube.watch(ConfigMaps, { namespace, resourceVersion, signal: stop.signal })) {
        if (event.type === 'BOOKMARK') continue;
        seen.push(`${event.type} ${event.object.metadata.name}`);
        if (event.type === 'DELETED') stop.abort();
      }
    })();
    const made = await kube.create(ConfigMaps, bench.configMap('w', { text: 'é€😀' }));
    await kube.replace(ConfigMaps, { ...made, data: {} });
    await kube.delete(ConfigMaps, namespace, 'w');
    await watching;
    expect(seen).toEqual(['ADDED w', 'MODIFIED w', 'DELETED w']);
  });

  it('sends every field as it is: a policy keeps whom it lets in', async () => {
    const policy: NetworkPolicy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'peers', namespace: bench.namespace },
      spec: {
        podSelector: {},
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ podSelector: { matchLabels: { a: 'b' } } }] }],
      },
    };
    const made = await bench.kube.create(NetworkPolicies, policy);
    expect(made.spec?.ingress?.[0]?.from).toEqual([{ podSelector: { matchLabels: { a: 'b' } } }]);
  });

  it('keeps a guarded write at home, and lets reads through', async () => {
    const guarded = bench.kube.guarded(() => {
      throw new LeaseLostError('not the leader');
    });
    await expect(guarded.create(ConfigMaps, bench.configMap('guarded'))).rejects.toThrow(LeaseLostError);
    await expect(guarded.get(ConfigMaps, bench.namespace, 'guarded')).rejects.toMatchObject({ status: 404 });
  });
});

/** One object of each kind that normalises something. */
function objects(namespace: string): readonly KubeObject[] {
  const metadata = (name: string): { name: string; namespace: string; labels: Record<string, string> } => ({
    name,
    namespace,
    labels: { app: 'x' },
  });
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata('svc'),
    spec: {
      selector: { app: 'x' },
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81, targetPort: 'named' },
      ],
    },
  };
  const statefulSet: StatefulSet = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata('set'),
    spec: {
      replicas: 0,
      serviceName: 'svc',
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'OnDelete' },
      selector: { matchLabels: { app: 'x' } },
      template: {
        metadata: { labels: { app: 'x' } },
        spec: {
          automountServiceAccountToken: false,
          initContainers: [{ name: 'agent', image: 'x', restartPolicy: 'Always', args: [] }],
          containers: [
            {
              name: 'x',
              image: 'x:1',
              env: [
                { name: 'A', value: '' },
                { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              ],
              ports: [{ name: 'p', containerPort: 80 }],
              resources: { requests: { cpu: '1000m', memory: '2048Mi' }, limits: { memory: '2147483648' } },
              readinessProbe: { httpGet: { path: '/', port: 'p' } },
              securityContext: { capabilities: { drop: ['ALL'] }, runAsUser: 0 },
              volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
            },
          ],
          volumes: [
            { name: 'tmp', emptyDir: { sizeLimit: '1024Mi' } },
            { name: 'secret', secret: { secretName: 's', defaultMode: 0o400 } },
          ],
        },
      },
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
        },
      ],
    },
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadata('cm'),
      data: { 'a.conf': 'x\n' },
    } as KubeObject,
    service,
    {
      ...service,
      metadata: metadata('headless'),
      spec: { ...service.spec, clusterIP: 'None' },
    } as KubeObject,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('routed'),
      spec: { ports: [{ port: 443 }] },
    } as KubeObject,
    statefulSet,
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: metadata('pdb'),
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'x' } } },
    } as KubeObject,
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: metadata('sa'),
      automountServiceAccountToken: false,
    } as KubeObject,
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: metadata('role'),
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    } as KubeObject,
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: metadata('binding'),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'role' },
      subjects: [{ kind: 'ServiceAccount', name: 'sa', namespace }],
    } as KubeObject,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadata('sec'),
      type: 'Opaque',
      data: { k: 'dg==' },
    } as KubeObject,
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: metadata('np'),
      spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 80 }] }] },
    } as KubeObject,
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: metadata('slice'),
      addressType: 'IPv4',
      endpoints: [],
      ports: [{ name: 'a', port: 80 }],
    } as KubeObject,
    {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: metadata('lease'),
      spec: {},
    } as KubeObject,
  ];
}

describe('Applier', () => {
  const applier = (): Applier =>
    new Applier({ kube: bench.kube, fieldManager: 'spacecluster-test', log: bench.log });

  it('makes every kind, and then writes nothing, also after a restart', async () => {
    const all = objects(bench.namespace);
    for (const object of all) expect(await applier().ensure(object)).toBe('written');
    bench.newWrites();
    for (const object of all)
      expect(`${object.kind} ${await applier().ensure(object)}`).toBe(`${object.kind} unchanged`);
    expect(bench.newWrites()).toEqual([]);
    expect(bench.complaints).toEqual([]);
  });

  it('puts hand-made drift right, removes what is no longer wanted, and leaves the rest alone', async () => {
    const { kube, namespace } = bench;
    const desired = bench.configMap('drift', { a: '1', b: '2' });
    await applier().ensure(desired);
    await kube.mergePatch(ConfigMaps, namespace, 'drift', { data: { a: 'wrong', theirs: 'x' } });
    expect(await applier().ensure(desired)).toBe('written');
    expect((await kube.get(ConfigMaps, namespace, 'drift')).data).toEqual({ a: '1', b: '2', theirs: 'x' });
    expect(await applier().ensure(bench.configMap('drift', { a: '1' }))).toBe('written');
    expect((await kube.get(ConfigMaps, namespace, 'drift')).data).toEqual({ a: '1', theirs: 'x' });
    await kube.mergePatch(ConfigMaps, namespace, 'drift', {
      metadata: { annotations: { [APPLIED_HASH]: null } },
    });
    expect(await applier().ensure(bench.configMap('drift', { a: '1' }))).toBe('written');
  });

  it('writes nothing because of a cache that is behind', async () => {
    const desired = bench.configMap('cached', { a: '1' });
    await applier().ensure(desired);
    bench.newWrites();
    const behind = new Applier({
      kube: bench.kube,
      fieldManager: 'spacecluster-test',
      log: bench.log,
      lookup: () => undefined,
    });
    expect(await behind.ensure(desired)).toBe('unchanged');
    expect(bench.newWrites()).toEqual([]);
  });

  it('needs no read for what the cache confirms', async () => {
    const desired = bench.configMap('confirmed', { a: '1' });
    await applier().ensure(desired);
    const live = await bench.kube.get(ConfigMaps, bench.namespace, 'confirmed');
    const before = bench.calls.length;
    const cached = new Applier({
      kube: bench.kube,
      fieldManager: 'spacecluster-test',
      log: bench.log,
      lookup: () => live,
    });
    expect(await cached.ensure(desired)).toBe('unchanged');
    expect(bench.calls.length).toBe(before);
  });

  it('applies once, and says so, where the server does not keep an object as it was sent', async () => {
    const { kube, namespace } = bench;
    const odd = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'odd', namespace },
      stringData: { a: 'b' },
    } as Secret;
    const one = applier();
    expect(await one.ensure(odd)).toBe('written');
    expect(bench.complaints.splice(0)).toHaveLength(1);
    expect(await one.ensure(odd)).toBe('unchanged');
    expect(await one.ensure(odd)).toBe('unchanged');
    await kube.mergePatch(Secrets, namespace, 'odd', { metadata: { annotations: { [APPLIED_HASH]: 'x' } } });
    expect(await one.ensure(odd)).toBe('written');
    expect(bench.complaints.splice(0)).toHaveLength(1);
  });

  it('creates what is missing and never touches what exists', async () => {
    const { kube, namespace } = bench;
    expect(await applier().ensureCreated(bench.configMap('preset', { a: '1' }))).toBe('written');
    await kube.mergePatch(ConfigMaps, namespace, 'preset', { data: { a: 'theirs' } });
    bench.newWrites();
    expect(await applier().ensureCreated(bench.configMap('preset', { a: '2' }))).toBe('unchanged');
    expect(bench.newWrites()).toEqual([]);
    expect((await kube.get(ConfigMaps, namespace, 'preset')).data).toEqual({ a: 'theirs' });
  });

  it('makes one object of two creations at the same time', async () => {
    const object = bench.configMap('race');
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => applier().ensureCreated(object)));
    expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
  });

  it('deletes what exists, waits for what is held, and writes nothing for what is gone', async () => {
    const { kube, namespace } = bench;
    const held = await addFinalizer(
      kube,
      ConfigMaps,
      await kube.create(ConfigMaps, bench.configMap('held')),
      'example.org/x',
      signal,
    );
    expect(await applier().ensureAbsent(held)).toBe(false);
    bench.newWrites();
    expect(await applier().ensureAbsent(held)).toBe(false);
    expect(bench.newWrites()).toEqual([]);
    await removeFinalizer(
      kube,
      ConfigMaps,
      await kube.get(ConfigMaps, namespace, 'held'),
      'example.org/x',
      signal,
    );
    expect(await applier().ensureAbsent(held)).toBe(true);
  });
});

describe('finalizers', () => {
  it('are changed only on the version that was read', async () => {
    const { kube } = bench;
    const made = await kube.create(ConfigMaps, bench.configMap('fin'));
    const held = await addFinalizer(kube, ConfigMaps, made, 'example.org/a', signal);
    await expect(addFinalizer(kube, ConfigMaps, made, 'example.org/b', signal)).rejects.toMatchObject({
      status: 409,
    });
    const both = await addFinalizer(kube, ConfigMaps, held, 'example.org/b', signal);
    expect(both.metadata.finalizers).toEqual(['example.org/a', 'example.org/b']);
    await expect(removeFinalizer(kube, ConfigMaps, held, 'example.org/a', signal)).rejects.toMatchObject({
      status: 409,
    });
    await removeFinalizer(kube, ConfigMaps, both, 'example.org/a', signal);
    const rest = await kube.get(ConfigMaps, bench.namespace, 'fin');
    expect(rest.metadata.finalizers).toEqual(['example.org/b']);
    await removeFinalizer(kube, ConfigMaps, rest, 'example.org/b', signal);
  });
});

describe('EventRecorder', () => {
  it('writes one Event for many of the same, counts on it, and lives through its loss', async () => {
    const { kube, namespace } = bench;
    let now = 0;
    const recorder = new EventRecorder({
      kube,
      controller: 'spacecluster.dev/test',
      instance: 'test-0',
      log: bench.log,
      now: () => now,
    });
    const about = await kube.create(ConfigMaps, bench.configMap('subject'));
    const tell = async (note: string): Promise<void> => {
      recorder.record(about, { type: 'Warning', reason: 'Tested', action: 'Testing', note });
      await recorder.flush();
    };
    const events = async (): Promise<readonly (number | undefined)[]> => {
      const { items } = await kube.list(Events, { namespace });
      return items.filter((item) => item.regarding?.name === 'subject').map((item) => item.series?.count);
    };
    await tell('the same');
    await tell('the same');
    expect(await events()).toEqual([undefined]);
    now += 61_000;
    await tell('the same');
    expect(await events()).toEqual([3]);
    await tell('ü'.repeat(2_000));
    expect(await events()).toHaveLength(2);
    for (const { metadata } of (await kube.list(Events, { namespace })).items) {
      await kube.delete(Events, namespace, metadata.name);
    }
    now += 61_000;
    await tell('the same');
    await tell('the same');
    expect(await events()).toEqual([undefined]);
    const cluster = await kube.get(Namespaces, undefined, namespace);
    recorder.record(cluster, { type: 'Normal', reason: 'Tested', action: 'Testing', note: 'no namespace' });
    await recorder.flush();
    const found = await eventually('an Event about the Namespace', 2_000, async () => {
      const { items } = await kube.list(Events, { namespace: 'default' });
      return items.find((item) => item.regarding?.uid === cluster.metadata.uid);
    });
    await kube.delete(Events, 'default', found.metadata.name);
    expect(bench.complaints).toEqual([]);
  });
});

it('knows every kind in use by its right path', async () => {
  const kinds = [Nodes, Services, StatefulSets, PodDisruptionBudgets, Roles, PersistentVolumeClaims, Events];
  await Promise.all(kinds.map((kind) => bench.kube.list<KubeObject>(kind)));
});
