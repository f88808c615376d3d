// Brings the MySQL schema to this version: each module's migrations once and in order, by one worker at a time.
import { EngineError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { MySql } from './mysql.ts';
import { textOf } from './rows.ts';

/** MySQL cannot undo a schema change: each is one statement that can be repeated (IF NOT EXISTS), recorded after it. */
export interface Migration {
  /** `MODULE/NNNN-what`, unique, never changed once released. */
  readonly id: string;
  readonly statement: string;
}

const LOCK = 'spacecluster.migrations';
const LOCK_WAIT_SECONDS = 4;

const HISTORY = `CREATE TABLE IF NOT EXISTS schema_migrations (
  id VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  applied_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
)`;

/** @throws EngineError while another worker is at it; try again */
export async function migrate(
  mysql: MySql,
  migrations: readonly Migration[],
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  await mysql.dedicated(async (session) => {
    // Held by the connection: it goes when the worker or the primary does.
    const [lock] = await session.query(`SELECT GET_LOCK('${LOCK}', ${LOCK_WAIT_SECONDS}) AS held`);
    if (lock?.['held'] !== 1) throw new EngineError('another worker is changing the MySQL schema');
    await session.execute(HISTORY);
    const applied = new Set(
      (await session.query('SELECT id FROM schema_migrations')).map((row) => textOf(row, 'id')),
    );
    for (const { id, statement } of migrations.filter((migration) => !applied.has(migration.id))) {
      await session.execute(statement);
      await session.execute('INSERT IGNORE INTO schema_migrations (id) VALUES (?)', [id]);
      log.info('schema migrated', { id });
    }
  }, signal);
}
