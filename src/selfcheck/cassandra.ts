// Cassandra: an 8 MiB object is stored in chunks at LOCAL_QUORUM and read back with an equal digest.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { checkServerIdentity } from 'node:tls';
import cassandra from 'cassandra-driver';
import { EngineError } from '../errors.ts';
import type { Check } from './check.ts';

const SIZE = 8 * 1024 * 1024;
const CHUNK = 256 * 1024;
const DATACENTER = 'dc1';

export const cassandraCheck: Check = {
  name: 'Cassandra: an 8 MiB object at LOCAL_QUORUM has the same digest when read back',
  async run(context) {
    const { username, password, database } = await context.credentials('cassandra');
    const service = `${context.cluster}-cassandra`;
    const client = new cassandra.Client({
      contactPoints: [service],
      localDataCenter: DATACENTER,
      keyspace: database,
      sslOptions: {
        ca: [context.ca],
        rejectUnauthorized: true,
        // Members are called by address; their certificate carries the Service's name.
        checkServerIdentity: (_host, certificate) => checkServerIdentity(service, certificate),
      },
      authProvider: new cassandra.auth.PlainTextAuthProvider(username, password),
      queryOptions: { consistency: cassandra.types.consistencies.localQuorum, prepare: true },
      socketOptions: { connectTimeout: 5_000, readTimeout: 20_000 },
    });
    try {
      await client.connect();
      await client.execute(
        'CREATE TABLE IF NOT EXISTS selfcheck (id uuid, n int, data blob, PRIMARY KEY (id, n))',
      );
      const object = randomBytes(SIZE);
      const id = randomUUID();
      const count = SIZE / CHUNK;
      for (let n = 0; n < count; n++) {
        await client.execute('INSERT INTO selfcheck (id, n, data) VALUES (?, ?, ?)', [
          id,
          n,
          object.subarray(n * CHUNK, (n + 1) * CHUNK),
        ]);
      }
      const read = createHash('sha256');
      for (let n = 0; n < count; n++) {
        const { rows } = await client.execute('SELECT data FROM selfcheck WHERE id = ? AND n = ?', [id, n]);
        const data: unknown = rows[0]?.['data'];
        if (!Buffer.isBuffer(data))
          throw new EngineError(`chunk ${n} of ${count} was acknowledged but is not there`);
        read.update(data);
      }
      await client.execute('DELETE FROM selfcheck WHERE id = ?', [id]);
      const digest = read.digest('hex');
      if (digest !== createHash('sha256').update(object).digest('hex'))
        throw new EngineError('the object read differs from the one written');
      await client.execute('CREATE TABLE IF NOT EXISTS selfcheck_runs (id uuid PRIMARY KEY)');
      await client.execute('INSERT INTO selfcheck_runs (id) VALUES (?)', [id]);
      const runs = await client.execute('SELECT id FROM selfcheck_runs');
      return `${count} chunks over ${client.hosts.length} members, SHA-256 ${digest.slice(0, 12)}... (run ${runs.rowLength})`;
    } finally {
      await client.shutdown();
    }
  },
};
