// Connections of the agent to its own mysqld, by the local socket. The only place that knows the driver.
import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import { EngineError, messageOf, TimeoutError } from '../../errors.ts';
import { AGENT_USER, SOCKET } from './config.ts';

export type Row = Readonly<Record<string, unknown>>;

/**
 * What a connection is for. `admin` carries only statements that no commit and no disk can hold up: where an account
 * statement waits for an acknowledgement, new connections hang while an open one still works. `work` carries what may
 * wait, `marker` the marker commits (M8).
 */
const LANES = ['admin', 'work', 'marker'] as const;
export type Lane = (typeof LANES)[number];

const CONNECT_MS = 2_000;

/** One life of a mysqld, as long as all lanes to it are open. */
export class Session {
  readonly #lanes: ReadonlyMap<Lane, Connection>;
  #ended = false;
  #onEnd: () => void = () => undefined;

  constructor(lanes: ReadonlyMap<Lane, Connection>) {
    this.#lanes = lanes;
    for (const connection of lanes.values()) {
      for (const event of ['error', 'end']) {
        connection.on(event, () => {
          this.close();
        });
      }
    }
  }

  /** The server went away, or the session was closed. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Called once, when the session ends. Must not throw. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }

  /** The server's own number of a lane's connection, as in its process list. */
  threadId(lane: Lane): number {
    return this.#lane(lane).threadId ?? 0;
  }

  /**
   * Statements of one lane run one after another.
   * @throws TimeoutError when the answer takes longer; the statement may still take effect, and holds the lane until then
   * @throws EngineError when the server refused, or the connection ended
   */
  async run(
    lane: Lane,
    sql: string,
    timeoutMs: number,
    values: readonly (string | number)[] = [],
  ): Promise<readonly Row[]> {
    const connection = this.#lane(lane);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new TimeoutError(`mysqld did not answer ${nameOf(sql)} within ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      const [rows] = await Promise.race([connection.query(sql, [...values]), late.promise]);
      return Array.isArray(rows) ? (rows as readonly Row[]) : [];
    } catch (error) {
      if (error instanceof TimeoutError) throw error;
      if (isFatal(error)) this.close();
      throw new EngineError(`mysqld refused ${nameOf(sql)}: ${messageOf(error)}`, { errno: errnoOf(error) });
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const connection of this.#lanes.values()) connection.destroy();
    this.#onEnd();
  }

  #lane(lane: Lane): Connection {
    const connection = this.#lanes.get(lane);
    if (connection === undefined || this.#ended) throw new EngineError('the connection to mysqld has ended');
    return connection;
  }
}

/** @throws EngineError when mysqld does not accept the agent yet */
export async function openSession(socket: string = SOCKET): Promise<Session> {
  const lanes = new Map<Lane, Connection>();
  try {
    for (const lane of LANES) lanes.set(lane, await connect(socket));
  } catch (error) {
    for (const connection of lanes.values()) connection.destroy();
    throw new EngineError(`no connection to mysqld: ${messageOf(error)}`);
  }
  return new Session(lanes);
}

async function connect(socketPath: string): Promise<Connection> {
  return createConnection({
    socketPath,
    user: AGENT_USER,
    connectTimeout: CONNECT_MS,
    // The server takes the peer's UID for its word; there is nothing to send.
    authPlugins: { auth_socket: () => () => Buffer.alloc(0) },
    supportBigNumbers: true,
    dateStrings: true,
  });
}

/** The statement's first words: never its values, which may be secret. */
function nameOf(sql: string): string {
  return sql.trim().split(/\s+/).slice(0, 3).join(' ');
}

function isFatal(error: unknown): boolean {
  return error instanceof Error && 'fatal' in error && error.fatal === true;
}

function errnoOf(error: unknown): number | undefined {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number'
    ? error.errno
    : undefined;
}
