// The three databases of a worker, each reached by its Service, and whether they answer.
import type { Logger } from '../log.ts';
import { Cassandra } from './database/cassandra.ts';
import { DatabaseHealth } from './database/health.ts';
import { migrate } from './database/migrations.ts';
import type { Migration } from './database/migrations.ts';
import { MySql } from './database/mysql.ts';
import { PostgreSql } from './database/postgresql.ts';
import type { Settings } from './settings.ts';

const MYSQL_CHECK_MS = 1_000;
const OTHERS_CHECK_MS = 5_000;

export class Databases {
  readonly mysql: MySql;
  readonly postgresql: PostgreSql;
  readonly cassandra: Cassandra;
  readonly health: DatabaseHealth;
  readonly #log: Logger;
  #primary: string | undefined;

  constructor(settings: Settings, log: Logger) {
    this.#log = log;
    this.mysql = new MySql({
      access: async () => ({
        ...(await settings.mysql()),
        ...(this.#primary === undefined ? {} : { address: this.#primary }),
      }),
      log,
    });
    this.postgresql = new PostgreSql(() => settings.postgresql(), log);
    this.cassandra = new Cassandra(() => settings.cassandra(), log);
    this.health = new DatabaseHealth(
      [
        { name: 'mysql', periodMs: MYSQL_CHECK_MS, run: (signal) => this.mysql.check(signal) },
        { name: 'postgresql', periodMs: OTHERS_CHECK_MS, run: () => this.postgresql.check() },
        { name: 'cassandra', periodMs: OTHERS_CHECK_MS, run: () => this.cassandra.check() },
      ],
      log,
    );
  }

  /** The MySQL primary is at this address from now on: what goes to another is left. */
  primaryAt(address: string): void {
    this.#primary = address;
    this.mysql.moved();
  }

  migrate(migrations: readonly Migration[], signal: AbortSignal): Promise<void> {
    return migrate(this.mysql, migrations, this.#log, signal);
  }

  async close(): Promise<void> {
    this.mysql.close();
    await Promise.all([this.postgresql.close(), this.cassandra.close()]);
  }
}
