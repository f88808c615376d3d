// PostgreSQL: a row written on each of the two members is read on the other.
import { randomUUID } from 'node:crypto';
import { Client, DatabaseError } from 'pg';
import { EngineError } from '../errors.ts';
import { eventually } from './check.ts';
import type { Check, CheckContext } from './check.ts';

/** Made by the schema-change function, so that it reaches both members; making it again is a no-op there. */
const CREATE = 'CREATE TABLE space.selfcheck (id uuid PRIMARY KEY, member smallint NOT NULL)';
const REPLICATION_MS = 15_000;

export const postgresqlCheck: Check = {
  name: 'PostgreSQL: a row written on each member of NAME-postgresql is read on the other',
  async run(context) {
    const members = await Promise.all([0, 1].map((ordinal) => connect(context, ordinal)));
    const [first, second] = members;
    if (first === undefined || second === undefined) throw new EngineError('there are no two members');
    try {
      await first.query('SELECT spacecluster.change($1, $2)', ['selfcheck/0001', CREATE]);
      const there = await crossing(first, second, 0);
      const back = await crossing(second, first, 1);
      const { rows } = await first.query<{ runs: number }>(
        'SELECT count(*)::int AS runs FROM space.selfcheck WHERE member = 0',
      );
      return `0 to 1 in ${there} ms, 1 to 0 in ${back} ms (run ${rows[0]?.runs ?? 0})`;
    } finally {
      await Promise.all(members.map((member) => member.end()));
    }
  },
};

/** @returns milliseconds from the acknowledged write on one member to the row's appearance on the other */
async function crossing(from: Client, to: Client, member: number): Promise<number> {
  const id = randomUUID();
  await from.query('INSERT INTO space.selfcheck (id, member) VALUES ($1, $2)', [id, member]);
  const started = performance.now();
  const seen = await eventually(async () => {
    const { rowCount } = await to
      .query('SELECT id FROM space.selfcheck WHERE id = $1', [id])
      .catch(tableNotThereYet);
    return rowCount === 1 ? true : undefined;
  }, REPLICATION_MS);
  if (seen === undefined) {
    throw new EngineError(
      `a row written on member ${member} did not reach the other within ${REPLICATION_MS / 1_000} s`,
    );
  }
  return Math.round(performance.now() - started);
}

/** The table's creation travels to the other member as the rows do. */
function tableNotThereYet(error: unknown): { readonly rowCount: number } {
  if (error instanceof DatabaseError && error.code === '42P01') return { rowCount: 0 };
  throw error;
}

async function connect(context: CheckContext, ordinal: number): Promise<Client> {
  const { username, password, database } = await context.credentials('postgresql');
  const client = new Client({
    host: `${context.cluster}-postgresql-${ordinal}`,
    user: username,
    password,
    database,
    connectionTimeoutMillis: 5_000,
    ssl: { ca: context.ca },
  });
  await client.connect();
  return client;
}
