// The small HTTP server for probes and metrics: /healthz, /readyz, /metrics.
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../errors.ts';
import { http } from '../kube/node-http.ts';
import type { Registry } from './metrics.ts';

export interface HealthOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly host?: string;
  readonly registry: Registry;
  /** What keeps the process from being ready, one line each; empty when it is. */
  readonly ready: () => readonly string[];
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';

/** @throws ConfigError when the port cannot be had */
export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  const server = http.createServer((request, response) => {
    const { status, type, body } = answer(request.method ?? '', request.url ?? '', options);
    response.writeHead(status, { 'Content-Type': type });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  server.requestTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new ConfigError(`cannot serve health on port ${options.port}: ${error.message}`));
    });
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(method: string, url: string, { registry, ready }: HealthOptions): Answer {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: TEXT, body: 'GET only\n' };
  const [path = ''] = url.split('?');
  switch (path) {
    case '/healthz':
      // That this was answered shows that the event loop turns, and nothing else is worth a restart.
      return { status: 200, type: TEXT, body: 'ok\n' };
    case '/readyz': {
      const missing = ready();
      return missing.length === 0
        ? { status: 200, type: TEXT, body: 'ok\n' }
        : { status: 503, type: TEXT, body: `${missing.join('\n')}\n` };
    }
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: registry.render() };
    default:
      return { status: 404, type: TEXT, body: 'there are /healthz, /readyz and /metrics\n' };
  }
}
