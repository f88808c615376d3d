// A client of the PostgreSQL pair, or of one member of it: one insert at a time, over one connection made anew after any error.
import { Client as Connection } from 'pg';
import { within } from './client.ts';
import type { Client, Target } from './client.ts';

const CONNECT_MS = 1_000;
const LOOKUP_MS = 30_000;

export function postgresqlClient({ host, port, user, password, database, ca }: Target): Client {
  let connection: Connection | undefined;
  const connected = async (): Promise<Connection> => {
    if (connection !== undefined) return connection;
    const made = new Connection({
      host,
      port,
      user,
      password,
      database,
      // By address: the certificate is checked against the authority, not for its name.
      ssl: { ca, rejectUnauthorized: true, checkServerIdentity: () => undefined },
      connectionTimeoutMillis: CONNECT_MS,
    });
    made.on('error', () => {
      if (connection === made) connection = undefined;
    });
    await made.connect();
    connection = made;
    return made;
  };
  const forget = (): void => {
    // Ended hard: a member that hangs answers no goodbye.
    connection?.end().catch(() => undefined);
    connection = undefined;
  };
  return {
    prepare: async () => {
      const made = await connected();
      await made.query('CREATE TABLE IF NOT EXISTS ha_ledger (id bigint PRIMARY KEY, server text NOT NULL)');
      await made.query('CREATE TABLE IF NOT EXISTS ha_contended (id int PRIMARY KEY, v bigint NOT NULL)');
    },
    write: async (id, timeoutMs) => {
      try {
        return await within(
          timeoutMs,
          connected().then(async (made) => {
            const insert =
              'INSERT INTO ha_ledger VALUES ($1, host(inet_server_addr())) ON CONFLICT (id) DO NOTHING';
            await made.query(insert, [id]);
            // Both members write these rows all the time: the last update wins, on both.
            const contend =
              'INSERT INTO ha_contended VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET v = excluded.v';
            await made.query(contend, [id % 20, id]);
            return '';
          }),
        );
      } catch (error) {
        forget();
        throw error;
      }
    },
    lookup: async (first, last) => {
      const made = await connected();
      const { rows } = await within(
        LOOKUP_MS,
        made.query<{ id: string; server: string }>(
          'SELECT id, server FROM ha_ledger WHERE id BETWEEN $1 AND $2',
          [first, last],
        ),
      );
      const contended = await made.query<{ id: number; v: string }>('SELECT id, v FROM ha_contended');
      return new Map([
        ...rows.map(({ id, server }) => [Number(id), server] as const),
        // Below zero, so that they are compared between the members with all others.
        ...contended.rows.map(({ id, v }) => [-1 - id, v] as const),
      ]);
    },
    close: async () => {
      forget();
    },
  };
}
