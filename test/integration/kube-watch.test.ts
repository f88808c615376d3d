// The list-watch on the real API server: whatever happens to the objects, the store ends equal to them and tells it all.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Reflector } from '../../src/kube/reflector.ts';
import { ConfigMaps } from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/types.ts';
import { eventually, openBench, pause } from './kube-support.ts';
import type { Bench } from './kube-support.ts';

jest.setTimeout(60_000);

let bench: Bench;
const stop = new AbortController();

beforeAll(async () => {
  bench = await openBench('test-kube-watch');
});
afterAll(async () => {
  stop.abort();
  await bench.close();
});

/** Makes, changes, relabels and deletes some of twenty objects, many times; returns the uids made and those deleted. */
async function churn(times: number): Promise<{ readonly made: Set<string>; readonly deleted: Set<string> }> {
  const { kube, namespace } = bench;
  const made = new Set<string>();
  const deleted = new Set<string>();
  const step = async (i: number): Promise<void> => {
    const name = `churn-${i % 20}`;
    const live = await kube.get(ConfigMaps, namespace, name).catch(() => undefined);
    if (live === undefined) {
      const fresh = await kube.create(ConfigMaps, bench.configMap(name, { i: String(i) }));
      made.add(fresh.metadata.uid ?? '');
    } else if (Math.random() < 0.3) {
      await kube.delete(ConfigMaps, namespace, name, { uid: live.metadata.uid ?? '' });
      deleted.add(live.metadata.uid ?? '');
    } else {
      const labels = { side: Math.random() < 0.5 ? 'left' : 'right' };
      await kube.mergePatch(ConfigMaps, namespace, name, { metadata: { labels }, data: { i: String(i) } });
    }
  };
  for (let i = 0; i < times; i += 20) {
    await Promise.all(Array.from({ length: 20 }, (_none, n) => step(i + n)));
  }
  return { made, deleted };
}

const versions = (objects: readonly ConfigMap[]): readonly string[] =>
  objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).toSorted();

describe('Reflector', () => {
  it('misses nothing of a thousand changes, and sees objects come into and go from its selection', async () => {
    const { kube, namespace, log } = bench;
    const all = new Reflector({ kube, type: ConfigMaps, query: { namespace }, log });
    const left = new Reflector({
      kube,
      type: ConfigMaps,
      query: { namespace, labelSelector: 'side=left' },
      log,
    });
    const added = new Set<string>();
    const deleted = new Set<string>();
    all.subscribe(({ type, object }) => {
      if (type === 'ADDED') added.add(object.metadata.uid ?? '');
      if (type === 'DELETED') deleted.add(object.metadata.uid ?? '');
    });
    const running = Promise.all([all.run(stop.signal), left.run(stop.signal)]);
    await Promise.all([all.hasSynced, left.hasSynced]);
    const truth = await churn(1_000);
    const { items } = await kube.list(ConfigMaps, { namespace });
    await eventually('the stores equal the truth', 5_000, () => {
      const side = items.filter((item) => item.metadata.labels?.['side'] === 'left');
      return (
        JSON.stringify(versions(all.store.list())) === JSON.stringify(versions(items)) &&
        JSON.stringify(versions(left.store.list())) === JSON.stringify(versions(side))
      );
    });
    expect(truth.made.difference(added)).toEqual(new Set());
    expect(truth.deleted.difference(deleted)).toEqual(new Set());
    expect(bench.complaints).toEqual([]);
    stop.abort();
    await running;
  });

  it('tells a change within milliseconds, on one connection that stays open', async () => {
    const { kube, namespace, log } = bench;
    const halt = new AbortController();
    const reflector = new Reflector({ kube, type: ConfigMaps, query: { namespace }, log });
    let toldAt = 0;
    reflector.subscribe(() => {
      toldAt = performance.now();
    });
    const running = reflector.run(halt.signal);
    await reflector.hasSynced;
    await pause(100);
    const before = bench.calls.length;
    const delays: number[] = [];
    for (let i = 0; i < 50; i += 1) {
      const sentAt = performance.now();
      toldAt = 0;
      await kube.apply(ConfigMaps, bench.configMap('timed', { i: String(i) }), {
        fieldManager: 'test',
        force: true,
      });
      await eventually('the change', 1_000, () => toldAt > 0);
      delays.push(toldAt - sentAt);
    }
    const median = delays.toSorted((a, b) => a - b)[25] ?? 0;
    expect(median).toBeLessThan(250);
    expect(bench.calls.slice(before).filter((call) => call.verb === 'watch' || call.verb === 'list')).toEqual(
      [],
    );
    halt.abort();
    await running;
  });
});
