// The agent's small HTTP server: probes and metrics for the kubelet and scrapers, the hand-over for the engine's preStop hook.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { PORTS } from '../api/v1alpha1/names.ts';
import { messageOf } from '../errors.ts';
import { http } from '../kube/node-http.ts';
import type { Logger } from '../log.ts';
import { Registry } from '../runtime/metrics.ts';
import { addProcessMetrics } from '../runtime/process-metrics.ts';

/** What a probe is answered: undefined is well, a text says what is missing. */
export type Probe = () => string | undefined;

export interface AgentServerOptions {
  readonly log: Logger;
  /** Does the agent itself still work? Without it the kubelet restarts the agent, never the engine. */
  readonly healthy: Probe;
  /** Does the engine serve (design: Ready = in sync and serving)? */
  readonly ready: Probe;
  /** The engine's, in Prometheus' text format; those of the process are added. */
  readonly metrics: () => string;
  /** Gives up the pod's roles; settles when they are given up. Called by the engine container's preStop hook. */
  readonly handOver: () => Promise<void>;
  /** @default PORTS.agent */
  readonly port?: number;
}

export interface AgentServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function startAgentServer(options: AgentServerOptions): Promise<AgentServer> {
  const registry = new Registry();
  addProcessMetrics(registry);
  const metrics = (): string => registry.render() + options.metrics();
  const server = http.createServer((request, response) => {
    handle({ ...options, metrics }, request, response).catch((error: unknown) => {
      options.log.error('request failed', { path: request.url, error: messageOf(error) });
      answer(response, 500, `${messageOf(error)}\n`);
    });
  });
  await listen(server, options.port ?? PORTS.agent);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
      await promise;
    },
  };
}

async function handle(
  options: AgentServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /healthz':
      return answerProbe(response, options.healthy());
    case 'GET /readyz':
      return answerProbe(response, options.ready());
    case 'GET /metrics':
      return answer(response, 200, options.metrics());
    case 'POST /handover':
      // Only the pod's own containers share its loopback: nobody else may move roles.
      if (!isLoopback(request.socket.remoteAddress))
        return answer(response, 403, 'from within the pod only\n');
      await options.handOver();
      return answer(response, 200, 'handed over\n');
    default:
      return answer(response, 404, 'not found\n');
  }
}

function answerProbe(response: ServerResponse, problem: string | undefined): void {
  answer(response, problem === undefined ? 200 : 503, `${problem ?? 'ok'}\n`);
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(body);
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(127\.|::1$|::ffff:127\.)/.test(address);
}

async function listen(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, () => {
    server.off('error', reject);
    resolve();
  });
  await promise;
}
