import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKubeConfig } from './config.ts';

let dir: string;
const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spc-config-'));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(dir, { recursive: true });
});

it('reads the pod’s token and CA, and the token again when it may have been renewed', async () => {
  await writeFile(join(dir, 'token'), 'first\n');
  await writeFile(join(dir, 'ca.crt'), 'PEM');
  let now = 1_000;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const config = await loadKubeConfig(env, dir);
  expect(config).toMatchObject({
    server: 'https://10.96.0.1:6443',
    tls: { ca: 'PEM' },
    namespace: undefined,
  });
  expect(await config.authHeaders()).toEqual({ Authorization: 'Bearer first' });
  await writeFile(join(dir, 'token'), 'second');
  expect(await config.authHeaders()).toEqual({ Authorization: 'Bearer first' });
  now += 60_001;
  expect(await config.authHeaders()).toEqual({ Authorization: 'Bearer second' });
  await rm(join(dir, 'token'));
  now += 60_001;
  expect(await config.authHeaders()).toEqual({ Authorization: 'Bearer second' });
});

it('takes IPv6 addresses, and the namespace where it is mounted', async () => {
  for (const file of ['token', 'ca.crt', 'namespace']) await writeFile(join(dir, file), file);
  const config = await loadKubeConfig({ KUBERNETES_SERVICE_HOST: 'fd00::1' }, dir);
  expect(config).toMatchObject({ server: 'https://[fd00::1]:443', namespace: 'namespace' });
});

it('names what is missing', async () => {
  await expect(loadKubeConfig(env, dir)).rejects.toThrow(`${dir}/token`);
  await writeFile(join(dir, 'token'), 'x');
  await expect(loadKubeConfig(env, dir)).rejects.toThrow(`${dir}/ca.crt`);
});

it('reads a kubeconfig outside of a cluster', async () => {
  const file = join(dir, 'config');
  await writeFile(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: 'https://example.org:6443/prefix/' } }],
      users: [{ name: 'u', user: { token: 'abc' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'here' } }],
      'current-context': 'x',
    }),
  );
  const before = process.env['KUBECONFIG'];
  process.env['KUBECONFIG'] = file;
  try {
    const config = await loadKubeConfig({ ...env, KUBECONFIG: file }, dir);
    expect(config).toMatchObject({ server: 'https://example.org:6443/prefix', namespace: 'here' });
    expect(await config.authHeaders()).toEqual({ Authorization: 'Bearer abc' });
  } finally {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
  }
});
