// Connections of the agent: to its own server by socket, to the peer by the members' certificate. The only use of `pg` here.
import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { EngineError, messageOf } from '../../errors.ts';
import { RUN_DIR } from '../shared/pods.ts';
import { DATABASE, PATHS, REPLICATION_USER } from './names.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface Session {
  /** @throws EngineError with the server's SQLSTATE in `fields.sqlstate`, or without one when the connection failed */
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/**
 * Milliseconds a look may take: longer, and the server counts as absent. With the pause between two looks and the write that
 * withdraws the endpoint that makes less than 5 s.
 */
export const LOOK_MS = 2_500;

/** Milliseconds an operation may take, such as waiting for transactions on the peer to end before its slot is made. */
export const OPERATION_MS = 120_000;

/** Over the socket, as whoever the map allows the agent to be. `onLost` is called when the connection ends. */
export async function connectLocal(
  user: string,
  database: string,
  timeoutMs: number,
  onLost: () => void = () => undefined,
): Promise<Session> {
  return open({ host: RUN_DIR, user, database }, timeoutMs, onLost);
}

/** @param host the peer's own name, which its certificate has to bear */
export async function connectPeer(host: string, timeoutMs: number): Promise<Session> {
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', 'tls.crt', 'tls.key'].map((file) => readFile(`${PATHS.tls}/${file}`, 'utf8')),
  );
  const ssl = { ca, cert, key, servername: host, rejectUnauthorized: true };
  return open({ host, user: REPLICATION_USER, database: DATABASE, ssl }, timeoutMs);
}

/** The subscription's connection string. The certificate is read by the apply worker, so there is no secret in it. */
export function connectionString(host: string, subscriber: string): string {
  const tls = `sslmode=verify-full sslrootcert=${PATHS.tls}/ca.crt sslcert=${PATHS.tls}/tls.crt sslkey=${PATHS.tls}/tls.key`;
  const patience =
    'connect_timeout=2 keepalives_idle=5 keepalives_interval=2 keepalives_count=3 tcp_user_timeout=10000';
  return `host=${host} port=5432 dbname=${DATABASE} user=${REPLICATION_USER} application_name=${subscriber} ${tls} ${patience}`;
}

/** Closes the session whatever `use` does. */
export async function withSession<T>(
  opening: Promise<Session>,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await opening;
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

async function open(
  config: ClientConfig,
  timeoutMs: number,
  onLost: () => void = () => undefined,
): Promise<Session> {
  const client = new Client({
    ...config,
    application_name: 'spacecluster-agent',
    connectionTimeoutMillis: LOOK_MS,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
    options:
      '-c search_path=pg_catalog -c default_transaction_isolation=read\\ committed -c synchronous_commit=on',
  });
  // A connection that breaks between two queries must not end the process; the next query tells.
  client.on('error', () => undefined);
  client.on('end', onLost);
  try {
    await client.connect();
  } catch (error) {
    throw failure(error);
  }
  return {
    query: async (text, values = []) => {
      try {
        const { rows } = await client.query<Row>(text, [...values]);
        return rows;
      } catch (error) {
        throw failure(error);
      }
    },
    close: async () => {
      await client.end().catch(() => undefined);
    },
  };
}

function failure(error: unknown): EngineError {
  const sqlstate = error instanceof Error && 'code' in error && 'severity' in error ? error.code : undefined;
  return new EngineError(
    `postgresql: ${messageOf(error)}`,
    sqlstate === undefined ? {} : { sqlstate },
    error,
  );
}
