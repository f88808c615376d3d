// Users, schema and the marker table, made by the open primary and kept to the Secrets. Repeatable; writes only on a change.
import { createHash } from 'node:crypto';
import {
  AGENT_SCHEMA,
  INTERNAL_SECRET_MOUNT,
  MAX_USER_CONNECTIONS,
  REPLICATION_USER,
  USER_SECRET_MOUNT,
} from './config.ts';
import { readCredential } from '../shared/credential.ts';
import type { Session } from './connection.ts';

export interface Credentials {
  readonly user: string;
  readonly userPassword: string;
  readonly database: string;
  readonly replicationPassword: string;
}

/**
 * As mounted; the kubelet brings them up to date when the Secrets change.
 * @throws EngineError when a key is missing or empty
 */
export async function readCredentials(): Promise<Credentials> {
  const read = (file: string): Promise<string> => readCredential(file);
  const [user, userPassword, database, replicationPassword] = await Promise.all([
    read(`${USER_SECRET_MOUNT}/username`),
    read(`${USER_SECRET_MOUNT}/password`),
    read(`${USER_SECRET_MOUNT}/database`),
    read(`${INTERNAL_SECRET_MOUNT}/mysql-replication-password`),
  ]);
  return { user, userPassword, database, replicationPassword };
}

/** Raised when what is made below changes. */
const VERSION = 2;
const STATEMENT_MS = 20_000;

/** Of random passwords of 32 characters: nothing can be learned from it. */
export function fingerprint(credentials: Credentials): string {
  const { user, userPassword, database, replicationPassword } = credentials;
  return digest([VERSION, user, userPassword, database, replicationPassword]);
}

/** Makes what is missing. Old passwords stay valid beside new ones until `retirePasswords` (rotation in two steps). */
export async function provision(session: Session, credentials: Credentials): Promise<void> {
  const wanted = fingerprint(credentials);
  if ((await readFingerprint(session, 'all')) === wanted) return;
  const run = runner(session);
  await run(`CREATE DATABASE IF NOT EXISTS ${AGENT_SCHEMA}`);
  await run(
    `CREATE TABLE IF NOT EXISTS ${AGENT_SCHEMA}.marker (id TINYINT PRIMARY KEY, epoch BIGINT NOT NULL, seq BIGINT NOT NULL,
      at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))`,
  );
  await run(
    `CREATE TABLE IF NOT EXISTS ${AGENT_SCHEMA}.provisioning (what VARCHAR(64) PRIMARY KEY, fingerprint CHAR(64) NOT NULL)`,
  );
  await run(`CREATE DATABASE IF NOT EXISTS ${identifier(credentials.database)}`);
  await account(session, REPLICATION_USER, credentials.replicationPassword);
  await run(`ALTER USER ?@'%' REQUIRE SSL`, [REPLICATION_USER]);
  // CONNECTION_ADMIN: the standby gets in while the primary lets no clients in (M6), and when all connections are taken.
  await run(`GRANT REPLICATION SLAVE, BACKUP_ADMIN, CONNECTION_ADMIN ON *.* TO ?@'%'`, [REPLICATION_USER]);
  await account(session, credentials.user, credentials.userPassword);
  await run(`ALTER USER ?@'%' WITH MAX_USER_CONNECTIONS ${MAX_USER_CONNECTIONS}`, [credentials.user]);
  await run(`GRANT ALL PRIVILEGES ON ${identifier(credentials.database)}.* TO ?@'%'`, [credentials.user]);
  await note(session, 'all', wanted);
}

/** The second step of a rotation: only the passwords of the Secrets are valid from now on. Repeatable; writes once. */
export async function retirePasswords(session: Session, credentials: Credentials): Promise<void> {
  const wanted = fingerprint(credentials);
  if ((await readFingerprint(session, 'retired')) === wanted) return;
  for (const user of [REPLICATION_USER, credentials.user]) {
    await runner(session)(`ALTER USER ?@'%' DISCARD OLD PASSWORD`, [user]);
  }
  await note(session, 'retired', wanted);
}

/**
 * The password the account has, with the one before it valid beside it. Broken off and given again, it must not take the new
 * one for the one before: the intent is noted first, and the server tells whether it was carried out.
 */
async function account(session: Session, user: string, password: string): Promise<void> {
  const run = runner(session);
  const intent = digest([user, password]);
  const begun = (await readFingerprint(session, `user:${user}`)) === intent;
  if (begun && (await hasOldPassword(session, user))) return;
  await run(`CREATE USER IF NOT EXISTS ?@'%' IDENTIFIED WITH caching_sha2_password BY ?`, [user, password]);
  if (!begun) {
    await run(`ALTER USER ?@'%' DISCARD OLD PASSWORD`, [user]);
    await note(session, `user:${user}`, intent);
  }
  await run(`ALTER USER ?@'%' IDENTIFIED WITH caching_sha2_password BY ? RETAIN CURRENT PASSWORD`, [
    user,
    password,
  ]);
}

async function hasOldPassword(session: Session, user: string): Promise<boolean> {
  const [row] = await session.run(
    'work',
    `SELECT 1 AS present FROM mysql.user WHERE User = ? AND Host = '%' AND User_attributes->>'$.additional_password' <> ''`,
    STATEMENT_MS,
    [user],
  );
  return row !== undefined;
}

function runner(session: Session): (sql: string, values?: readonly (string | number)[]) => Promise<void> {
  return async (sql, values = []) => {
    await session.run('work', sql, STATEMENT_MS, values);
  };
}

function digest(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function note(session: Session, what: string, value: string): Promise<void> {
  await runner(session)(
    `INSERT INTO ${AGENT_SCHEMA}.provisioning (what, fingerprint) VALUES (?, ?)
      ON DUPLICATE KEY UPDATE fingerprint = VALUES(fingerprint)`,
    [what, value],
  );
}

async function readFingerprint(session: Session, what: string): Promise<string | undefined> {
  const [table] = await session.run(
    'work',
    'SELECT 1 AS present FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?',
    STATEMENT_MS,
    [AGENT_SCHEMA, 'provisioning'],
  );
  if (table === undefined) return undefined;
  const [row] = await session.run(
    'work',
    `SELECT fingerprint FROM ${AGENT_SCHEMA}.provisioning WHERE what = ?`,
    STATEMENT_MS,
    [what],
  );
  const value = row?.['fingerprint'];
  return typeof value === 'string' ? value : undefined;
}

function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
