// The workers' objects: rights to their own heartbeats only, and of each Secret no more than they need.
import { describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import type { Role, StatefulSet } from '../../kube/types.ts';
import { presets, specs } from './specs.ts';
import { assess } from './status.ts';

const cluster = sampleCluster({ workers: { replicas: 2 } });
const objects = specs({ cluster, productImage: 'spacecluster:test' });
const set = objects.find((object): object is StatefulSet => object.kind === 'StatefulSet');
const pod = set?.spec?.template.spec;

describe('specs', () => {
  it('lets workers write their own heartbeats and nothing else (L3)', () => {
    const role = objects.find((object): object is Role => object.kind === 'Role');
    const writes = (role?.rules ?? []).filter((rule) =>
      rule.verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)),
    );
    expect(writes).toEqual([
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        resourceNames: ['demo-worker-0', 'demo-worker-1'],
        verbs: ['update'],
      },
    ]);
    expect(presets(cluster).map((lease) => lease.metadata.name)).toEqual(['demo-worker-0', 'demo-worker-1']);
  });

  it('mounts of the internal Secret the session key only', () => {
    const sources = pod?.volumes?.find((volume) => volume.name === 'secrets')?.projected?.sources ?? [];
    const internal = sources.find(({ secret }) => secret?.name === 'demo-internal')?.secret;
    expect(internal?.items).toEqual([{ key: 'session-key', path: 'session/session-key' }]);
    expect(sources.every(({ secret }) => (secret?.items ?? []).length > 0)).toBe(true);
  });

  it('runs under the restricted standard', () => {
    expect(pod?.containers[0]?.securityContext).toMatchObject({
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('changes no pod when workers are added (R4)', () => {
    const more = specs({
      cluster: sampleCluster({ workers: { replicas: 9 } }),
      productImage: 'spacecluster:test',
    });
    const other = more.find((object): object is StatefulSet => object.kind === 'StatefulSet');
    expect(other?.spec?.template).toEqual(set?.spec?.template);
  });
});

describe('assess', () => {
  const seen = (...nodes: readonly (string | undefined)[]) => ({
    coordinator: undefined,
    workers: nodes.map((node, index) => ({ pod: `demo-worker-${index}`, node, ready: node !== undefined })),
  });

  it.each([
    ['all on two nodes', seen('n1', 'n2'), [true, true, 'Serving']],
    ['all on one node', seen('n1', 'n1'), [true, false, 'Serving']],
    ['one missing', seen('n1', undefined), [true, false, 'SomeDown']],
    ['none', seen(undefined, undefined), [false, false, 'NoneReady']],
  ] as const)('%s', (_what, observed, expected) => {
    const { ready, faultTolerant, reason } = assess(observed, cluster);
    expect([ready, faultTolerant, reason]).toEqual(expected);
  });

  it('fills the scale subresource', () => {
    expect(assess(seen('n1', undefined), cluster).status.workers).toMatchObject({
      replicas: 2,
      readyReplicas: 1,
      selector:
        'app.kubernetes.io/name=spacecluster,app.kubernetes.io/instance=demo,app.kubernetes.io/component=worker',
    });
  });
});
