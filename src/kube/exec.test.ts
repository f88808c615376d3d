// A command's output and exit code, out of a stream that a real socket cuts as it likes; and what becomes of half an answer.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ApiError, ApiUnreachableError } from '../errors.ts';
import type { ExecResult } from './client.ts';
import { exec, exitCode } from './exec.ts';

const TARGET = { namespace: 'n', pod: 'p', container: 'c', command: ['/bin/echo', 'a b'] };

let server: http.Server;
let asked: string[];
/** What the server does with a connection it has upgraded. */
let answer: (socket: Socket) => void;
let upgrades: boolean;
let sockets: Socket[];

function message(channel: number, text: string): Buffer {
  const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0x82, payload.length]), payload]);
}

const REFUSAL = '{"kind":"Status","code":403,"reason":"Forbidden","message":"no exec for you"}';

beforeEach(async () => {
  asked = [];
  upgrades = true;
  sockets = [];
  server = http.createServer();
  server.on('upgrade', (request, socket: Socket) => {
    sockets.push(socket);
    asked.push(request.url ?? '');
    socket.on('error', () => undefined);
    if (!upgrades) {
      socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${REFUSAL.length}\r\n\r\n${REFUSAL}`);
      return;
    }
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    answer(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});

afterEach(async () => {
  // The server no longer counts a connection that was upgraded.
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

function run(
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<ExecResult> {
  const config = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`,
    tls: {},
    namespace: undefined,
    authHeaders: () => Promise.resolve({}),
  };
  return exec(config, TARGET, { userAgent: 't', signal: undefined, timeoutMs: 5_000, ...options });
}

describe('exec', () => {
  it('gives output and exit code', async () => {
    answer = (socket) => {
      const failed = { status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '3' }] } };
      const bytes = Buffer.concat([
        message(1, 'one '),
        message(2, 'oops'),
        message(1, 'two'),
        message(3, JSON.stringify(failed)),
      ]);
      socket.write(bytes.subarray(0, 5));
      setTimeout(() => socket.write(bytes.subarray(5)), 20);
    };
    expect(await run()).toEqual({ stdout: 'one two', stderr: 'oops', code: 3 });
    expect(asked).toEqual([
      '/prefix/api/v1/namespaces/n/pods/p/exec?container=c&stdout=true&stderr=true&command=%2Fbin%2Fecho&command=a+b',
    ]);
  });

  it('tells a refusal from a missing answer', async () => {
    upgrades = false;
    const refused = run();
    await expect(refused).rejects.toBeInstanceOf(ApiError);
    await expect(refused).rejects.toThrow('no exec for you');
  });

  it('takes a stream that ends without a status for no answer', async () => {
    answer = (socket) => socket.end(message(1, 'half'));
    await expect(run()).rejects.toBeInstanceOf(ApiUnreachableError);
  });

  it('gives up in time, and when it is told to', async () => {
    answer = () => undefined;
    await expect(run({ timeoutMs: 100 })).rejects.toBeInstanceOf(ApiUnreachableError);
    await expect(run({ signal: AbortSignal.timeout(100) })).rejects.toBeInstanceOf(ApiUnreachableError);
  });
});

describe('exitCode', () => {
  it('reads how a command ended', () => {
    expect(exitCode('{"status":"Success"}')).toBe(0);
    expect(() => exitCode('{"status":"Failure","message":"no such container"}')).toThrow('no such container');
  });
});
