// The application's way to the MySQL primary, which rides over a failover: what is safe to repeat is repeated on a new
// connection until it succeeds or the bound has passed; what is not is reported as of unknown outcome, never repeated.
import type { Connection } from 'mysql2/promise';
import { EngineError, messageOf, TimeoutError } from '../../errors.ts';
import { Backoff, sleep } from '../../kube/wait.ts';
import type { Logger } from '../../log.ts';
import { meaningOf } from './mysql-errors.ts';
import { command, ConnectionPool, sessionOn } from './mysql-pool.ts';
import type { MySqlAccess, Session } from './mysql-pool.ts';

export interface MySqlOptions {
  /** Asked for each generation of connections: a rotated password is picked up. */
  readonly access: () => Promise<MySqlAccess>;
  readonly log: Logger;
  /** How long a call is tried, in milliseconds. @default 15,000: a failover takes a few seconds */
  readonly boundMs?: number;
}

export interface WriteOptions {
  readonly signal: AbortSignal;
  /**
   * The work may be done twice without harm (it sets values, inserts under a key that it brings, or counts nothing).
   * Only then is it repeated when the answer to its COMMIT was lost.
   */
  readonly repeatable: boolean;
}

const BOUND_MS = 15_000;
const PAUSE = { firstMs: 50, maxMs: 250 };

/** What becomes of the connection when the work is done. */
type Afterwards = 'keep' | 'discard';

export class MySql {
  readonly #options: MySqlOptions;
  #pool: ConnectionPool | undefined;
  #closed = false;

  constructor(options: MySqlOptions) {
    this.#options = options;
  }

  /** Reads only: `work` is repeated whenever that may help. */
  read<T>(work: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#persist(signal, async (connection) => work(sessionOn(connection)));
  }

  /** One transaction, READ COMMITTED. `work` is repeated from its start whenever nothing of it can have been committed. */
  write<T>(work: (session: Session) => Promise<T>, { signal, repeatable }: WriteOptions): Promise<T> {
    return this.#persist(signal, async (connection) => {
      await command(connection, 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await command(connection, 'START TRANSACTION');
      const result = await work(sessionOn(connection));
      await commit(connection, repeatable);
      return result;
    });
  }

  /**
   * One connection for work that is more than a transaction: named locks, schema changes. `work` is repeated from its
   * start, so every step of it must be repeatable.
   */
  dedicated<T>(work: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#persist(signal, async (connection) => work(sessionOn(connection)), {
      afterwards: 'discard',
    });
  }

  /** One try: is the primary there, and does it take writes? A standby answers too. */
  async check(signal: AbortSignal): Promise<void> {
    const begin = async (connection: Connection): Promise<void> => {
      await command(connection, 'START TRANSACTION READ WRITE');
      await command(connection, 'ROLLBACK');
    };
    await this.#persist(signal, begin, { boundMs: 0 });
  }

  /** The primary has moved: do not wait until each old connection has found out by itself. */
  moved(): void {
    this.#pool?.leave();
  }

  close(): void {
    this.#closed = true;
    this.#pool?.leave();
  }

  async #persist<T>(
    signal: AbortSignal,
    attempt: (connection: Connection) => Promise<T>,
    {
      afterwards = 'keep',
      boundMs = this.#options.boundMs ?? BOUND_MS,
    }: { readonly afterwards?: Afterwards; readonly boundMs?: number } = {},
  ): Promise<T> {
    const { log } = this.#options;
    const giveUpAt = performance.now() + boundMs;
    const pause = new Backoff(PAUSE);
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted();
      const pool = await this.#current();
      try {
        const result = await inConnection(pool, attempt, afterwards);
        if (tries > 1) log.info('MySQL answered again', { tries });
        return result;
      } catch (error) {
        const meaning = meaningOf(error);
        if (meaning === 'refused') throw error;
        if (meaning === 'elsewhere') pool.leave();
        if (boundMs === 0) throw error;
        if (performance.now() >= giveUpAt || this.#closed) {
          throw new TimeoutError(`MySQL did not answer within ${boundMs} ms: ${messageOf(error)}`, { tries });
        }
        await sleep(pause.next(), signal);
      }
    }
  }

  async #current(): Promise<ConnectionPool> {
    if (this.#pool === undefined || this.#pool.left) {
      const access = await this.#options.access();
      // Another call may have made one meanwhile.
      if (this.#pool === undefined || this.#pool.left) this.#pool = new ConnectionPool(access);
    }
    return this.#pool;
  }
}

/** A connection is kept only when it is known to be clean. */
async function inConnection<T>(
  pool: ConnectionPool,
  attempt: (connection: Connection) => Promise<T>,
  afterwards: Afterwards,
): Promise<T> {
  const connection = await pool.borrow();
  let clean = false;
  try {
    const result = await attempt(connection);
    clean = afterwards === 'keep';
    return result;
  } catch (error) {
    // An unknown outcome carries the connection's failure as its cause.
    const meaning = meaningOf(error instanceof EngineError ? error.cause : error);
    if (meaning !== 'elsewhere' && afterwards === 'keep') clean = await rolledBack(connection);
    throw error;
  } finally {
    pool.giveBack(connection, clean);
  }
}

async function rolledBack(connection: Connection): Promise<boolean> {
  try {
    await command(connection, 'ROLLBACK');
    return true;
  } catch {
    return false;
  }
}

async function commit(connection: Connection, repeatable: boolean): Promise<void> {
  try {
    await command(connection, 'COMMIT');
  } catch (error) {
    if (repeatable || meaningOf(error) === 'refused') throw error;
    throw new EngineError(
      'MySQL went away during the commit: the change may or may not have been made; look before trying again',
      { outcome: 'unknown' },
      error,
    );
  }
}
