// Log-in sessions: a random id in a signed cookie, a row in MySQL. A session outlives the worker that made it.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Migration } from '../database/migrations.ts';
import type { MySql } from '../database/mysql.ts';
import { textOf } from '../database/rows.ts';
import { isRole } from './principal.ts';
import type { Principal } from './principal.ts';

export const SESSION_COOKIE = 'SPACESESSION';

const IDLE_MINUTES = 30;
const LIFE_HOURS = 12;
/** How many rows one clean-up takes at once. */
const SWEEP_ROWS = 1_000;

export const SESSION_MIGRATIONS: readonly Migration[] = [
  {
    id: 'users/0003-sessions',
    statement: `CREATE TABLE IF NOT EXISTS sessions (
      id_hash BINARY(32) NOT NULL PRIMARY KEY,
      user_name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      address VARCHAR(45) CHARACTER SET ascii NOT NULL,
      created_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      last_seen_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      KEY (last_seen_at),
      KEY (user_name)
    )`,
  },
];

/** Only MySQL's clock is asked: the workers' need not agree. */
const ALIVE = `s.last_seen_at > CURRENT_TIMESTAMP(3) - INTERVAL ${IDLE_MINUTES} MINUTE
  AND s.created_at > CURRENT_TIMESTAMP(3) - INTERVAL ${LIFE_HOURS} HOUR`;

export class Sessions {
  readonly #mysql: MySql;
  readonly #key: () => Promise<string>;

  /** @param key signs the cookies; the same on all workers */
  constructor(mysql: MySql, key: () => Promise<string>) {
    this.#mysql = mysql;
    this.#key = key;
  }

  /** @returns the cookie's value */
  async start(user: string, address: string, signal: AbortSignal): Promise<string> {
    const id = randomBytes(32).toString('base64url');
    await this.#mysql.write(
      (session) =>
        session.execute(
          'INSERT INTO sessions (id_hash, user_name, address) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE id_hash = id_hash',
          [hashOf(id), user, address.slice(0, 45)],
        ),
      { signal, repeatable: true },
    );
    return `${id}.${signature(id, await this.#key())}`;
  }

  /** Who the cookie speaks for; undefined when it is forged, over, or its user is gone or disabled. */
  async find(cookie: string, signal: AbortSignal): Promise<Principal | undefined> {
    const id = await this.#idOf(cookie);
    if (id === undefined) return undefined;
    const [row] = await this.#mysql.read(
      (session) =>
        session.query(
          `SELECT u.name, u.role, s.last_seen_at < CURRENT_TIMESTAMP(3) - INTERVAL 1 MINUTE AS due
           FROM sessions s JOIN users u ON u.name = s.user_name
           WHERE s.id_hash = ? AND NOT u.disabled AND ${ALIVE}`,
          [hashOf(id)],
        ),
      signal,
    );
    if (row === undefined) return undefined;
    if (row['due'] === 1) await this.#seen(id, signal);
    const role = textOf(row, 'role');
    return isRole(role) ? { name: textOf(row, 'name'), role, by: 'session' } : undefined;
  }

  async end(cookie: string, signal: AbortSignal): Promise<void> {
    const id = await this.#idOf(cookie);
    if (id === undefined) return;
    await this.#mysql.write(
      (session) => session.execute('DELETE FROM sessions WHERE id_hash = ?', [hashOf(id)]),
      { signal, repeatable: true },
    );
  }

  /** Deletes what is over. Any worker may, any number of times. */
  async sweep(signal: AbortSignal): Promise<void> {
    await this.#mysql.write(
      (session) =>
        session.execute(
          `DELETE FROM sessions WHERE last_seen_at < CURRENT_TIMESTAMP(3) - INTERVAL ${IDLE_MINUTES} MINUTE
           OR created_at < CURRENT_TIMESTAMP(3) - INTERVAL ${LIFE_HOURS} HOUR LIMIT ${SWEEP_ROWS}`,
        ),
      { signal, repeatable: true },
    );
  }

  /** At most once a minute and session: every reply would else cost a replicated commit. */
  async #seen(id: string, signal: AbortSignal): Promise<void> {
    await this.#mysql.write(
      (session) =>
        session.execute('UPDATE sessions SET last_seen_at = CURRENT_TIMESTAMP(3) WHERE id_hash = ?', [
          hashOf(id),
        ]),
      { signal, repeatable: true },
    );
  }

  /** A forged cookie costs an HMAC, not a question to MySQL. */
  async #idOf(cookie: string): Promise<string | undefined> {
    const [id = '', given = ''] = cookie.split('.');
    const expected = Buffer.from(signature(id, await this.#key()));
    const actual = Buffer.from(given);
    return actual.length === expected.length && timingSafeEqual(actual, expected) ? id : undefined;
  }
}

function signature(id: string, key: string): string {
  return createHmac('sha256', key).update(id).digest('base64url');
}

/** The table holds hashes only: who reads it cannot log in with them. */
function hashOf(id: string): Buffer {
  return createHash('sha256').update(id).digest();
}
