// HTTP/1.1 to the API server over pooled keep-alive connections of node:https (docs/adr/0001-transport.md).
// Three lanes, so that a slow list or a stuck watch never delays a Lease renewal.
import type { Agent as HttpAgent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import * as https from 'node:https';
import type { AgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import { ApiUnreachableError, LeaseLostError, messageOf } from '../errors.ts';
import type { KubeConfig, TlsSettings } from './config.ts';
import { http } from './node-http.ts';

export type Lane = 'calls' | 'leases' | 'watches';

/**
 * Called at the moment a write's first byte would leave. Throws `LeaseLostError` when the write may no longer be made;
 * else returns for how many milliseconds it may be under way.
 */
export type WriteGuard = () => number;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With query. */
  readonly path: string;
  readonly lane: Lane;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the answer (of a stream: its head) must be there. */
  readonly timeoutMs: number;
  readonly guard?: WriteGuard | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: AsyncIterable<Buffer>;
}

/** Both methods throw `ApiUnreachableError` when no whole answer came; the request may then have been carried out. */
export interface Transport {
  request(request: HttpRequest): Promise<HttpResponse>;
  /** @param inactivityMs the stream fails after so long without a byte */
  stream(request: HttpRequest, inactivityMs: number): Promise<HttpStream>;
  /** Ends all connections. */
  close(): void;
}

export interface TransportOptions {
  readonly userAgent: string;
}

const MAX_SOCKETS: Readonly<Record<Lane, number>> = { calls: 8, leases: 4, watches: Infinity };

/** Below the API server's own 90 s, so that we, not it, end an idle connection. */
const IDLE_MS = 60_000;
const TCP_KEEPALIVE_MS = 30_000;

/** One context for all connections: each would make its own, and the first one's making alone leaves a megabyte behind. */
function tlsOptions({ ca, cert, key, ...rest }: TlsSettings): AgentOptions {
  const { createSecureContext } = process.getBuiltinModule('node:tls');
  return { ...rest, secureContext: createSecureContext({ ca, cert, key }) };
}

export function createTransport(config: KubeConfig, options: TransportOptions): Transport {
  const base = new URL(config.server);
  const secure = base.protocol === 'https:';
  const { request: send, Agent } = secure ? https : http;
  const tls = secure ? tlsOptions(config.tls) : {};
  const agent = (lane: Lane): HttpAgent =>
    new Agent({
      ...tls,
      keepAlive: lane !== 'watches',
      keepAliveMsecs: TCP_KEEPALIVE_MS,
      maxSockets: MAX_SOCKETS[lane],
      scheduling: 'lifo',
      ...(lane === 'watches' ? {} : { timeout: IDLE_MS }),
    });
  const agents: Readonly<Record<Lane, HttpAgent>> = {
    calls: agent('calls'),
    leases: agent('leases'),
    watches: agent('watches'),
  };

  /** Resolves with the head of the answer. `exchange` lives until the body has been read. */
  async function open(request: HttpRequest, exchange: Exchange): Promise<IncomingMessage> {
    const auth = await config.authHeaders();
    if (request.signal?.aborted === true) throw unreachable(request, 'given up before it was sent');
    return new Promise((resolve, reject) => {
      const outgoing = send({
        protocol: base.protocol,
        hostname: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port === '' ? (secure ? 443 : 80) : base.port,
        path: `${base.pathname.replace(/\/$/, '')}${request.path}`,
        method: request.method,
        agent: agents[request.lane],
        headers: {
          Accept: 'application/json',
          'User-Agent': options.userAgent,
          ...auth,
          ...(request.body === undefined
            ? {}
            : { 'Content-Type': request.contentType, 'Content-Length': Buffer.byteLength(request.body) }),
        },
      });
      exchange.begin(outgoing);
      // For its whole life: an error without a listener would end the process.
      outgoing.on('error', (error) => {
        reject(exchange.explain(error, outgoing.reusedSocket));
      });
      outgoing.once('response', (answer) => {
        answer.on('error', () => undefined);
        resolve(answer);
      });
      // Nothing leaves before the connection stands: the guard judges when the write is made, not when it was asked for.
      const release = (): void => {
        try {
          if (request.guard !== undefined) exchange.limit(request.guard());
        } catch (error) {
          outgoing.destroy(error instanceof Error ? error : new LeaseLostError(String(error)));
          return;
        }
        outgoing.end(request.body);
      };
      outgoing.once('socket', (socket) => {
        socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
        if (isOpen(socket)) release();
        else socket.once(secure ? 'secureConnect' : 'connect', release);
      });
    });
  }

  async function once(request: HttpRequest): Promise<HttpResponse> {
    const exchange = new Exchange(request);
    try {
      const answer = await open(request, exchange);
      const parts: Buffer[] = [];
      try {
        for await (const part of answer as AsyncIterable<Buffer>) parts.push(part);
      } catch (error) {
        throw exchange.explain(error, false);
      }
      return {
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        body: Buffer.concat(parts).toString('utf8'),
      };
    } catch (error) {
      // Other idle connections of the lane may lead into the same void; the next call shall dial anew.
      if (exchange.timedOut) dropIdle(agents[request.lane]);
      throw error;
    } finally {
      exchange.end();
    }
  }

  return {
    request: async (request) => {
      try {
        return await once(request);
      } catch (error) {
        // The server closed an idle connection just as we used it: safe to repeat what only reads.
        if (request.method === 'GET' && error instanceof StaleConnectionError) return once(request);
        throw error;
      }
    },
    stream: async (request, inactivityMs) => {
      const exchange = new Exchange(request);
      try {
        const answer = await open(request, exchange);
        return {
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          chunks: chunksOf(answer, exchange, inactivityMs),
        };
      } catch (error) {
        exchange.end();
        throw error;
      }
    },
    close: () => {
      for (const each of Object.values(agents)) each.destroy();
    },
  };
}

async function* chunksOf(
  answer: IncomingMessage,
  exchange: Exchange,
  inactivityMs: number,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    exchange.limit(inactivityMs);
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      // Only the server's silence counts, not the time the reader takes.
      exchange.pause();
      yield chunk;
      exchange.limit(inactivityMs);
    }
  } catch (error) {
    throw exchange.explain(error, false);
  } finally {
    exchange.end();
  }
}

