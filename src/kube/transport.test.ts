// The transport over real sockets: time limits, pooling, stale connections, streams, the write guard.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiUnreachableError, LeaseLostError } from '../errors.ts';
import type { KubeConfig } from './config.ts';
import { createTransport } from './transport.ts';
import type { HttpRequest, Transport } from './transport.ts';

let server: http.Server;
let transport: Transport;
let handle: http.RequestListener;
let connections: number;
let requests: number;

const get: HttpRequest = { method: 'GET', path: '/', lane: 'calls', timeoutMs: 2_000 };
const put: HttpRequest = { ...get, method: 'PUT', body: '{}', contentType: 'application/json' };

beforeEach(async () => {
  connections = 0;
  requests = 0;
  server = http.createServer((request, response) => {
    requests += 1;
    handle(request, response);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const config: KubeConfig = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tls: {},
    namespace: undefined,
    authHeaders: () => Promise.resolve({ Authorization: 'Bearer x' }),
  };
  transport = createTransport(config, { userAgent: 'spacecluster/test' });
});

afterEach(async () => {
  transport.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('request', () => {
  it('keeps one connection for calls in a row, and says who it is', async () => {
    const seen: http.IncomingHttpHeaders[] = [];
    handle = (request, response) => {
      seen.push(request.headers);
      response.end('é');
    };
    for (let i = 0; i < 5; i += 1) await expect(transport.request(get)).resolves.toMatchObject({ body: 'é' });
    expect(connections).toBe(1);
    expect(seen[0]).toMatchObject({ authorization: 'Bearer x', 'user-agent': 'spacecluster/test' });
  });

  it('opens at most eight connections for calls', async () => {
    handle = (_request, response) => {
      setTimeout(() => response.end('ok'), 20);
    };
    await Promise.all(Array.from({ length: 30 }, () => transport.request(get)));
    expect(connections).toBe(8);
  });

  it('answers a Lease while all connections for calls are stuck', async () => {
    handle = (request, response) => {
      if (request.url === '/lease') response.end('ok');
    };
    let released = false;
    const stuck = Array.from({ length: 8 }, () =>
      transport.request({ ...get, timeoutMs: 1_000 }).catch(() => {
        released = true;
      }),
    );
    await transport.request({ ...put, path: '/lease', lane: 'leases', timeoutMs: 5_000 });
    expect(released).toBe(false);
    await Promise.all(stuck);
  });

  it('gives up after its time limit, also in the middle of the body', async () => {
    handle = (_request, response) => {
      response.write('{"half":');
    };
    const start = performance.now();
    await expect(transport.request({ ...get, timeoutMs: 100 })).rejects.toThrow(ApiUnreachableError);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it('takes an answer that arrived while the event loop stood still', async () => {
    handle = (_request, response) => response.end('ok');
    await transport.request(get);
    const pending = transport.request({ ...get, timeoutMs: 400 });
    // Let the request leave, then block past the limit; the server shares this event loop, so answer first.
    await new Promise((resolve) => {
      server.once('request', (_request, response: http.ServerResponse) => {
        response.once('finish', () => {
          const until = performance.now() + 600;
          while (performance.now() < until);
          resolve(undefined);
        });
      });
    });
    await expect(pending).resolves.toMatchObject({ status: 200 });
  });

  it('dials anew after a call without answer', async () => {
    handle = (request, response) => {
      if (request.url === '/') response.end('ok');
    };
    await transport.request(get);
    await expect(transport.request({ ...get, path: '/void', timeoutMs: 50 })).rejects.toThrow('timed out');
    await transport.request(get);
    expect(connections).toBe(2);
  });

  it('stops at the caller’s signal', async () => {
    handle = () => undefined;
    const abort = new AbortController();
    const pending = transport.request({ ...get, signal: abort.signal });
    setTimeout(() => {
      abort.abort();
    }, 30);
    await expect(pending).rejects.toThrow('given up by the caller');
  });

  it('repeats a read on a connection that the server had closed, and never a write', async () => {
    const breakNext = (): void => {
      handle = (request, response) => {
        handle = (_request, next) => next.end('again');
        request.socket.destroy();
        response.destroy();
      };
    };
    handle = (_request, response) => response.end('ok');
    await transport.request(get);
    breakNext();
    await expect(transport.request(get)).resolves.toMatchObject({ body: 'again' });
    requests = 0;
    breakNext();
    await expect(transport.request(put)).rejects.toThrow(ApiUnreachableError);
    expect(requests).toBe(1);
  });

  it('says so when nobody listens', async () => {
    const port = (server.address() as AddressInfo).port;
    await new Promise((resolve) => server.close(resolve));
    await expect(transport.request(get)).rejects.toThrow(`ECONNREFUSED 127.0.0.1:${port}`);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
  });
});

describe('the write guard', () => {
  it('keeps the write in the process', async () => {
    handle = (_request, response) => response.end('ok');
    const guard = (): number => {
      throw new LeaseLostError('not the leader');
    };
    await expect(transport.request({ ...put, guard })).rejects.toThrow(LeaseLostError);
    expect(requests).toBe(0);
  });

  it('bounds how long the write may be under way', async () => {
    handle = () => undefined;
    const start = performance.now();
    await expect(transport.request({ ...put, guard: () => 60 })).rejects.toThrow('timed out');
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe('stream', () => {
  const watch: HttpRequest = { ...get, lane: 'watches' };
  const read = async (inactivityMs: number, signal?: AbortSignal): Promise<string> => {
    const { chunks } = await transport.stream({ ...watch, signal }, inactivityMs);
    let text = '';
    for await (const chunk of chunks) text += chunk.toString('utf8');
    return text;
  };

  it('outlives the time limit of its head', async () => {
    handle = (_request, response) => {
      response.write('a');
      setTimeout(() => response.end('b'), 900);
    };
    const { chunks } = await transport.stream({ ...watch, timeoutMs: 500 }, 5_000);
    let text = '';
    for await (const chunk of chunks) text += chunk.toString('utf8');
    expect(text).toBe('ab');
  });

  it('fails when the server falls silent, but not when the reader is slow', async () => {
    handle = (_request, response) => response.write('a');
    await expect(read(60)).rejects.toThrow('timed out');
    handle = (_request, response) => response.end('ab');
    const { chunks } = await transport.stream(watch, 400);
    for await (const chunk of chunks) {
      expect(chunk.length).toBe(2);
      await new Promise((resolve) => setTimeout(resolve, 600));
    }
  });

  it('fails when the connection breaks', async () => {
    handle = (request, response) => {
      response.write('a');
      setTimeout(() => request.socket.destroy(), 30);
    };
    await expect(read(1_000)).rejects.toThrow(ApiUnreachableError);
  });

  it('ends the connection when the reader leaves', async () => {
    let closed = false;
    handle = (_request, response) => {
      response.once('close', () => {
        closed = true;
      });
      response.write('a');
    };
    const { chunks } = await transport.stream(watch, 1_000);
    for await (const chunk of chunks) {
      expect(chunk.toString()).toBe('a');
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(true);
  });
});
