// Runs a command in a container, by the API server's WebSocket protocol (v5.channel.k8s.io). No input, bounded output.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { ApiUnreachableError, messageOf } from '../errors.ts';
import type { ExecResult, ExecTarget } from './client.ts';
import type { KubeConfig } from './config.ts';
import { http } from './node-http.ts';
import { apiError } from './status.ts';
import { FrameReader, pong } from './websocket.ts';

const PROTOCOL = 'v5.channel.k8s.io';
const CHANNEL = { stdout: 1, stderr: 2, status: 3 } as const;

export interface ExecOptions {
  readonly userAgent: string;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds until it is given up. What was started in the container may go on. */
  readonly timeoutMs: number;
}

/**
 * @throws ApiError when the API server refuses
 * @throws ApiUnreachableError when there is no whole answer; the command may have been run
 */
export async function exec(
  config: KubeConfig,
  target: ExecTarget,
  options: ExecOptions,
): Promise<ExecResult> {
  const path = pathOf(target);
  const signal = AbortSignal.any([
    AbortSignal.timeout(options.timeoutMs),
    ...(options.signal === undefined ? [] : [options.signal]),
  ]);
  try {
    const { socket, head } = await upgrade(config, path, options.userAgent, signal);
    return await answerOf(socket, head, signal);
  } catch (error) {
    if (!(error instanceof Error) || error.name.startsWith('Api')) throw error;
    throw new ApiUnreachableError(`exec in ${target.pod}: no answer (${messageOf(error)})`, error);
  }
}

function pathOf({ namespace, pod, container, command }: ExecTarget): string {
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' });
  for (const word of command) query.append('command', word);
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec?${query.toString()}`;
}

async function upgrade(
  config: KubeConfig,
  path: string,
  userAgent: string,
  signal: AbortSignal,
): Promise<{ readonly socket: Socket; readonly head: Buffer }> {
  const auth = await config.authHeaders();
  const base = new URL(config.server);
  const { request: send } = base.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const outgoing = send({
      ...config.tls,
      protocol: base.protocol,
      hostname: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port,
      path: `${base.pathname.replace(/\/$/, '')}${path}`,
      // One connection, ended with the command.
      agent: false,
      signal,
      headers: {
        'User-Agent': userAgent,
        ...auth,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
        'Sec-WebSocket-Protocol': PROTOCOL,
      },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      refusal(path, answer).then(reject, reject);
    });
    outgoing.once('upgrade', (_answer, socket, head) => {
      resolve({ socket, head });
    });
    outgoing.end();
  });
}

async function refusal(path: string, answer: IncomingMessage): Promise<Error> {
  const parts: Buffer[] = [];
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part);
  return apiError(`GET ${path.split('?')[0]}`, answer.statusCode ?? 0, Buffer.concat(parts).toString('utf8'));
}

/** The status message comes last; a stream that ends before it says nothing of how the command went. */
async function answerOf(socket: Socket, head: Buffer, signal: AbortSignal): Promise<ExecResult> {
  const reader = new FrameReader();
  const output: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
  const abort = (): void => {
    socket.destroy(new Error('given up'));
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    socket.unshift(head);
    for await (const bytes of socket as AsyncIterable<Buffer>) {
      for (const message of reader.read(bytes)) {
        if (message.kind === 'ping') socket.write(pong(message.data, randomBytes(4)));
        if (message.kind !== 'data') continue;
        const text = message.data.subarray(1).toString('utf8');
        const channel = message.data[0];
        if (channel === CHANNEL.stdout) output.stdout += text;
        if (channel === CHANNEL.stderr) output.stderr += text;
        if (channel === CHANNEL.status) return { ...output, code: exitCode(text) };
      }
    }
    throw new Error('the stream ended without a status');
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

interface Status {
  readonly status?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/** @throws ApiUnreachableError when the command could not be run at all */
export function exitCode(text: string): number {
  const { status, message, details } = JSON.parse(text) as Status;
  if (status === 'Success') return 0;
  const code = Number(details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message);
  if (Number.isInteger(code)) return code;
  throw new ApiUnreachableError(`exec: ${message ?? text}`);
}
