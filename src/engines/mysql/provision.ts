// Users, schema and the marker table, made by the open primary and kept to the Secrets. Repeatable; writes only on a change.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  AGENT_SCHEMA,
  INTERNAL_SECRET_MOUNT,
  MAX_USER_CONNECTIONS,
  REPLICATION_USER,
  USER_SECRET_MOUNT,
} from './config.ts';
import type { Session } from './connection.ts';

export interface Credentials {
  readonly user: string;
  readonly userPassword: string;
  readonly database: string;
  readonly replicationPassword: string;
}

/** As mounted; the kubelet brings them up to date when the Secrets change. */
export async function readCredentials(): Promise<Credentials> {
  const read = async (file: string): Promise<string> => (await readFile(file, 'utf8')).trim();
  const [user, userPassword, database, replicationPassword] = await Promise.all([
    read(`${USER_SECRET_MOUNT}/username`),
    read(`${USER_SECRET_MOUNT}/password`),
    read(`${USER_SECRET_MOUNT}/database`),
    read(`${INTERNAL_SECRET_MOUNT}/mysql-replication-password`),
  ]);
  return { user, userPassword, database, replicationPassword };
}

/** Raised when what is made below changes. */
const VERSION = 1;
const STATEMENT_MS = 20_000;

/** Of random passwords of 32 characters: nothing can be learned from it. */
export function fingerprint(credentials: Credentials): string {
  return createHash('sha256')
    .update(
      JSON.stringify([
        VERSION,
        credentials.user,
        credentials.userPassword,
        credentials.database,
        credentials.replicationPassword,
      ]),
    )
    .digest('hex');
}

/** Makes what is missing. Old passwords stay valid beside new ones until the next change (rotation in two steps). */
export async function provision(session: Session, credentials: Credentials): Promise<void> {
  const wanted = fingerprint(credentials);
  if ((await readFingerprint(session)) === wanted) return;
  const run = async (sql: string, values: readonly (string | number)[] = []): Promise<void> => {
    await session.run('work', sql, STATEMENT_MS, values);
  };
  await run(`CREATE DATABASE IF NOT EXISTS ${AGENT_SCHEMA}`);
  await run(
    `CREATE TABLE IF NOT EXISTS ${AGENT_SCHEMA}.marker (id TINYINT PRIMARY KEY, epoch BIGINT NOT NULL, seq BIGINT NOT NULL,
      at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))`,
  );
  await run(
    `CREATE TABLE IF NOT EXISTS ${AGENT_SCHEMA}.provisioned (id TINYINT PRIMARY KEY, fingerprint CHAR(64) NOT NULL)`,
  );
  await run(`CREATE DATABASE IF NOT EXISTS ${identifier(credentials.database)}`);
  await account(run, REPLICATION_USER, credentials.replicationPassword);
  await run(`ALTER USER ?@'%' REQUIRE SSL`, [REPLICATION_USER]);
  // CONNECTION_ADMIN: the standby gets in while the primary lets no clients in (M6), and when all connections are taken.
  await run(`GRANT REPLICATION SLAVE, BACKUP_ADMIN, CONNECTION_ADMIN ON *.* TO ?@'%'`, [REPLICATION_USER]);
  await account(run, credentials.user, credentials.userPassword);
  await run(`ALTER USER ?@'%' WITH MAX_USER_CONNECTIONS ${MAX_USER_CONNECTIONS}`, [credentials.user]);
  await run(`GRANT ALL PRIVILEGES ON ${identifier(credentials.database)}.* TO ?@'%'`, [credentials.user]);
  await run(
    `INSERT INTO ${AGENT_SCHEMA}.provisioned (id, fingerprint) VALUES (1, ?)
      ON DUPLICATE KEY UPDATE fingerprint = VALUES(fingerprint)`,
    [wanted],
  );
}

async function account(
  run: (sql: string, values: readonly string[]) => Promise<void>,
  user: string,
  password: string,
): Promise<void> {
  await run(`CREATE USER IF NOT EXISTS ?@'%' IDENTIFIED WITH caching_sha2_password BY ?`, [user, password]);
  await run(`ALTER USER ?@'%' IDENTIFIED WITH caching_sha2_password BY ? RETAIN CURRENT PASSWORD`, [
    user,
    password,
  ]);
}

async function readFingerprint(session: Session): Promise<string | undefined> {
  const [table] = await session.run(
    'work',
    'SELECT 1 AS present FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?',
    STATEMENT_MS,
    [AGENT_SCHEMA, 'provisioned'],
  );
  if (table === undefined) return undefined;
  const [row] = await session.run(
    'work',
    `SELECT fingerprint FROM ${AGENT_SCHEMA}.provisioned WHERE id = 1`,
    STATEMENT_MS,
  );
  const value = row?.['fingerprint'];
  return typeof value === 'string' ? value : undefined;
}

function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
