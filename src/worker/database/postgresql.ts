// The application's way to the PostgreSQL pair. The driver is loaded at the first use, so that a worker starts without it.
import type { Pool } from 'pg';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';

export interface PostgreSqlAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** PEM. The server must present a certificate for `host` that this CA signed. */
  readonly ca: string;
}

const CONNECT_TIMEOUT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 10;

export class PostgreSql {
  readonly #access: () => Promise<PostgreSqlAccess>;
  readonly #log: Logger;
  #pool: Promise<Pool> | undefined;

  constructor(access: () => Promise<PostgreSqlAccess>, log: Logger) {
    this.#access = access;
    this.#log = log;
  }

  /** One try: does a member answer? A failed one leaves all connections, so that the next reads the password anew. */
  async check(): Promise<void> {
    try {
      const pool = await (this.#pool ??= this.#open());
      await pool.query('SELECT 1');
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const opening = this.#pool;
    this.#pool = undefined;
    try {
      await (await opening)?.end();
    } catch (error) {
      this.#log.debug('PostgreSQL pool ended badly', { error: messageOf(error) });
    }
  }

  async #open(): Promise<Pool> {
    const { default: pg } = await import('pg');
    const { ca, ...rest } = await this.#access();
    const pool = new pg.Pool({
      ...rest,
      ssl: { ca, rejectUnauthorized: true },
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'spacecluster-worker',
    });
    // An idle connection that breaks is replaced at the next use.
    pool.on('error', (error) => {
      this.#log.debug('idle PostgreSQL connection lost', { error: error.message });
    });
    return pool;
  }
}
