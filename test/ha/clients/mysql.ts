// A client of the MySQL pair: one insert at a time, over one connection that is made anew after any error.
import { createConnection } from 'mysql2/promise';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { within } from './client.ts';
import type { Client, Target } from './client.ts';

const CONNECT_MS = 500;
const LOOKUP_MS = 30_000;

/** By address: the certificate is checked against the authority, not for its name. */
export function connectTo({ host, port, user, password, database, ca }: Target): Promise<Connection> {
  const ssl = { ca, rejectUnauthorized: true, verifyIdentity: false };
  return createConnection({ host, port, user, password, database, ssl, connectTimeout: CONNECT_MS });
}

export function mysqlClient(target: Target): Client {
  let connection: Connection | undefined;
  const connected = async (): Promise<Connection> => {
    if (connection !== undefined) return connection;
    const made = await connectTo(target);
    made.on('error', () => {
      if (connection === made) connection = undefined;
    });
    connection = made;
    return made;
  };
  const forget = (): void => {
    connection?.destroy();
    connection = undefined;
  };
  return {
    prepare: async () => {
      const made = await connected();
      await made.query(
        'CREATE TABLE IF NOT EXISTS ha_ledger (id BIGINT PRIMARY KEY, server CHAR(36) NOT NULL)',
      );
    },
    write: async (id, timeoutMs) => {
      try {
        // A repeated id was written before, and its acknowledgement lost on the way.
        const insert = 'INSERT INTO ha_ledger VALUES (?, @@server_uuid) ON DUPLICATE KEY UPDATE id = id';
        return await within(
          timeoutMs,
          connected().then(async (made) => {
            await made.query(insert, [id]);
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
      const [rows] = await within(
        LOOKUP_MS,
        made.query<RowDataPacket[]>('SELECT id, server FROM ha_ledger WHERE id BETWEEN ? AND ?', [
          first,
          last,
        ]),
      );
      return new Map(rows.map((row) => [Number(row['id']), String(row['server'])]));
    },
    close: async () => {
      forget();
    },
  };
}
