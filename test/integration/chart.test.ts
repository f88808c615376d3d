// The chart: what it renders, what it refuses, and that a real API server takes it, with no right too many.
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { kubectl, mustKubectl, requireChart, run } from './kubectl.ts';

const CHART = 'charts/spacecluster';
const RELEASE = 'spacecluster-system';
const NAMESPACE = 'it-chart';
const OPERATOR = `system:serviceaccount:${RELEASE}:spacecluster`;

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly template?: { readonly metadata: object; readonly spec: Readonly<Record<string, unknown>> };
  };
}

function template(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return run('helm', ['template', 'spacecluster', CHART, '--namespace', RELEASE, ...args]);
}

function objects(text: string): readonly Rendered[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

async function rendered(...args: readonly string[]): Promise<readonly Rendered[]> {
  const { code, stdout, stderr } = await template(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return objects(stdout);
}

async function may(subject: string, ...question: readonly string[]): Promise<string> {
  return (await kubectl(['auth', 'can-i', ...question, '--as', subject])).stdout.trim();
}

// Each step is a process or a call; on a busy machine they take their time.
jest.setTimeout(30_000);

beforeAll(async () => {
  await requireChart();
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait']);
  await mustKubectl(['create', 'namespace', NAMESPACE]);
  await mustKubectl(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted']);
}, 60_000);

afterAll(async () => {
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
});

describe('the chart', () => {
  it('passes the strict lint', async () => {
    const { code, stdout } = await run('helm', ['lint', '--strict', CHART]);
    expect({ code, errors: stdout.match(/\[(ERROR|WARNING)\].*/g) }).toEqual({ code: 0, errors: null });
  });

  it.each([
    ['an unknown value', 'image.tagg=1', 'tagg'],
    ['no replica', 'replicas=0', '/replicas'],
    ['a network that is none', 'vip.allowedCIDRs={10.0.0.0/33}', '/vip/allowedCIDRs/0'],
    ['a log level that is none', 'logLevel=loud', '/logLevel'],
    ['a digest that is none', 'image.digest=sha256:1', '/image/digest'],
  ])('refuses %s', async (_what, value, words) => {
    const { code, stderr } = await template('--set', value);
    expect(code).not.toBe(0);
    expect(stderr).toContain(words);
  });

  it('can leave parts out', async () => {
    const kinds = async (...args: readonly string[]) =>
      new Set((await rendered(...args)).map(({ kind }) => kind));
    const everything = await kinds();
    for (const [value, kind] of [
      ['crds.enabled', 'CustomResourceDefinition'],
      ['admissionPolicies.enabled', 'ValidatingAdmissionPolicy'],
      ['flowControl.enabled', 'FlowSchema'],
      ['networkPolicy.enabled', 'NetworkPolicy'],
    ] as const) {
      expect(everything).toContain(kind);
      expect(await kinds('--set', `${value}=false`)).not.toContain(kind);
    }
    expect(await kinds('--set', 'replicas=1')).not.toContain('PodDisruptionBudget');
    // The right to run something in pods is given only together with the policy that says what.
    expect((await template()).stdout).toContain('pods/exec');
    expect((await template('--set', 'admissionPolicies.enabled=false')).stdout).not.toContain('pods/exec');
  });

  it('gives the operator its settings', async () => {
    const { stdout } = await template(
      '--set',
      'vip.allowedCIDRs={10.0.0.0/8,10.77.0.0/24}',
      '--set',
      'metallb.namespace=mlb',
    );
    expect(stdout).toContain('value: "10.0.0.0/8,10.77.0.0/24"');
    expect(stdout).toContain('value: "mlb"');
    expect((await template('--set-string', 'image.tag=0123')).stdout).toContain(
      'spacecluster/spacecluster:0123"',
    );
    const digest = `sha256:${'a'.repeat(64)}`;
    expect((await template('--set', `image.digest=${digest}`)).stdout).toContain(
      `spacecluster/spacecluster@${digest}"`,
    );
  });

  it('keeps the resource definition when the release goes: it holds the users’ clusters', async () => {
    const { stdout } = await template('-s', 'templates/crds/spaceclusters.yaml');
    expect(stdout).toContain('helm.sh/resource-policy: keep');
  });
});

describe('on the API server', () => {
  it('applies as plain YAML', async () => {
    const made = await run('make', ['manifests', 'ALLOWED_CIDRS=10.77.0.0/24', 'IMAGE_TAG=test']);
    expect(made.code).toBe(0);
    const { code, stderr } = await kubectl([
      'apply',
      '--server-side',
      '--force-conflicts',
      '--dry-run=server',
      '--validate=strict',
      '-f',
      'build/spacecluster.yaml',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('runs the operator under the restricted Pod Security Standard', async () => {
    const deployment = (await rendered()).find(({ kind }) => kind === 'Deployment');
    const pod = deployment?.spec?.template;
    const { serviceAccountName: _, ...spec } = pod?.spec ?? {};
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { ...pod?.metadata, name: 'operator' }, spec };
    const { code, stderr } = await kubectl(
      ['create', '--namespace', NAMESPACE, '--dry-run=server', '-f', '-'],
      object,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('gives the operator no right over what is not its own', async () => {
    for (const question of [
      ['create', 'pods'],
      ['create', 'pods', '--subresource=portforward'],
      ['patch', 'nodes'],
      ['delete', 'namespaces'],
      ['create', 'clusterroles'],
      ['escalate', 'roles'],
      ['bind', 'roles'],
      ['impersonate', 'users'],
      ['create', 'serviceaccounts', '--subresource=token'],
      ['create', 'persistentvolumeclaims'],
      ['delete', 'spaceclusters'],
    ]) {
      expect([...question, await may(OPERATOR, ...question, '--namespace', NAMESPACE)]).toEqual([
        ...question,
        'no',
      ]);
    }
  });

  it('lets the operator give its agents rights that it holds, and none beyond', async () => {
    const role = (rules: readonly object[]): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'agent' },
      rules,
    });
    const create = ['create', '--namespace', NAMESPACE, '--dry-run=server', '--as', OPERATOR, '-f', '-'];
    const lease = {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: ['web-lb-0'],
      verbs: ['get', 'list', 'watch', 'update', 'patch'],
    };
    expect((await kubectl(create, role([lease]))).stderr).toBe('');
    const forward = { apiGroups: [''], resources: ['pods/portforward'], verbs: ['create'] };
    expect((await kubectl(create, role([forward]))).stderr).toContain(
      'attempting to grant RBAC permissions not currently held',
    );
  });

  it('adds SpaceClusters to the roles that users have', async () => {
    await mustKubectl([
      'create',
      'rolebinding',
      'v',
      '--clusterrole=view',
      '--user=it-viewer',
      '--namespace',
      NAMESPACE,
    ]);
    await mustKubectl([
      'create',
      'rolebinding',
      'e',
      '--clusterrole=edit',
      '--user=it-editor',
      '--namespace',
      NAMESPACE,
    ]);
    const spc = ['spaceclusters.spacecluster.dev', '--namespace', NAMESPACE];
    expect(await may('it-viewer', 'list', ...spc)).toBe('yes');
    expect(await may('it-viewer', 'delete', ...spc)).toBe('no');
    expect(await may('it-editor', 'create', ...spc)).toBe('yes');
    const status = ['spaceclusters.spacecluster.dev', '--subresource=status', '--namespace', NAMESPACE];
    expect(await may('it-editor', 'update', ...status)).toBe('no');
  });

  it('takes every example', async () => {
    const files = (await readdir('examples')).filter((file) => file.endsWith('.yaml'));
    expect(files.length).toBeGreaterThanOrEqual(3);
    for (const file of files) {
      const [namespace, cluster] = objects(await readFile(`examples/${file}`, 'utf8'));
      const labels = JSON.stringify(namespace?.metadata);
      expect(labels).toContain('"pod-security.kubernetes.io/enforce":"restricted"');
      const object = { ...cluster, metadata: { name: cluster?.metadata.name } };
      const create = ['create', '--namespace', NAMESPACE, '--dry-run=server', '--validate=strict', '-f', '-'];
      const { stderr } = await kubectl(create, object);
      expect({ file, stderr }).toEqual({ file, stderr: '' });
    }
  });
});
