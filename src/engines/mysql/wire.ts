// One connection to mysqld over its local socket. Small on purpose: an agent has 62 MB in all (docs/adr/0005-mysql-pair.md).
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { EngineError, messageOf } from '../../errors.ts';
import { Answer, loginPayload, pack, queryPayload, readGreeting, readLoginReply, unpack } from './packets.ts';
import type { Packet, Row } from './packets.ts';

interface Exchange {
  readonly packet: Buffer;
  /** Takes packets until it settles. */
  readonly take: (packet: Packet) => boolean;
  readonly fail: (error: Error) => void;
}

export class Wire {
  readonly #socket: Socket;
  readonly #onEnd: () => void;
  /** Statements run one after another; the first is under way. */
  readonly #queue: Exchange[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;
  #threadId = 0;

  private constructor(socket: Socket, onEnd: () => void) {
    this.#socket = socket;
    this.#onEnd = onEnd;
    socket.on('data', (data) => {
      this.#arrived(data);
    });
    socket.on('error', (error) => {
      this.#end(error.message);
    });
    socket.on('close', () => {
      this.#end('the connection was closed');
    });
  }

  /**
   * @param onEnd called once, when the connection has ended; must not throw
   * @throws EngineError when mysqld does not take the connection, or not in time
   */
  static async open(path: string, user: string, timeoutMs: number, onEnd: () => void): Promise<Wire> {
    const wire = new Wire(createConnection({ path }), onEnd);
    const timer = setTimeout(() => {
      wire.#end(`no greeting within ${timeoutMs} ms`);
    }, timeoutMs);
    try {
      await wire.#login(user);
      return wire;
    } catch (error) {
      wire.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The server's number of this connection. */
  get threadId(): number {
    return this.#threadId;
  }

  /** @throws EngineError when the server refuses, or the connection ends first */
  async query(sql: string): Promise<readonly Row[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>();
    const answer = new Answer();
    this.#enqueue({
      packet: pack(0, queryPayload(sql)),
      take: ({ payload }) => {
        const rows = answer.take(payload);
        if (rows !== undefined) resolve(rows);
        return rows !== undefined;
      },
      fail: reject,
    });
    return promise;
  }

  close(): void {
    this.#end('the connection was closed by the agent');
  }

  async #login(user: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let greeted = false;
    this.#enqueue({
      packet: Buffer.alloc(0),
      take: ({ payload, sequence }) => {
        if (!greeted) {
          greeted = true;
          this.#threadId = readGreeting(payload);
          this.#socket.write(pack(sequence + 1, loginPayload(user)));
          return false;
        }
        if (readLoginReply(payload) === 'done') {
          resolve();
          return true;
        }
        this.#socket.write(pack(sequence + 1, Buffer.alloc(0)));
        return false;
      },
      fail: reject,
    });
    await promise;
  }

  #enqueue(exchange: Exchange): void {
    if (this.#ended) {
      exchange.fail(new EngineError('the connection to mysqld has ended'));
      return;
    }
    this.#queue.push(exchange);
    if (this.#queue.length === 1) this.#socket.write(exchange.packet);
  }

  #arrived(data: Buffer): void {
    const { packets, rest } = unpack(this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]));
    this.#rest = rest;
    for (const packet of packets) {
      const exchange = this.#queue[0];
      if (exchange === undefined) return;
      if (this.#settles(exchange, packet)) this.#next();
    }
  }

  #settles(exchange: Exchange, packet: Packet): boolean {
    try {
      return exchange.take(packet);
    } catch (error) {
      exchange.fail(error instanceof Error ? error : new EngineError(messageOf(error)));
      return true;
    }
  }

  #next(): void {
    this.#queue.shift();
    const following = this.#queue[0];
    if (following !== undefined) this.#socket.write(following.packet);
  }

  #end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    for (const exchange of this.#queue.splice(0)) {
      exchange.fail(new EngineError(`the connection to mysqld has ended: ${why}`));
    }
    this.#onEnd();
  }
}
