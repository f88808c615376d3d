// The phase as the reconciler calls it, over an API server that is a table: what it reads, and whom it deletes.
import { describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import { ApiError } from '../../errors.ts';
import type { Occurrence } from '../../kube/events.ts';
import type { Node, Pod } from '../../kube/types.ts';
import type { Scope } from '../scope.ts';
import { LostPods } from './lost-pods.ts';

const node = (name: string, ready: boolean): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
});

const pod = (name: string, component: string, on: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'demo',
    uid: `uid-${name}`,
    labels: { 'app.kubernetes.io/component': component },
  },
  spec: { nodeName: on, containers: [] },
});

/** n1 is silent; so are all Leases that `leases` does not change. */
function world() {
  const pods = [
    pod('demo-lb-0', 'loadbalancer', 'n1'),
    pod('demo-mysql-0', 'mysql', 'n1'),
    pod('demo-lb-1', 'loadbalancer', 'n2'),
  ];
  const leases: Record<string, string> = { n1: '1', 'demo-lb-0': '1', 'demo-mysql-0': '1' };
  const calls: string[] = [];
  const told: Occurrence[] = [];
  const nothing = (): void => undefined;
  const scope = {
    cluster: sampleCluster(),
    view: { pods },
    log: { info: nothing, warn: nothing },
    events: { record: (_object: unknown, occurrence: Occurrence) => told.push(occurrence) },
    kube: {
      get: (_type: unknown, namespace: string, name: string) => {
        calls.push(`get ${namespace}/${name}`);
        const resourceVersion = leases[name];
        if (resourceVersion === undefined) throw new ApiError(404, 'NotFound', 'not there');
        return Promise.resolve({ metadata: { name, resourceVersion } });
      },
      delete: (_type: unknown, namespace: string, name: string, options: object) => {
        calls.push(`delete ${namespace}/${name} ${JSON.stringify(options)}`);
        return Promise.resolve();
      },
    },
  } as unknown as Scope;
  let now = 0;
  const phase = new LostPods(() => now);
  return {
    leases,
    calls,
    told,
    look: async (at: number, nodes = [node('n1', false), node('n2', true), node('n3', true)]) => {
      now = at;
      return phase.run('demo/demo', scope, nodes);
    },
    deleted: () => calls.filter((call) => call.startsWith('delete')),
  };
}

describe('LostPods', () => {
  it('reads nothing while all nodes are Ready', async () => {
    const { look, calls } = world();
    expect(await look(0, [node('n1', true), node('n2', true), node('n3', true)])).toBe(false);
    expect(calls).toEqual([]);
  });

  it('gives up the balancer after a minute, by its uid, and leaves the database', async () => {
    const { look, deleted, told } = world();
    expect(await look(0)).toBe(true);
    await look(59_000);
    expect(deleted()).toEqual([]);
    await look(60_000);
    expect(deleted()).toEqual(['delete demo/demo-lb-0 {"uid":"uid-demo-lb-0","gracePeriodSeconds":0}']);
    expect(told.map(({ reason }) => reason)).toEqual(['PodGivenUp']);
  });

  it.each([
    ['the kubelet', 'n1'],
    ['the agent', 'demo-lb-0'],
  ])('counts anew when %s renews', async (_who, lease) => {
    const { look, deleted, leases } = world();
    await look(0);
    leases[lease] = '2';
    await look(59_000);
    await look(118_000);
    expect(deleted()).toEqual([]);
    await look(119_000);
    expect(deleted()).toHaveLength(1);
  });

  it('counts anew when the node was Ready in between', async () => {
    const { look, deleted } = world();
    await look(0);
    await look(30_000, [node('n1', true), node('n2', true), node('n3', true)]);
    await look(60_000);
    expect(deleted()).toEqual([]);
  });

  it('does nothing while most nodes are silent: the fault is rather on this side', async () => {
    const { look, deleted } = world();
    const most = [node('n1', false), node('n2', false), node('n3', true)];
    await look(0, most);
    await look(120_000, most);
    expect(deleted()).toEqual([]);
  });
});
