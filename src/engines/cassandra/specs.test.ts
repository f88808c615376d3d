// The ring's objects: safe to run under restricted pod security, and unchanged for those who are there when it grows.
import { describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import type { ConfigMap, StatefulSet } from '../../kube/types.ts';
import { heapMebibytes } from './heap.ts';
import { specs } from './specs.ts';

const objects = (replicas: number) =>
  specs({
    cluster: sampleCluster({ cassandra: { replicas, storage: { size: '2Gi' } } }),
    productImage: 'x',
  });

const sets = (replicas: number) =>
  objects(replicas).filter((object): object is StatefulSet => object.kind === 'StatefulSet');

describe('specs', () => {
  it('makes one StatefulSet a rack', () => {
    expect(sets(4).map((set) => [set.metadata.name, set.spec?.replicas])).toEqual([
      ['demo-cassandra-r1', 2],
      ['demo-cassandra-r2', 1],
      ['demo-cassandra-r3', 1],
    ]);
  });

  it('leaves the pods of the others as they are when the ring grows (R4)', () => {
    const templates = (replicas: number) => sets(replicas).map((set) => set.spec?.template);
    expect(templates(9)).toEqual(templates(3));
  });

  it('lists the members in joining order for the start script', () => {
    const config = objects(4).find((object): object is ConfigMap => object.kind === 'ConfigMap');
    expect(config?.data?.['members']).toBe(
      'demo-cassandra-r1-0\ndemo-cassandra-r2-0\ndemo-cassandra-r3-0\ndemo-cassandra-r1-1\n',
    );
  });

  it('keeps members of all racks off each other', () => {
    const [set] = sets(3);
    const [term] =
      set?.spec?.template.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ??
      [];
    expect(term?.labelSelector?.matchLabels).toEqual({
      'app.kubernetes.io/name': 'spacecluster',
      'app.kubernetes.io/instance': 'demo',
      'app.kubernetes.io/component': 'cassandra',
    });
  });

  it('runs under the restricted standard, without a token or a password', () => {
    for (const set of sets(3)) {
      const pod = set.spec?.template.spec;
      expect(pod?.automountServiceAccountToken).toBe(false);
      for (const container of pod?.containers ?? []) {
        expect(container.securityContext).toMatchObject({
          runAsUser: 999,
          runAsNonRoot: true,
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
        });
        expect(container.livenessProbe).toBeUndefined();
      }
      expect(JSON.stringify(pod)).not.toMatch(/password/i);
    }
  });
});

describe('heapMebibytes', () => {
  it.each([
    [undefined, 512],
    [{ requests: { memory: '4Gi' } }, 1024],
    [{ requests: { memory: '4Gi' }, limits: { memory: '16Gi' } }, 4096],
    [{ limits: { memory: '64Gi' } }, 8192],
  ])('%j', (resources, heap) => {
    expect(heapMebibytes(resources)).toBe(heap);
  });
});
