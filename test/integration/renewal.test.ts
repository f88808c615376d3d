// A pair is renewed under a writer: the standby first, then by a hand-over the primary; the only writes that fail are those
// of the hand-over, and no acknowledged one is lost.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { SpaceClusters } from '../../src/api/v1alpha1/index.ts';
import type { SpaceCluster } from '../../src/api/v1alpha1/index.ts';
import { ANNOTATIONS } from '../../src/api/v1alpha1/names.ts';
import type { EngineContext } from '../../src/engines/engine.ts';
import { mysql } from '../../src/engines/mysql/index.ts';
import { AGENT_UID, restricted } from '../../src/engines/shared/pods.ts';
import { renew } from '../../src/engines/shared/renew.ts';
import type { Renewal } from '../../src/engines/shared/renewal.ts';
import { Applier } from '../../src/kube/apply.ts';
import { EndpointSlices, Leases, Pods, StatefulSets } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types.ts';
import { createLogger } from '../../src/log.ts';
import { eventually, pause } from './kube-support.ts';
import { NAME, openPair } from './mysql-support.ts';
import type { Pair } from './mysql-support.ts';

const NAMESPACE = 'test-renewal';
const WRITER = 'writer';
const HEALED_MS = 300_000;
const WRITING_S = 150;

jest.setTimeout(HEALED_MS * 2);

let pair: Pair;
let image = '';

/** The spec as it is asked for, with more memory for mysqld. */
async function changed(): Promise<SpaceCluster> {
  const cluster = await pair.kube.get(SpaceClusters, NAMESPACE, NAME);
  const resources = { mysql: { requests: { memory: '800Mi' } } };
  return { ...cluster, spec: { ...cluster.spec, resources } };
}

async function context(cluster: SpaceCluster): Promise<EngineContext> {
  const { kube } = pair;
  const [pods, statefulSets, leases, slices] = await Promise.all([
    kube.list(Pods, { namespace: NAMESPACE }),
    kube.list(StatefulSets, { namespace: NAMESPACE }),
    kube.list(Leases, { namespace: NAMESPACE }),
    kube.list(EndpointSlices, { namespace: NAMESPACE }),
  ]);
  return {
    cluster,
    kube,
    log: createLogger('error'),
    signal: AbortSignal.timeout(60_000),
    view: {
      pods: pods.items,
      statefulSets: statefulSets.items,
      roleLeases: leases.items,
      slices: slices.items,
      secret: () => undefined,
      configMap: () => undefined,
    },
  };
}

/** What the operator does in a pass, for this part. */
async function step(cluster: SpaceCluster): Promise<Renewal> {
  const seen = await context(cluster);
  return renew('mysql', mysql.renewal(await mysql.gather(seen)), seen, new Date());
}

/** Neither member, so that it outlives both. */
async function startWriter(cluster: SpaceCluster): Promise<void> {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: WRITER, namespace: NAMESPACE },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'mysql',
          image: cluster.spec.images.mysql,
          imagePullPolicy: 'IfNotPresent',
          command: ['/bin/sleep', '3600'],
          securityContext: restricted(AGENT_UID),
        },
      ],
    },
  };
  await pair.kube.create(Pods, pod);
  await eventually('the writer runs', 60_000, async () => {
    const { status } = await pair.kube.get(Pods, NAMESPACE, WRITER);
    return status?.phase === 'Running';
  });
}

/** Groups of ids without an acknowledgement between the first and the last that had one. */
function gaps(acknowledged: readonly number[]): readonly (readonly [number, number])[] {
  return acknowledged.flatMap((id, index): [number, number][] => {
    const before = acknowledged[index - 1];
    return before === undefined || id === before + 1 ? [] : [[before + 1, id - 1]];
  });
}

beforeAll(async () => {
  image = process.env['SPC_TEST_IMAGE'] ?? '';
  if (image === '') throw new Error('SPC_TEST_IMAGE names the product’s image; `make test` sets it');
  pair = await openPair(NAMESPACE, image);
  await eventually('the pair is in sync and routed', HEALED_MS, () => pair.settled());
}, HEALED_MS + 30_000);

afterAll(async () => {
  await pair.close();
}, 60_000);

describe('a pair whose resources change', () => {
  it('has nothing to renew before', async () => {
    const cluster = await pair.kube.get(SpaceClusters, NAMESPACE, NAME);
    expect(await step(cluster)).toEqual({ kind: 'none' });
  });

  it('is renewed standby first, with one hand-over and no acknowledged write lost', async () => {
    const cluster = await changed();
    await startWriter(cluster);
    await pair.sql('rw', 'CREATE TABLE renewed (id INT PRIMARY KEY)', WRITER);
    const before = { primary: await pair.primary(), epoch: (await pair.record()).epoch };
    const applier = new Applier({ kube: pair.kube, fieldManager: 'test', log: createLogger('error') });
    for (const object of mysql.specs({ cluster, productImage: image })) await applier.ensure(object);

    const writing = pair.write(WRITER, 'renewed', WRITING_S);
    const order: string[] = [];
    const waits = new Set<string>();
    await eventually('both are renewed', WRITING_S * 1_000, async () => {
      const renewal = await step(cluster);
      if (renewal.kind === 'renew') order.push(renewal.pod);
      if (renewal.kind === 'wait') waits.add(renewal.why);
      await pause(1_000);
      return renewal.kind === 'none';
    });
    const acknowledged = await writing;
    await eventually('the pair is whole again', HEALED_MS, () => pair.settled());

    expect(order).toHaveLength(2);
    expect(order[1]).toBe(before.primary);
    expect(await pair.primary()).toBe(order[0]);
    expect((await pair.record()).epoch).toBe(before.epoch + 1);
    expect([...waits].some((why) => why.includes('waiting'))).toBe(true);
    const { items } = await pair.kube.list(Pods, { namespace: NAMESPACE });
    const asked = new Set(
      items
        .filter(({ metadata }) => metadata.name !== WRITER)
        .map(({ metadata }) => metadata.annotations?.[ANNOTATIONS.asked]),
    );
    expect(asked.size).toBe(1);

    const rows = await pair.sql('rw', 'SELECT id FROM renewed', WRITER);
    const present = new Set(rows.split('\n').map(Number));
    expect(acknowledged.length).toBeGreaterThan(50);
    expect(acknowledged.filter((id) => !present.has(id))).toEqual([]);
    expect(gaps(acknowledged).length).toBeLessThanOrEqual(1);
  });
});
