// The pair's objects: restricted pods, rights by name, Secrets where they belong, and a record that is never forgotten.
import { describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import { decodeRole } from '../../agent/role-record.ts';
import { resourceOf } from '../../kube/resources.ts';
import type { KubeObject, Lease, Role, StatefulSet } from '../../kube/types.ts';
import { presets } from './presets.ts';
import { specs } from './specs.ts';

const cluster = sampleCluster();
const objects = specs({ cluster, productImage: 'spacecluster:1' });

function pick(kind: string): KubeObject {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
}

const role = pick('Role') as Role;
const pod = (pick('StatefulSet') as StatefulSet).spec?.template.spec;

describe('specs', () => {
  it('makes the objects of the contract, the same for the same input', () => {
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'ConfigMap demo-mysql',
      'ServiceAccount demo-mysql',
      'Role demo-mysql',
      'RoleBinding demo-mysql',
      'Service demo-mysql-rw',
      'Service demo-mysql-ro',
      'Service demo-mysql',
      'PodDisruptionBudget demo-mysql',
      'StatefulSet demo-mysql',
    ]);
    expect(objects.every((object) => resourceOf(object) !== undefined)).toBe(true);
    expect(specs({ cluster, productImage: 'spacecluster:1' })).toEqual(objects);
  });

  it('lets the agents write only what is named (L3)', () => {
    const writes = (role.rules ?? []).filter(({ verbs }) => verbs.includes('update'));
    expect(writes.every(({ resourceNames }) => (resourceNames?.length ?? 0) > 0)).toBe(true);
    const verbs = (role.rules ?? [])
      .filter(({ resources }) => !resources?.includes('events'))
      .flatMap((rule) => rule.verbs);
    expect(verbs).not.toContain('create');
    expect(verbs).not.toContain('delete');
  });

  it('runs under restricted pod security, passwords and token with the agent alone', () => {
    const [agent] = pod?.initContainers ?? [];
    const [engine] = pod?.containers ?? [];
    for (const container of [agent, engine]) {
      expect(container?.securityContext).toMatchObject({
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    const mounts = (container: typeof agent): readonly string[] =>
      (container?.volumeMounts ?? []).map(({ name }) => name);
    expect(mounts(agent)).toEqual(expect.arrayContaining(['token', 'user', 'internal']));
    for (const secret of ['token', 'user', 'internal']) expect(mounts(engine)).not.toContain(secret);
    expect(JSON.stringify(engine?.env ?? [])).not.toContain('secret');
  });

  it('has no liveness probe on the engine, and a hand-over before it ends', () => {
    const [engine] = pod?.containers ?? [];
    expect(engine?.livenessProbe).toBeUndefined();
    expect(JSON.stringify(engine?.lifecycle?.preStop)).toContain('/handover');
  });
});

describe('presets', () => {
  const record = (state: Readonly<Record<string, string>>): Lease => {
    const found = presets(cluster, state).find(
      (object) => object.kind === 'Lease' && object.metadata.name === 'demo-mysql',
    );
    if (found === undefined) throw new Error('no role record');
    return found as Lease;
  };

  it('makes heartbeats, the record and the slices', () => {
    expect(presets(cluster, {}).map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'Lease demo-mysql-0',
      'Lease demo-mysql-1',
      'Lease demo-mysql',
      'EndpointSlice demo-mysql-rw',
      'EndpointSlice demo-mysql-ro',
    ]);
    expect(decodeRole(record({}))).toMatchObject({ epoch: 0, copies: [], phase: '', holder: undefined });
  });

  it('goes on where an earlier life of the cluster ended (M2, R3)', () => {
    const copies = [{ member: 'demo-mysql-1', serverUuid: 'u', datadir: 'data-1' }];
    const state = { initialised: true, epoch: 7, holder: 'demo-mysql-1/gone', copies };
    expect(decodeRole(record({ mysql: JSON.stringify(state) }))).toMatchObject({
      epoch: 7,
      copies,
      phase: 'open',
      holder: undefined,
    });
  });
});
