// Users in MySQL. A name is compared byte for byte; the last administrator cannot be lost.
import { EngineError } from '../../errors.ts';
import type { Migration } from '../database/migrations.ts';
import type { MySql } from '../database/mysql.ts';
import type { Session } from '../database/mysql-pool.ts';
import { dateOf, textOf } from '../database/rows.ts';
import type { Row } from '../database/rows.ts';
import { RequestError } from '../http/problem.ts';
import { isRole } from './principal.ts';
import type { Role } from './principal.ts';

export interface User {
  readonly name: string;
  readonly role: Role;
  readonly disabled: boolean;
  readonly createdAt: Date;
}

export interface UserChange {
  readonly role?: Role;
  readonly disabled?: boolean;
  readonly passwordHash?: string;
}

export const USER_MIGRATIONS: readonly Migration[] = [
  {
    id: 'users/0001-users',
    statement: `CREATE TABLE IF NOT EXISTS users (
      name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      role VARCHAR(32) CHARACTER SET ascii NOT NULL,
      password_hash VARCHAR(255) CHARACTER SET ascii NOT NULL,
      disabled BOOLEAN NOT NULL DEFAULT FALSE,
      created_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
    )`,
  },
  {
    // What the Secret NAME-admin last said: a password that was changed here since is not put back.
    id: 'users/0002-bootstrap',
    statement: `CREATE TABLE IF NOT EXISTS user_bootstrap (
      name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      password_hash VARCHAR(255) CHARACTER SET ascii NOT NULL
    )`,
  },
];

const COLUMNS = 'name, role, disabled, created_at';

export class Users {
  readonly #mysql: MySql;

  constructor(mysql: MySql) {
    this.#mysql = mysql;
  }

  list(signal: AbortSignal): Promise<readonly User[]> {
    return this.#mysql.read(
      async (session) =>
        (await session.query(`SELECT ${COLUMNS} FROM users ORDER BY name`)).map((row) => userOf(row)),
      signal,
    );
  }

  /** @throws RequestError 404 */
  get(name: string, signal: AbortSignal): Promise<User> {
    return this.#mysql.read((session) => getUser(session, name), signal);
  }

  /** The user and the hash of the password, for a log-in; undefined for an unknown or disabled one. */
  forLogin(
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly role: Role; readonly passwordHash: string } | undefined> {
    return this.#mysql.read(async (session) => {
      const [row] = await session.query(
        'SELECT role, password_hash FROM users WHERE name = ? AND NOT disabled',
        [name],
      );
      return row === undefined
        ? undefined
        : { role: roleOf(row), passwordHash: textOf(row, 'password_hash') };
    }, signal);
  }

  /** @throws RequestError 409 when the name is taken */
  create(name: string, role: Role, passwordHash: string, signal: AbortSignal): Promise<User> {
    return this.#mysql.write(
      async (session) => {
        const [taken] = await session.query('SELECT name FROM users WHERE name = ? FOR UPDATE', [name]);
        if (taken !== undefined) throw new RequestError(409, `user ${name} exists already`);
        await session.execute('INSERT INTO users (name, role, password_hash) VALUES (?, ?, ?)', [
          name,
          role,
          passwordHash,
        ]);
        return getUser(session, name);
      },
      { signal, repeatable: false },
    );
  }

  /** Ends the user's sessions unless only the role changes. @throws RequestError 404, 409 for the last administrator */
  change(name: string, change: UserChange, signal: AbortSignal): Promise<User> {
    return this.#mysql.write(
      async (session) => {
        const user = await getUser(session, name, 'FOR UPDATE');
        await session.execute(
          `UPDATE users SET role = ?, disabled = ?, password_hash = COALESCE(?, password_hash) WHERE name = ?`,
          [change.role ?? user.role, change.disabled ?? user.disabled, change.passwordHash ?? null, name],
        );
        await keepAnAdministrator(session);
        if (change.passwordHash !== undefined || change.disabled === true) await endSessions(session, name);
        return getUser(session, name);
      },
      { signal, repeatable: true },
    );
  }

  /** @throws RequestError 404, 409 for the last administrator */
  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#mysql.write(
      async (session) => {
        await getUser(session, name, 'FOR UPDATE');
        await session.execute('DELETE FROM users WHERE name = ?', [name]);
        await keepAnAdministrator(session);
        await endSessions(session, name);
      },
      { signal, repeatable: false },
    );
  }

  /** What the Secret last said of this user, as a hash; undefined when it never said anything. */
  bootstrapHash(name: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#mysql.read(async (session) => {
      const [row] = await session.query('SELECT password_hash FROM user_bootstrap WHERE name = ?', [name]);
      return row === undefined ? undefined : textOf(row, 'password_hash');
    }, signal);
  }

  /** Makes the user an enabled administrator with this password, and remembers that the Secret said so. */
  async bootstrap(name: string, passwordHash: string, signal: AbortSignal): Promise<void> {
    await this.#mysql.write(
      async (session) => {
        await session.execute(
          `INSERT INTO users (name, role, password_hash) VALUES (?, 'administrator', ?) AS new
           ON DUPLICATE KEY UPDATE role = new.role, password_hash = new.password_hash, disabled = FALSE`,
          [name, passwordHash],
        );
        await session.execute(
          `INSERT INTO user_bootstrap (name, password_hash) VALUES (?, ?) AS new
           ON DUPLICATE KEY UPDATE password_hash = new.password_hash`,
          [name, passwordHash],
        );
        await endSessions(session, name);
      },
      { signal, repeatable: true },
    );
  }
}

async function getUser(session: Session, name: string, lock: '' | 'FOR UPDATE' = ''): Promise<User> {
  const [row] = await session.query(`SELECT ${COLUMNS} FROM users WHERE name = ? ${lock}`, [name]);
  if (row === undefined) throw new RequestError(404, `there is no user ${name}`);
  return userOf(row);
}

/** After the change, within its transaction: two that remove each other wait for each other's rows here. */
async function keepAnAdministrator(session: Session): Promise<void> {
  const left = await session.query(
    `SELECT name FROM users WHERE role = 'administrator' AND NOT disabled FOR UPDATE`,
  );
  if (left.length === 0) throw new RequestError(409, 'the last administrator cannot be removed');
}

async function endSessions(session: Session, name: string): Promise<void> {
  await session.execute('DELETE FROM sessions WHERE user_name = ?', [name]);
}

function userOf(row: Row): User {
  return {
    name: textOf(row, 'name'),
    role: roleOf(row),
    disabled: row['disabled'] === 1,
    createdAt: dateOf(row, 'created_at'),
  };
}

function roleOf(row: Row): Role {
  const role = textOf(row, 'role');
  if (!isRole(role)) throw new EngineError(`user with an unknown role ${role}`);
  return role;
}
