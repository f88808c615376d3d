import { describe, expect, test } from '@jest/globals';
import { TerminalError } from '../../errors.ts';
import { resourceOf } from '../../kube/resources.ts';
import type { KubeObject, Lease, PolicyRule, Role, StatefulSet } from '../../kube/types.ts';
import { presets, specs } from './specs.ts';
import { copyOf, spaceCluster } from './testing.ts';

const objects = specs({ cluster: spaceCluster(), productImage: 'spacecluster:1' });

function pick(kind: string): KubeObject {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
}

describe('the objects of the pair', () => {
  test('are those of the contract', () => {
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'ConfigMap demo-postgresql-config',
      'ServiceAccount demo-postgresql',
      'Role demo-postgresql',
      'RoleBinding demo-postgresql',
      'Service demo-postgresql-members',
      'Service demo-postgresql',
      'Service demo-postgresql-0',
      'Service demo-postgresql-1',
      'PodDisruptionBudget demo-postgresql',
      'StatefulSet demo-postgresql',
    ]);
    expect(objects.every((object) => resourceOf(object) !== undefined)).toBe(true);
    expect(specs({ cluster: spaceCluster(), productImage: 'spacecluster:1' })).toEqual(objects);
  });

  test('the agent writes nothing but what the pair owns (L3)', () => {
    const writes = (rule: PolicyRule): boolean =>
      rule.verbs.some((verb) => ['update', 'patch'].includes(verb));
    const events = (rule: PolicyRule): boolean => rule.resources?.join() === 'events';
    const all = (pick('Role') as Role).rules ?? [];
    const rules = all.filter((rule) => writes(rule) && !events(rule));
    expect(rules.flatMap((rule) => rule.resourceNames ?? ['*']).toSorted()).toEqual([
      'demo-postgresql',
      'demo-postgresql',
      'demo-postgresql-0',
      'demo-postgresql-0',
      'demo-postgresql-1',
      'demo-postgresql-1',
    ]);
    const verbs = all.filter((rule) => !events(rule)).flatMap((rule) => rule.verbs);
    expect(verbs).not.toContain('create');
    expect(verbs).not.toContain('delete');
  });

  test('the pod is restricted, the token and the password are the agent’s alone', () => {
    const pod = (pick('StatefulSet') as StatefulSet).spec?.template.spec;
    const [agent] = pod?.initContainers ?? [];
    const [server] = pod?.containers ?? [];
    for (const container of [agent, server]) {
      expect(container?.securityContext).toMatchObject({
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    const mounts = (server?.volumeMounts ?? []).map(({ name }) => name);
    expect(mounts).not.toContain('token');
    expect(mounts).not.toContain('credentials');
    expect(server?.livenessProbe).toBeUndefined();
  });
});

describe('what the agents own', () => {
  test('is made empty for a new cluster', () => {
    const made = presets(spaceCluster(), {});
    expect(made.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'Lease demo-postgresql-0',
      'Lease demo-postgresql-1',
      'Lease demo-postgresql',
      'EndpointSlice demo-postgresql',
      'EndpointSlice demo-postgresql-0',
      'EndpointSlice demo-postgresql-1',
    ]);
    expect(made[2]).toMatchObject({ spec: {} });
  });

  test('takes up the record of an earlier life, so that no empty pair is founded beside it (R3)', () => {
    const state = { initialised: true, epoch: 4, holder: '', copies: [copyOf(0), copyOf(1)] };
    const record = presets(spaceCluster(), { postgresql: JSON.stringify(state) })[2] as Lease;
    expect(record.spec?.leaseTransitions).toBe(4);
    expect(JSON.parse(record.metadata.annotations?.['spacecluster.dev/copies'] ?? '')).toEqual(state.copies);
  });

  test('a record that is not readable is never guessed at', () => {
    for (const text of ['{', '{}', '{"epoch":1}']) {
      expect(() => presets(spaceCluster(), { postgresql: text })).toThrow(TerminalError);
    }
  });
});
