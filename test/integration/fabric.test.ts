// The main job, from apply to delete and back, on the real cluster: one fabric, looked at in the order in which a user would.
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ConfigMaps,
  PersistentVolumeClaims,
  Pods,
  Secrets,
  Services,
  StatefulSets,
} from '../../src/kube/resources.ts';
import {
  answeredBy,
  condition,
  makeNamespace,
  manifest,
  read,
  rest,
  selfcheck,
  settled,
  untilSettled,
  whole,
} from './fabric.ts';
import type { Fabric } from './fabric.ts';
import { eventually, openBench, pause } from './kube-support.ts';
import type { Bench } from './kube-support.ts';
import { kubectl, mustKubectl, requireChart } from './kubectl.ts';
import { leaderLease, operatorWrites } from './operator.ts';

const FABRIC: Fabric = { namespace: 'it-fabric', name: 'fab', address: '10.77.0.120' };
const READY_MS = 480_000;
const SETTLE_MS = 120_000;

let bench: Bench;
const apply = (spec = {}) => mustKubectl(['apply', '-f', '-'], manifest(FABRIC, spec));
const patch = (spec: object) =>
  mustKubectl([
    '-n',
    FABRIC.namespace,
    'patch',
    'spacecluster',
    FABRIC.name,
    '--type=merge',
    '-p',
    JSON.stringify({ spec }),
  ]);

beforeAll(async () => {
  await requireChart();
  bench = await openBench(FABRIC.namespace);
  await makeNamespace(FABRIC.namespace);
}, 60_000);

afterAll(async () => {
  await kubectl(['-n', FABRIC.namespace, 'delete', 'spacecluster', '--all', '--wait', '--timeout=120s']);
  await bench.close();
}, 180_000);

