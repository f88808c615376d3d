// Speaks to HAProxy over its runtime socket: one command a connection, the answer ends with it.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { EngineError, TimeoutError } from '../../errors.ts';

/** Milliseconds. HAProxy answers in a few; what takes longer has hung. */
const TIMEOUT_MS = 2_000;

export class RuntimeSocket {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Sends one command (or several, joined by `; `) and returns the answer.
   * @throws EngineError when nobody listens, TimeoutError when no whole answer comes
   */
  async command(command: string, timeoutMs: number = TIMEOUT_MS): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = connect(this.#path);
    const parts: Buffer[] = [];
    const timer = setTimeout(() => {
      socket.destroy(new TimeoutError(`HAProxy has not answered "${verb(command)}" for ${timeoutMs} ms`));
    }, timeoutMs);
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.once('error', reject);
    socket.once('end', () => {
      resolve(Buffer.concat(parts).toString('utf8').trim());
    });
    socket.once('close', () => {
      reject(new EngineError(`HAProxy broke off its answer to "${verb(command)}"`));
    });
    socket.write(`${command}\n`);
    try {
      return await promise;
    } catch (error) {
      if (error instanceof TimeoutError || error instanceof EngineError) throw error;
      throw new EngineError(`HAProxy does not listen on ${this.#path}`, {}, error);
    } finally {
      clearTimeout(timer);
      socket.destroy();
    }
  }

  /**
   * A command with a text that ends at an empty line, as certificates are handed over.
   * @throws EngineError, TimeoutError as `command`
   */
  async upload(command: string, text: string): Promise<string> {
    const body = text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .join('\n');
    return this.command(`${command} <<\n${body}\n`);
  }

  /**
   * Opens a connection that stays, and calls `onClose` when it ends: HAProxy's death is seen the moment it happens.
   * @throws EngineError when nobody listens
   */
  async attach(onClose: () => void): Promise<Disposable> {
    const socket = connect(this.#path);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('connect', resolve);
    socket.once('error', (error) => {
      reject(new EngineError(`HAProxy does not listen on ${this.#path}`, {}, error));
    });
    await promise;
    // The interactive mode keeps the connection open after an answer.
    socket.write('prompt\n');
    socket.resume();
    socket.once('close', onClose);
    return closing(socket, onClose);
  }
}

function closing(socket: Socket, onClose: () => void): Disposable {
  return {
    [Symbol.dispose]: () => {
      socket.off('close', onClose);
      socket.destroy();
    },
  };
}

/** The first two words: what follows may be a key. */
function verb(command: string): string {
  return command.split(/\s/, 2).join(' ');
}
