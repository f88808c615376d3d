// Agent to agent, by mutual TLS: what a member is, asked each other all the time, and the failsafe's question.
import { createServer, request as httpsRequest, Agent } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import type { TLSSocket } from 'node:tls';
import { EngineError, messageOf, TimeoutError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { PEER_PORT, TLS_MOUNT } from './config.ts';
import type { Answer, Question } from './failsafe.ts';
import type { PeerReport } from './member-state.ts';

const MAX_BODY = 1_048_576;
/** Renewed certificates are taken up so often. */
const RELOAD_MS = 30_000;

interface Material {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function readMaterial(directory: string = TLS_MOUNT): Material {
  const read = (file: string): string => readFileSync(`${directory}/${file}`, 'utf8');
  return { ca: read('ca.crt'), cert: read('tls.crt'), key: read('tls.key') };
}

export interface PeerServerOptions {
  /** The common name of the members' certificates: no other part's certificate gets an answer. */
  readonly commonName: string;
  readonly report: () => PeerReport | undefined;
  readonly answer: (question: Question) => Promise<Answer>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly material?: () => Material;
  readonly port?: number;
}

/** Serves until the signal is aborted. Renewed certificates are taken up while it runs. */
export async function servePeer(options: PeerServerOptions): Promise<number> {
  const { log, signal, material = readMaterial } = options;
  const server = createServer(
    { ...material(), requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' },
    (incoming, response) => {
      void (async () => {
        try {
          const body = JSON.stringify(await handle(options, incoming));
          response.writeHead(200, { 'Content-Type': 'application/json' }).end(body);
        } catch (error) {
          log.warn('a question of the peer was not answered', { error: messageOf(error) });
          response.writeHead(503).end();
        }
      })();
    },
  );
  const reload = setInterval(() => {
    try {
      server.setSecureContext(material());
    } catch (error) {
      log.warn('certificates could not be read', { error: messageOf(error) });
    }
  }, RELOAD_MS);
  signal.addEventListener('abort', () => {
    clearInterval(reload);
    server.close();
    server.closeAllConnections();
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.port ?? PEER_PORT, resolve);
  await promise;
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function handle(options: PeerServerOptions, incoming: IncomingMessage): Promise<unknown> {
  const certificate = (incoming.socket as TLSSocket).getPeerCertificate();
  if (certificate.subject.CN !== options.commonName) {
    throw new EngineError(`not a member: ${String(certificate.subject.CN)}`);
  }
  switch (`${incoming.method} ${incoming.url}`) {
    case 'GET /member':
      return options.report() ?? null;
    case 'POST /promise':
      return { answer: await options.answer(JSON.parse(await readAll(incoming)) as Question) };
    default:
      throw new EngineError(`unknown request ${incoming.method} ${incoming.url}`);
  }
}

export interface PeerClientOptions {
  /** DNS name of the peer's pod: also the name its certificate must bear. */
  readonly host: string;
  readonly material?: () => Material;
  readonly port?: number;
  readonly resolve?: (host: string) => Promise<string>;
}

export class PeerClient {
  readonly #options: PeerClientOptions;
  readonly #material: () => Material;
  #agent: Agent | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #address: string | undefined;
  /** The address may have moved with the pod. */
  #doubted = false;
  #asking: Promise<string> | undefined;

  constructor(options: PeerClientOptions) {
    this.#options = options;
    this.#material = options.material ?? readMaterial;
  }

  /** @throws EngineError or TimeoutError when no word came */
  async report(timeoutMs: number): Promise<PeerReport | undefined> {
    return ((await this.#call('GET', '/member', undefined, timeoutMs)) as PeerReport | null) ?? undefined;
  }

  /** @throws EngineError or TimeoutError when no answer came: which is none, not a refusal */
  async ask(question: Question, timeoutMs: number): Promise<Answer> {
    const { answer } = (await this.#call('POST', '/promise', question, timeoutMs)) as {
      readonly answer: Answer;
    };
    return answer;
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  async #call(method: string, path: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const address = await this.#resolved(timeoutMs);
    const outgoing = httpsRequest(
      {
        agent: this.#current(),
        host: address,
        servername: this.#options.host,
        port: this.#options.port ?? PEER_PORT,
        method,
        path,
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        void settle(response, path, resolve, reject);
      },
    );
    outgoing.on('error', (error) => {
      this.#doubted = true;
      reject(
        error.name === 'AbortError' || error.name === 'TimeoutError'
          ? new TimeoutError(`the peer did not answer ${path} within ${timeoutMs} ms`)
          : new EngineError(`the peer does not answer: ${messageOf(error)}`),
      );
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }

  /** The address that served last, while it does or while DNS says nothing: that may be away with the API server. */
  async #resolved(timeoutMs: number): Promise<string> {
    if (this.#address !== undefined && !this.#doubted) return this.#address;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new TimeoutError(`the name ${this.#options.host} was not resolved within ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      // One question at a time: each keeps one of Node's few threads, which read files too, for as long as DNS is silent.
      this.#asking ??= this.#askDns();
      return await Promise.race([this.#asking, late]);
    } catch (error) {
      if (this.#address !== undefined) return this.#address;
      if (error instanceof TimeoutError) throw error;
      throw new EngineError(`the name of the peer is not known: ${messageOf(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  async #askDns(): Promise<string> {
    try {
      this.#address = await (this.#options.resolve ?? resolveName)(this.#options.host);
      this.#doubted = false;
      return this.#address;
    } finally {
      this.#asking = undefined;
    }
  }

  #current(): Agent {
    const now = performance.now();
    if (this.#agent === undefined || now - this.#loadedAt > RELOAD_MS) {
      this.#agent?.destroy();
      this.#agent = new Agent({ ...this.#material(), keepAlive: true, maxSockets: 2, minVersion: 'TLSv1.3' });
      this.#loadedAt = now;
    }
    return this.#agent;
  }
}

async function settle(
  response: IncomingMessage,
  path: string,
  resolve: (value: unknown) => void,
  reject: (error: Error) => void,
): Promise<void> {
  try {
    const text = await readAll(response);
    if (response.statusCode === 200) resolve(JSON.parse(text));
    else reject(new EngineError(`the peer answered ${response.statusCode} to ${path}`));
  } catch (error) {
    reject(new EngineError(`the peer's answer broke off: ${messageOf(error)}`));
  }
}

async function resolveName(host: string): Promise<string> {
  return (await lookup(host, { family: 4 })).address;
}

async function readAll(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const buffer = chunk as Buffer;
    size += buffer.length;
    if (size > MAX_BODY) throw new EngineError('the message is too long');
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
