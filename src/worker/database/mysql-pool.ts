// One generation of MySQL connections: all made while the primary was believed to be at one place, left together. (The driver's
// own pool closes connections under a running transaction when it ends, and tells its errors by text only.)
import { connect } from 'node:net';
import { createConnection } from 'mysql2/promise';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import type { Row } from './rows.ts';

/** Where the primary is reached, and as whom. */
export interface MySqlAccess {
  /** The name that its certificate must bear. */
  readonly host: string;
  /** The primary's own address, where it is known: connections go there. Otherwise to `host`. */
  readonly address?: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** PEM. The server must present a certificate for `host` that this CA signed. */
  readonly ca: string;
}

export type Parameter = string | number | boolean | Date | Buffer | null;

/** Statements on one connection. Prepared on the server: a parameter is never part of the text. */
export interface Session {
  query(sql: string, parameters?: readonly Parameter[]): Promise<readonly Row[]>;
  /** @returns the number of rows that matched */
  execute(sql: string, parameters?: readonly Parameter[]): Promise<number>;
}

/** Short: a connection to a lost node must not hold up the one to the new primary. */
const CONNECT_TIMEOUT_MS = 1_500;
/** A statement of this application that takes longer hangs on a primary that is gone. */
const STATEMENT_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 10;
const MAX_IDLE_MS = 60_000;

interface Idle {
  readonly connection: Connection;
  readonly since: number;
}

export class ConnectionPool {
  readonly #access: MySqlAccess;
  readonly #waiting: (() => void)[] = [];
  #idle: Idle[] = [];
  #borrowed = 0;
  #left = false;

  constructor(access: MySqlAccess) {
    this.#access = access;
  }

  /** True once the pool was left: what is still under way in it is the last. */
  get left(): boolean {
    return this.#left;
  }

  /** The caller gives it back, whatever happens. In a pool that was left too: its caller is only late. */
  async borrow(): Promise<Connection> {
    while (this.#borrowed >= MAX_CONNECTIONS) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    this.#borrowed += 1;
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle.connection;
    try {
      return await this.#connect();
    } catch (error) {
      this.#freeSlot();
      throw error;
    }
  }

  /** @param clean no transaction, lock or answer is outstanding on it */
  giveBack(connection: Connection, clean: boolean): void {
    if (clean && !this.#left) this.#idle.push({ connection, since: performance.now() });
    else connection.destroy();
    this.#freeSlot();
    this.#dropStale();
  }

  /** Closes what is idle; borrowed connections are closed when they come back. */
  leave(): void {
    this.#left = true;
    for (const { connection } of this.#idle) connection.destroy();
    this.#idle = [];
  }

  async #connect(): Promise<Connection> {
    const { ca, address, ...rest } = this.#access;
    const connection = await createConnection({
      ...rest,
      ...(address === undefined ? {} : { stream: () => connect(rest.port, address) }),
      ssl: { ca, verifyIdentity: true, minVersion: 'TLSv1.2' },
      connectTimeout: CONNECT_TIMEOUT_MS,
      enableKeepAlive: true,
      timezone: 'Z',
      charset: 'utf8mb4',
      // Matched rows, not changed ones: a statement that is repeated must not seem to have missed.
      flags: ['FOUND_ROWS'],
    });
    // An idle connection that breaks tells nobody else; a borrowed one fails its statement as well.
    connection.on('error', () => {
      this.#idle = this.#idle.filter((idle) => idle.connection !== connection);
    });
    return connection;
  }

  #freeSlot(): void {
    this.#borrowed -= 1;
    this.#waiting.shift()?.();
  }

  #dropStale(): void {
    const oldest = performance.now() - MAX_IDLE_MS;
    for (const { connection, since } of this.#idle) if (since < oldest) connection.destroy();
    this.#idle = this.#idle.filter(({ since }) => since >= oldest);
  }
}

export function sessionOn(connection: Connection): Session {
  return {
    async query(sql, parameters = []) {
      const [rows] = await connection.execute({ sql, timeout: STATEMENT_TIMEOUT_MS }, [...parameters]);
      return Array.isArray(rows) ? (rows as readonly Row[]) : [];
    },
    async execute(sql, parameters = []) {
      const [result] = await connection.execute<ResultSetHeader>({ sql, timeout: STATEMENT_TIMEOUT_MS }, [
        ...parameters,
      ]);
      return result.affectedRows;
    },
  };
}

/** Transaction control, outside the prepared protocol, under the same bound. */
export async function command(connection: Connection, sql: string): Promise<void> {
  await connection.query({ sql, timeout: STATEMENT_TIMEOUT_MS });
}
