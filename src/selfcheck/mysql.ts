// MySQL: a row written through the read-write Service is read through the read-only one, on the other server.
import { randomUUID } from 'node:crypto';
import mysql from 'mysql2/promise';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { EngineError } from '../errors.ts';
import { eventually } from './check.ts';
import type { Check, CheckContext } from './check.ts';

export const mysqlCheck: Check = {
  name: 'MySQL: a row through NAME-mysql-rw is read on the standby through NAME-mysql-ro',
  async run(context) {
    const primary = await connect(context, `${context.cluster}-mysql-rw`);
    const standby = await connect(context, `${context.cluster}-mysql-ro`);
    try {
      const [writer, reader] = [await serverOf(primary), await serverOf(standby)];
      if (writer === reader)
        throw new EngineError(
          `both Services lead to the same server, ${writer}: there is no standby to read from`,
        );
      await primary.query('CREATE TABLE IF NOT EXISTS selfcheck (id CHAR(36) PRIMARY KEY)');
      const id = randomUUID();
      await primary.query('INSERT INTO selfcheck VALUES (?)', [id]);
      const seen = await eventually(
        async () => first(await rows(standby, 'SELECT id FROM selfcheck WHERE id = ?', id)),
        10_000,
      );
      if (seen === undefined)
        throw new EngineError(`a row acknowledged by ${writer} did not reach ${reader} within 10 s`);
      const runs = first(await rows(standby, 'SELECT COUNT(*) AS value FROM selfcheck'))?.['value'];
      return `written on ${writer}, read on ${reader} (run ${String(runs)})`;
    } finally {
      primary.destroy();
      standby.destroy();
    }
  },
};

async function connect(context: CheckContext, host: string): Promise<Connection> {
  const { username, password, database } = await context.credentials('mysql');
  return mysql.createConnection({
    host,
    user: username,
    password,
    database,
    connectTimeout: 5_000,
    ssl: { ca: context.ca, verifyIdentity: true },
  });
}

async function serverOf(connection: Connection): Promise<string> {
  return String(first(await rows(connection, 'SELECT @@hostname AS value'))?.['value']);
}

async function rows(
  connection: Connection,
  sql: string,
  ...values: readonly string[]
): Promise<readonly RowDataPacket[]> {
  const [result] = await connection.query<RowDataPacket[]>(sql, [...values]);
  return result;
}

function first<T>(list: readonly T[]): T | undefined {
  return list[0];
}
