import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { startHealthServer } from './health.ts';
import type { HealthServer } from './health.ts';
import { Registry } from './metrics.ts';

let server: HealthServer;
let missing: readonly string[];

beforeEach(async () => {
  missing = [];
  const registry = new Registry();
  registry.gauge('one', 'One.').set(1);
  server = await startHealthServer({ port: 0, host: '127.0.0.1', registry, ready: () => missing });
});
afterEach(() => server.close());

async function get(path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  return { status: response.status, body: await response.text() };
}

it('is healthy while it answers, and ready when nothing is missing', async () => {
  expect(await get('/healthz')).toEqual({ status: 200, body: 'ok\n' });
  expect(await get('/readyz?verbose')).toEqual({ status: 200, body: 'ok\n' });
  missing = ['caches are not filled'];
  expect(await get('/readyz')).toEqual({ status: 503, body: 'caches are not filled\n' });
  expect(await get('/healthz', 'HEAD')).toEqual({ status: 200, body: '' });
});

it('gives metrics, and nothing else', async () => {
  expect((await get('/metrics')).body).toContain('one 1\n');
  expect((await get('/')).status).toBe(404);
  expect((await get('/healthz', 'POST')).status).toBe(405);
});

it('says which port it cannot have', async () => {
  const second = startHealthServer({
    port: server.port,
    host: '127.0.0.1',
    registry: new Registry(),
    ready: () => [],
  });
  await expect(second).rejects.toThrow(`port ${server.port}`);
});
