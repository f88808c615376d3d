// A client of the Cassandra ring: inserts at LOCAL_QUORUM; the driver knows all members and goes to another when one fails.
import cassandra from 'cassandra-driver';
import { checkServerIdentity } from 'node:tls';
import { within } from './client.ts';
import type { Client, Target } from './client.ts';

const CONNECT_MS = 2_000;
const READ_MS = 2_000;
const LOOKUP_MS = 30_000;
/** Ids of one partition. */
const PARTITION = 1_000;

export function cassandraClient({ host, port, user, password, database, ca, serverName }: Target): Client {
  const client = new cassandra.Client({
    contactPoints: [`${host}:${port}`],
    localDataCenter: 'dc1',
    keyspace: database,
    authProvider: new cassandra.auth.PlainTextAuthProvider(user, password),
    sslOptions: {
      ca: [ca],
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
    },
    queryOptions: {
      consistency: cassandra.types.consistencies.localQuorum,
      prepare: true,
      isIdempotent: true,
    },
    socketOptions: { connectTimeout: CONNECT_MS, readTimeout: READ_MS },
    monitorReporting: { enabled: false },
  });
  const part = (id: number): string => String(Math.floor(id / PARTITION));
  return {
    prepare: async () => {
      await client.connect();
      await client.execute(
        'CREATE TABLE IF NOT EXISTS ha_ledger (part text, id text, PRIMARY KEY (part, id))',
        [],
        { readTimeout: LOOKUP_MS },
      );
    },
    write: async (id, timeoutMs) => {
      const insert = 'INSERT INTO ha_ledger (part, id) VALUES (?, ?)';
      await within(timeoutMs, client.execute(insert, [part(id), String(id)]));
      return '';
    },
    lookup: async (first, last) => {
      const found = new Map<number, string>();
      for (let at = Number(part(first)); at <= Number(part(last)); at += 1) {
        const select = 'SELECT id FROM ha_ledger WHERE part = ?';
        const { rows } = await within(LOOKUP_MS, client.execute(select, [String(at)]));
        for (const row of rows) found.set(Number(row['id']), '');
      }
      return found;
    },
    close: () => client.shutdown(),
  };
}