/** The server had closed this pooled connection already. */
class StaleConnectionError extends ApiUnreachableError {}

/** One request under way: its time limit and its abort signal, both of which end it by destroying the connection. */
class Exchange {
  readonly #request: HttpRequest;
  #outgoing: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #deadline = Infinity;
  timedOut = false;

  constructor(request: HttpRequest) {
    this.#request = request;
    request.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  begin(outgoing: ClientRequest): void {
    this.#outgoing = outgoing;
    this.#deadline = performance.now() + this.#request.timeoutMs;
    this.limit(this.#request.timeoutMs);
  }

  /** From now on at most `ms`; for a plain request never longer than its own time limit. */
  limit(ms: number): void {
    this.pause();
    const left = this.#request.lane === 'watches' ? ms : Math.min(ms, this.#deadline - performance.now());
    const timer = setTimeout(
      () => {
        // After a stalled event loop, timers run before the sockets are read: let an answer that is there come first.
        setImmediate(() => {
          if (this.#timer === timer) this.#expire();
        });
      },
      Math.max(0, left),
    );
    this.#timer = timer;
  }

  /** No limit until the next call of `limit`. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  end(): void {
    this.pause();
    this.#request.signal?.removeEventListener('abort', this.#abort);
  }

  explain(error: unknown, reusedSocket: boolean): Error {
    if (error instanceof LeaseLostError || error instanceof ApiUnreachableError) return error;
    if (this.timedOut) return unreachable(this.#request, 'timed out');
    if (this.#request.signal?.aborted === true)
      return unreachable(this.#request, 'given up by the caller', error);
    const text = messageOf(error);
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    return reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE')
      ? new StaleConnectionError(describe(this.#request, text), error)
      : unreachable(this.#request, text, error);
  }

  readonly #abort = (): void => {
    this.#outgoing?.destroy(new Error('aborted'));
  };

  #expire(): void {
    this.timedOut = true;
    this.#outgoing?.destroy(new Error('timed out'));
  }
}

/** Ready to carry a request: connected, and over TLS with the handshake done and the server's certificate verified. */
function isOpen(socket: Socket): boolean {
  return !socket.connecting && !('secureConnecting' in socket && socket.secureConnecting === true);
}

function describe(request: HttpRequest, what: string): string {
  return `${request.method} ${request.path.split('?')[0]}: no answer from the API server (${what})`;
}

function unreachable(request: HttpRequest, what: string, cause?: unknown): ApiUnreachableError {
  return new ApiUnreachableError(describe(request, what), cause);
}

function dropIdle(agent: HttpAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}
