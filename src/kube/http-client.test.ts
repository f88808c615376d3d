// What the client makes of answers that a healthy API server seldom gives, over a socket that gives them.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError, ApiUnreachableError } from '../errors.ts';
import { createKubeClient } from './http-client.ts';
import type { HttpKubeClient, RequestRecord } from './http-client.ts';
import { ConfigMaps, Leases } from './resources.ts';
import { isOutcomeUnknown } from './status.ts';
import type { ConfigMap, Lease } from './types.ts';

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: http.OutgoingHttpHeaders;
}

let server: http.Server;
let kube: HttpKubeClient;
let replies: Reply[];
let asked: string[];
let records: RequestRecord[];

const json = (status: number, value: object, headers: http.OutgoingHttpHeaders = {}): Reply => ({
  status,
  body: JSON.stringify(value),
  headers,
});
const map: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' } };
const refusal = (code: number, reason: string): object => ({
  kind: 'Status',
  code,
  reason,
  message: `${reason}!`,
});

beforeEach(async () => {
  replies = [];
  asked = [];
  records = [];
  server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const reply = replies.shift() ?? { status: 500, body: 'nothing left to say' };
    response.writeHead(reply.status, reply.headers);
    response.end(reply.body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  kube = createKubeClient(
    {
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`,
      tls: {},
      namespace: undefined,
      authHeaders: () => Promise.resolve({}),
    },
    {
      observe: (record) => {
        records.push(record);
      },
    },
  );
});
afterEach(async () => {
  kube.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('a refusal', () => {
  it('is told with status, reason, message and the request', async () => {
    replies = [json(409, refusal(409, 'Conflict'))];
    await expect(kube.replace(ConfigMaps, map)).rejects.toMatchObject({
      status: 409,
      reason: 'Conflict',
      message: 'PUT /api/v1/namespaces/n/configmaps/a: 409 Conflict!',
    });
  });

  it('is told when it is no Status at all', async () => {
    replies = [{ status: 403, body: '<html>no</html>' }];
    await expect(kube.get(ConfigMaps, 'n', 'a')).rejects.toMatchObject({ status: 403, reason: 'Forbidden' });
  });

  it('of a read that may come back later is repeated, some times', async () => {
    const later = json(429, refusal(429, 'TooManyRequests'), { 'Retry-After': '0' });
    replies = [later, json(503, refusal(503, 'ServiceUnavailable'), { 'Retry-After': '0' }), json(200, map)];
    await expect(kube.get(ConfigMaps, 'n', 'a')).resolves.toEqual(map);
    expect(asked).toHaveLength(3);
    replies = Array.from({ length: 10 }, () => later);
    await expect(kube.get(ConfigMaps, 'n', 'a')).rejects.toMatchObject({ status: 429 });
    expect(asked).toHaveLength(7);
  });

  it('of a write is never repeated', async () => {
    replies = [json(429, refusal(429, 'TooManyRequests'), { 'Retry-After': '3' })];
    await expect(kube.create(ConfigMaps, map)).rejects.toMatchObject({ status: 429, retryAfterMs: 3_000 });
    expect(asked).toHaveLength(1);
  });

  it('is not waited out beyond the time limit', async () => {
    replies = [json(429, refusal(429, 'TooManyRequests'), { 'Retry-After': '30' })];
    await expect(kube.get(ConfigMaps, 'n', 'a', { timeoutMs: 1_000 })).rejects.toMatchObject({ status: 429 });
  });
});

it('leaves open what became of a write that was not clearly refused', async () => {
  const outcome = async (reply: Reply): Promise<boolean> => {
    replies = [reply];
    return kube.replace(ConfigMaps, map).then(
      () => false,
      (error: unknown) => isOutcomeUnknown(error),
    );
  };
  expect(await outcome(json(500, refusal(500, 'InternalError')))).toBe(true);
  expect(await outcome(json(504, refusal(504, 'Timeout')))).toBe(true);
  expect(await outcome({ status: 200, body: '<html>' })).toBe(true);
  expect(await outcome(json(409, refusal(409, 'Conflict')))).toBe(false);
  expect(await outcome(json(422, refusal(422, 'Invalid')))).toBe(false);
});

it('begins a list again when its pages have aged out', async () => {
  const page = (name: string, next?: string): Reply =>
    json(200, { metadata: { resourceVersion: '5', continue: next }, items: [{ metadata: { name } }] });
  replies = [page('old', 'token'), json(410, refusal(410, 'Expired')), page('new')];
  const { items } = await kube.list(ConfigMaps, { namespace: 'n' });
  expect(items.map((item) => item.metadata.name)).toEqual(['new']);
  expect(asked.at(-1)).toBe('GET /prefix/api/v1/namespaces/n/configmaps');
  replies = [json(200, { metadata: { resourceVersion: '5' }, items: null })];
  await expect(kube.list(ConfigMaps)).resolves.toEqual({ items: [], resourceVersion: '5' });
});

describe('a watch', () => {
  const watch = async (): Promise<readonly string[]> => {
    const seen: string[] = [];
    const { signal } = new AbortController();
    for await (const event of kube.watch(ConfigMaps, { resourceVersion: '1', signal })) seen.push(event.type);
    return seen;
  };

  it('gives events and bookmarks, and ends with the server', async () => {
    const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } };
    const lines = [{ type: 'ADDED', object: map }, bookmark].map((event) => JSON.stringify(event));
    replies = [{ status: 200, body: `${lines.join('\n')}\n` }];
    expect(await watch()).toEqual(['ADDED', 'BOOKMARK']);
    expect(asked[0]).toMatch(
      /watch=true&allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=[345]\d\d$/,
    );
  });

  it('throws the failure that comes as an event, and the one that comes at once', async () => {
    replies = [{ status: 200, body: JSON.stringify({ type: 'ERROR', object: refusal(410, 'Expired') }) }];
    await expect(watch()).rejects.toMatchObject({ status: 410, reason: 'Expired' });
    replies = [json(403, refusal(403, 'Forbidden'))];
    await expect(watch()).rejects.toThrow(ApiError);
  });

  it('takes nonsense for no answer', async () => {
    replies = [{ status: 200, body: '{"type":"ADD' }];
    await expect(watch()).rejects.toThrow(ApiUnreachableError);
  });
});

it('reports every call as an RBAC rule would name it', async () => {
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'l', namespace: 'n' },
  };
  replies = [json(200, lease), json(200, map), json(404, refusal(404, 'NotFound'))];
  await kube.replace(Leases, lease);
  await kube.apply(ConfigMaps, map, { fieldManager: 'x', force: true, subresource: 'status' });
  await kube.delete(ConfigMaps, 'n', 'a').catch(() => undefined);
  expect(asked[1]).toBe('PATCH /prefix/api/v1/namespaces/n/configmaps/a/status?fieldManager=x&force=true');
  expect(
    records.map(({ verb, group, resource, subresource, status }) => [
      verb,
      group,
      resource,
      subresource,
      status,
    ]),
  ).toEqual([
    ['update', 'coordination.k8s.io', 'leases', undefined, 200],
    ['patch', '', 'configmaps', 'status', 200],
    ['delete', '', 'configmaps', undefined, 404],
  ]);
});

it('refuses a namespaced object without a namespace before anything is sent', async () => {
  await expect(kube.create(ConfigMaps, { ...map, metadata: { name: 'a' } })).rejects.toThrow('needs one');
  expect(asked).toEqual([]);
});
