// The SQL that every member gets before anything else: roles, our own schema, event triggers, publication. Repeatable.
import { createHash } from 'node:crypto';
import { APPLICATION_USER, DATABASE, PUBLICATION, REPLICATION_USER, SCHEMA } from '../names.ts';
import { CHANGES_SQL } from './changes.ts';
import { ROWS_SQL, TRIGGERS_SQL } from './rows.ts';
import { SEQUENCES_SQL } from './sequences.ts';
import { TABLES_SQL } from './tables.ts';

/** In database `postgres`, outside of a transaction: a statement each. */
export const ROLES_SQL: readonly string[] = [
  `DO $$ BEGIN
     IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${APPLICATION_USER}') THEN CREATE ROLE ${APPLICATION_USER} LOGIN; END IF;
     IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${REPLICATION_USER}') THEN CREATE ROLE ${REPLICATION_USER} LOGIN REPLICATION; END IF;
   END $$`,
  // What a subscription copies, and what an agent looks at on its peer; no right to change anything.
  `GRANT pg_read_all_data, pg_monitor TO ${REPLICATION_USER}`,
  // A sender that is told to end first says so to its receiver. One that hangs reads nothing: without a bound the sender
  // stays for ever, and with it the checkpointer that wants its slot, while the WAL fills the disk (P3).
  `ALTER ROLE ${REPLICATION_USER} SET tcp_user_timeout = '20s'`,
];

export const CREATE_DATABASE_SQL = `CREATE DATABASE ${DATABASE}`;

const SCHEMA_SQL = `
REVOKE ALL ON DATABASE ${DATABASE} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE ${DATABASE} TO ${APPLICATION_USER};
GRANT CONNECT ON DATABASE ${DATABASE} TO ${REPLICATION_USER};
CREATE SCHEMA IF NOT EXISTS ${SCHEMA} AUTHORIZATION ${APPLICATION_USER};
CREATE SCHEMA IF NOT EXISTS spacecluster;
GRANT USAGE ON SCHEMA spacecluster TO ${APPLICATION_USER}, ${REPLICATION_USER};

-- What this data directory is: its place, the pair it belongs to (NULL until it has joined one), and the start of the
-- server under which it was admitted to serve (P2).
CREATE TABLE IF NOT EXISTS spacecluster.member (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  pair uuid,
  admitted timestamptz
);
INSERT INTO spacecluster.member DEFAULT VALUES ON CONFLICT DO NOTHING;

-- The last comparison of the rows here with the peer's, and the request that it answered: each acts once.
CREATE TABLE IF NOT EXISTS spacecluster.audit (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  request text NOT NULL,
  result jsonb NOT NULL
);
`;

const EVENT_TRIGGERS_SQL = `
DROP EVENT TRIGGER IF EXISTS spacecluster_ddl;
CREATE EVENT TRIGGER spacecluster_ddl ON ddl_command_end EXECUTE FUNCTION spacecluster.on_ddl();
DROP EVENT TRIGGER IF EXISTS spacecluster_drop;
CREATE EVENT TRIGGER spacecluster_drop ON sql_drop EXECUTE FUNCTION spacecluster.on_drop();

-- Deletes are soft, and purges local (P6): neither is published.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = '${PUBLICATION}') THEN
    CREATE PUBLICATION ${PUBLICATION} FOR TABLES IN SCHEMA ${SCHEMA} WITH (publish = 'insert, update');
  END IF;
END $$;

-- Triggers written by an earlier version of these functions are written again.
SELECT spacecluster.attach(relation) FROM spacecluster.replicated JOIN pg_class ON oid = relation ORDER BY relkind = 'r', relation;
`;

const BODY = [SCHEMA_SQL, ROWS_SQL, TRIGGERS_SQL, TABLES_SQL, SEQUENCES_SQL, CHANGES_SQL, EVENT_TRIGGERS_SQL];

/** Tells one text of the base from another. */
export const BASE_VERSION = createHash('sha256').update(BODY.join('')).digest('hex').slice(0, 16);

/**
 * In database `space`, as one transaction. `spacecluster.node()` is a constant, so that no session can pretend to be
 * the other member, as it could with a setting.
 */
export function baseSql(node: number): string {
  const [schema = '', ...rest] = BODY;
  return [
    'BEGIN',
    // On tables in use: rather later than in the writers' way.
    "SET LOCAL lock_timeout = '5s'",
    'SET LOCAL event_triggers = off',
    'SET LOCAL client_min_messages = warning',
    schema,
    `CREATE OR REPLACE FUNCTION spacecluster.node() RETURNS smallint LANGUAGE sql IMMUTABLE RETURN ${node}::smallint`,
    `CREATE OR REPLACE FUNCTION spacecluster.base_version() RETURNS text LANGUAGE sql IMMUTABLE RETURN '${BASE_VERSION}'`,
    ...rest,
    'COMMIT',
  ].join(';\n');
}
