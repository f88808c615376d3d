// A session of the agent with its own mysqld: a connection for each kind of statement, all ending together.
import { EngineError, messageOf, TimeoutError } from '../../errors.ts';
import { AGENT_USER, SOCKET } from './config.ts';
import { bind } from './packets.ts';
import type { Row } from './packets.ts';
import { Wire } from './wire.ts';

/**
 * What a connection is for. `admin` carries only statements that no commit and no disk can hold up: where an account
 * statement waits for an acknowledgement, new connections hang while an open one still works. `work` carries what may
 * wait, `marker` the marker commits (M8).
 */
const LANES = ['admin', 'work', 'marker'] as const;
export type Lane = (typeof LANES)[number];

const CONNECT_MS = 2_000;

/** The agent's end of one run of mysqld, as long as all lanes to it are open. */
export class Session {
  readonly #lanes = new Map<Lane, Wire>();
  #ended = false;
  #onEnd: () => void = () => undefined;

  /** @throws EngineError when mysqld does not accept the agent yet */
  static async open(socket: string = SOCKET): Promise<Session> {
    const session = new Session();
    try {
      for (const lane of LANES) {
        const wire = await Wire.open(socket, AGENT_USER, CONNECT_MS, () => {
          session.close();
        });
        session.#lanes.set(lane, wire);
      }
    } catch (error) {
      session.close();
      throw new EngineError(`no connection to mysqld: ${messageOf(error)}`);
    }
    return session;
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
    return this.#lane(lane).threadId;
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
    const wire = this.#lane(lane);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new TimeoutError(`mysqld did not answer ${nameOf(sql)} within ${timeoutMs} ms`));
    }, timeoutMs);
    const answer = wire.query(bind(sql, values));
    // One that comes after the time-out is nobody's.
    answer.catch(() => undefined);
    try {
      return await Promise.race([answer, late.promise]);
    } catch (error) {
      if (error instanceof TimeoutError) throw error;
      throw new EngineError(`mysqld refused ${nameOf(sql)}: ${messageOf(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const wire of this.#lanes.values()) wire.close();
    this.#onEnd();
  }

  #lane(lane: Lane): Wire {
    const wire = this.#lanes.get(lane);
    if (wire === undefined || this.#ended) throw new EngineError('the connection to mysqld has ended');
    return wire;
  }
}

/** The statement's first words: never its values, which may be secret. */
function nameOf(sql: string): string {
  return sql.trim().split(/\s+/).slice(0, 3).join(' ');
}