describe('a fabric', () => {
  it(
    'comes up whole from one resource',
    async () => {
      await apply();
      const cluster = await untilSettled(bench.kube, FABRIC, READY_MS, whole);
      const untrue = (cluster.status?.conditions ?? []).filter(
        ({ type, status }) =>
          (['Reconciling', 'Stalled', 'Paused'].includes(type) ? 'False' : 'True') !== status,
      );
      expect(untrue).toEqual([]);
      expect(cluster.status).toMatchObject({
        vip: {
          address: FABRIC.address,
          holder: expect.stringMatching(/^fab-lb-[01]$/),
          node: expect.stringMatching(/^n\d$/),
        },
        mysql: { inSync: true },
        workers: { replicas: 2, readyReplicas: 2 },
      });
      // A machine that is busy with starting it all may have made it hand over already.
      const { primary, standby } = cluster.status?.mysql ?? {};
      expect(new Set([primary, standby])).toEqual(new Set(['fab-mysql-0', 'fab-mysql-1']));
    },
    READY_MS + 10_000,
  );

  it('puts the members of each pair on different nodes, in restricted pods', async () => {
    const { items } = await bench.kube.list(Pods, { namespace: FABRIC.namespace });
    for (const component of ['mysql', 'postgresql', 'loadbalancer', 'cassandra']) {
      const nodes = items
        .filter((pod) => pod.metadata.labels?.['app.kubernetes.io/component'] === component)
        .map((pod) => pod.spec?.nodeName);
      expect(new Set(nodes).size).toBe(nodes.length);
      expect(nodes.length).toBeGreaterThanOrEqual(2);
    }
  });

  it('shares requests evenly, and keeps a session on its worker', async () => {
    const spread = await answeredBy(FABRIC, 20, { cookie: false });
    const counts = ['fab-worker-0', 'fab-worker-1'].map(
      (worker) => spread.filter((answer) => answer === worker).length,
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(20);
    expect(Math.abs((counts[0] ?? 0) - (counts[1] ?? 0))).toBeLessThanOrEqual(3);
    const sticky = new Set(await answeredBy(FABRIC, 20, { cookie: true }));
    expect(sticky.size).toBe(1);
    expect([...sticky][0]).toMatch(/^fab-worker-/);
  }, 60_000);

  it('lists all its members over REST, all up', async () => {
    const path = '/api/space/fabric-management/fabric-nodes';
    const members = await eventually('members are UP', 90_000, async () => {
      const list = await rest(bench.kube, FABRIC, path);
      const items = list['items'] as readonly { readonly component: string; readonly status: string }[];
      return items.every(({ status }) => status === 'UP') ? items : undefined;
    });
    expect(members).toHaveLength(11);
  }, 100_000);

  it('replicates and stores, as its own self-check shows', async () => {
    const lines = await selfcheck(FABRIC);
    expect(lines.filter((line) => line['ok'] !== true)).toEqual([]);
    expect(lines).toHaveLength(3);
  }, 200_000);

  it(
    'causes no writes by the operator once it is settled (R1)',
    async () => {
      await untilSettled(bench.kube, FABRIC, SETTLE_MS);
      const before = await operatorWrites();
      // It has written to get there: what is counted is really this operator's.
      expect(before).not.toEqual({});
      await pause(20_000);
      expect(await operatorWrites()).toEqual(before);
    },
    SETTLE_MS + 30_000,
  );

  it(
    'is put right after hand-made changes',
    async () => {
      await bench.kube.delete(Services, FABRIC.namespace, 'fab-mysql-rw');
      await mustKubectl([
        '-n',
        FABRIC.namespace,
        'label',
        'statefulset',
        'fab-worker',
        'app.kubernetes.io/component=wrong',
        '--overwrite',
      ]);
      await eventually('the Service is back and the label as it was', SETTLE_MS, async () => {
        const set = await bench.kube.get(StatefulSets, FABRIC.namespace, 'fab-worker');
        const { code } = await kubectl(['-n', FABRIC.namespace, 'get', 'service', 'fab-mysql-rw']);
        return code === 0 && set.metadata.labels?.['app.kubernetes.io/component'] === 'worker';
      });
      await untilSettled(bench.kube, FABRIC, SETTLE_MS);
    },
    2 * SETTLE_MS,
  );

  it(
    'is left alone while it is paused',
    async () => {
      await patch({ paused: true });
      await eventually(
        'Paused',
        30_000,
        async () => condition(await read(bench.kube, FABRIC), 'Paused')?.status === 'True',
      );
      await bench.kube.delete(Services, FABRIC.namespace, 'fab-mysql-ro');
      await pause(5_000);
      expect((await kubectl(['-n', FABRIC.namespace, 'get', 'service', 'fab-mysql-ro'])).code).not.toBe(0);
      await patch({ paused: false });
      await untilSettled(bench.kube, FABRIC, SETTLE_MS);
      await mustKubectl(['-n', FABRIC.namespace, 'get', 'service', 'fab-mysql-ro']);
    },
    2 * SETTLE_MS,
  );

  it(
    'keeps running while its spec cannot be carried out, and goes on when it can (R4)',
    async () => {
      // The address of a node: right in form, wrong in fact.
      await patch({ vip: { address: '10.77.0.11' } });
      const wrong = await eventually('PreflightPassed is False', 30_000, async () => {
        const cluster = await read(bench.kube, FABRIC);
        return condition(cluster, 'PreflightPassed')?.status === 'False' ? cluster : undefined;
      });
      expect(condition(wrong, 'PreflightPassed')?.message).toContain('10.77.0.11');
      expect(condition(wrong, 'Stalled')?.status).toBe('True');
      expect(await answeredBy(FABRIC, 1, { cookie: false })).toEqual([expect.stringMatching(/^fab-worker-/)]);
      await patch({ vip: { address: FABRIC.address } });
      await untilSettled(bench.kube, FABRIC, SETTLE_MS);
    },
    2 * SETTLE_MS,
  );

  it(
    'scales its workers by the scale subresource, up and down',
    async () => {
      const scale = (replicas: number) =>
        mustKubectl(['-n', FABRIC.namespace, 'scale', 'spacecluster', FABRIC.name, `--replicas=${replicas}`]);
      for (const replicas of [3, 2]) {
        await scale(replicas);
        await eventually(`${replicas} workers are ready`, SETTLE_MS, async () => {
          const cluster = await read(bench.kube, FABRIC);
          return settled(cluster) && cluster.status?.workers?.readyReplicas === replicas;
        });
        // A worker that ends still answers what comes until the balancers have seen it go.
        const names = Array.from({ length: replicas }, (_, index) => `fab-worker-${index}`);
        await eventually(`${names.join(', ')} answer, and nobody else`, 30_000, async () => {
          const answers = new Set(await answeredBy(FABRIC, 12, { cookie: false }));
          return isDeepStrictEqual([...answers].toSorted(), names);
        });
      }
    },
    3 * SETTLE_MS,
  );

  it(
    'serves on when the leading operator is killed, and the other one leads',
    async () => {
      const before = await leaderLease('holderIdentity');
      await mustKubectl([
        '-n',
        'spacecluster-system',
        'delete',
        'pod',
        before.split('/')[0] ?? '',
        '--grace-period=0',
        '--force',
      ]);
      expect(await answeredBy(FABRIC, 5, { cookie: false })).not.toContain('');
      await eventually('another leader', 60_000, async () => {
        const now = await leaderLease('holderIdentity');
        return now !== '' && now !== before;
      });
      await scaleAndBack();
    },
    3 * SETTLE_MS,
  );

  it(
    'leaves volumes, Secrets and the state record when it is deleted, and takes them up again (R3)',
    async () => {
      const password = await secret('fab-mysql');
      await mustKubectl(['-n', FABRIC.namespace, 'delete', 'spacecluster', FABRIC.name, '--timeout=180s']);
      await eventually('only what is kept is left', 60_000, async () => {
        const kinds =
          'pods,services,statefulsets,endpointslices,leases,serviceaccounts,roles,rolebindings,poddisruptionbudgets,configmaps';
        const own = ['-n', FABRIC.namespace, '-l', 'app.kubernetes.io/instance=fab'];
        const { stdout } = await kubectl(['get', kinds, '-o', 'name', ...own]);
        return stdout.trim() === 'configmap/fab-state';
      });
      const claims = await bench.kube.list(PersistentVolumeClaims, { namespace: FABRIC.namespace });
      expect(claims.items).toHaveLength(7);
      expect(await secret('fab-mysql')).toBe(password);

      await apply();
      await untilSettled(bench.kube, FABRIC, READY_MS);
      expect(await secret('fab-mysql')).toBe(password);
      // Each run of the self-check leaves a row and counts them: the volumes were taken up, not made anew.
      const lines = await selfcheck(FABRIC);
      expect(lines.map((line) => line['detail'])).toEqual([
        expect.stringMatching(/run [2-9]/),
        expect.stringMatching(/run [2-9]/),
        expect.stringMatching(/run [2-9]/),
      ]);
    },
    READY_MS + 400_000,
  );

  it(
    'leaves nothing with deletionPolicy Delete',
    async () => {
      await patch({ deletionPolicy: 'Delete' });
      await untilSettled(bench.kube, FABRIC, SETTLE_MS);
      await mustKubectl(['-n', FABRIC.namespace, 'delete', 'spacecluster', FABRIC.name, '--timeout=180s']);
      await eventually('nothing is left', 60_000, async () => {
        const own = { namespace: FABRIC.namespace, labelSelector: 'app.kubernetes.io/instance=fab' };
        const left = await Promise.all([
          bench.kube.list(ConfigMaps, own),
          bench.kube.list(Secrets, own),
          bench.kube.list(PersistentVolumeClaims, own),
        ]);
        return left.every(({ items }) => items.length === 0);
      });
    },
    3 * SETTLE_MS,
  );
});

async function scaleAndBack(): Promise<void> {
  for (const replicas of [3, 2]) {
    await patch({ workers: { replicas } });
    await eventually(`${replicas} workers under the new leader`, SETTLE_MS, async () => {
      const cluster = await read(bench.kube, FABRIC);
      return settled(cluster) && cluster.status?.workers?.readyReplicas === replicas;
    });
  }
}

async function secret(name: string): Promise<string | undefined> {
  const { data } = await bench.kube.get(Secrets, FABRIC.namespace, name);
  return data?.['password'];
}
