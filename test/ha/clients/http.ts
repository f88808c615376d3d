// A client of the Web IP: a new connection for each request, as a browser that comes for the first time.
import { request } from 'node:https';
import { within } from './client.ts';
import type { Client, Target } from './client.ts';

/** A SYN that was lost is not worth TCP's own repetition after a second. */
const CONNECT_MS = 250;

export function httpClient({ host, port, ca }: Target): Client {
  return {
    prepare: async () => undefined,
    write: async (_id, timeoutMs) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const asked = request({ host, port, path: '/readyz', ca, agent: false }, (answer) => {
        answer.resume();
        answer.on('error', reject);
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve(String(answer.headers['x-space-node']));
          else reject(new Error(`HTTP ${answer.statusCode}`));
        });
      });
      asked.once('socket', (socket) => {
        const timer = setTimeout(
          () => asked.destroy(new Error(`no connection within ${CONNECT_MS} ms`)),
          CONNECT_MS,
        );
        socket.once('connect', () => clearTimeout(timer));
        socket.once('close', () => clearTimeout(timer));
      });
      asked.on('error', reject);
      asked.end();
      // The time-out of Node's sockets is of silence, and twice as long where something is still to be written.
      return within(timeoutMs, promise).finally(() => asked.destroy());
    },
    lookup: async () => new Map(),
    close: async () => undefined,
  };
}
