// The queries of the audit: slices of a table by its key, the rows of one slice, what is behind here, and the repair (P1).
import type { Row } from '../admin.ts';

/** A name as it stands in SQL, quoted where it has to be, and its type. */
export interface Column {
  readonly ident: string;
  readonly type: string;
}

/** A replicated table, or a partition, as both members have it. */
export interface Table {
  /** Qualified and quoted. */
  readonly relation: string;
  readonly keys: readonly Column[];
  /** All that are sent between the members, in an order that does not depend on how the table came about. */
  readonly columns: readonly Column[];
}

/** A key's values in the text form of their types. */
export type Key = readonly string[];

/** One version of a row: enough to tell which of two is newer, or that they are different. */
export interface Version {
  readonly key: Key;
  readonly at: string;
  readonly node: number;
  readonly hash: string;
}

export interface Slice {
  readonly rows: number;
  readonly hash: string;
  /** The last key in it; undefined when it is empty. */
  readonly last: Key | undefined;
}

/** Text must mean the same on both members, whatever their or the database's settings are. As in `spacecluster.row_hash`. */
export const AUDIT_SETTINGS_SQL = `SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601';
SET extra_float_digits = 1; SET bytea_output = 'hex'; SET xmloption = 'content'; SET lc_monetary = 'C'`;

export const AUDIT_TABLES_SQL = `
SELECT p.relation::text AS relation,
  (SELECT json_agg(json_build_object('ident', format('%I', a.attname), 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY k.position)
    FROM unnest(spacecluster.keys_of(p.relation)) WITH ORDINALITY AS k (name, position)
    JOIN pg_attribute a ON a.attrelid = p.relation AND a.attname = k.name) AS keys,
  (SELECT json_agg(json_build_object('ident', format('%I', a.attname), 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attname COLLATE "C")
    FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
FROM (SELECT format('%I.%I', schemaname, tablename)::regclass AS relation FROM pg_publication_tables WHERE pubname = $1) p
ORDER BY 1`;

/** Byte position of the end of the peer's WAL, after everything that can be read there now. */
export const WAL_END_SQL = "SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS wal";

/** Byte position up to which the subscriber of a slot has applied and kept everything. */
export const CONFIRMED_SQL =
  "SELECT (confirmed_flush_lsn - '0/0')::text AS confirmed FROM pg_replication_slots WHERE slot_name = $1";

/** Rows and hash of the first `limit` rows after a key ($1...), or from the start of the table. */
export function sliceSql(table: Table, after: Key | undefined, limit: number): string {
  return `WITH slice AS MATERIALIZED (
  SELECT ${idents(table.keys)}, ${hash(table, 't')} AS "#hash" FROM ${table.relation} t
  ${after === undefined ? '' : `WHERE ${beyond(table, '>', 1)}`} ORDER BY ${idents(table.keys)} LIMIT ${limit})
SELECT (SELECT count(*)::int FROM slice) AS rows, (SELECT coalesce(sum("#hash"::numeric), 0)::text FROM slice) AS hash,
  (SELECT ARRAY[${table.keys.map(({ ident }) => `${ident}::text`).join(', ')}] FROM slice
    ORDER BY ${table.keys.map(({ ident }) => `${ident} DESC`).join(', ')} LIMIT 1) AS last`;
}

/** Rows and hash between two keys: after the first ($1...), if there is one, up to and with the last. */
export function rangeSql(table: Table, after: Key | undefined): string {
  return `SELECT count(*)::int AS rows, coalesce(sum(${hash(table, 't')}::numeric), 0)::text AS hash
FROM ${table.relation} t WHERE ${between(table, after)}`;
}

/** The versions of the same rows, one each. */
export function versionsSql(table: Table, after: Key | undefined): string {
  return `SELECT ARRAY[${table.keys.map(({ ident }) => `t.${ident}::text`).join(', ')}] AS key,
  t.space_at::text AS at, t.space_node::int AS node, ${hash(table, 't')}::text AS hash
FROM ${table.relation} t WHERE ${between(table, after)}`;
}

/**
 * Which of the peer's versions are not here: the row is missing, older, or another one of the same stamp. A key column's
 * values are one array each ($1...), then the stamps' times and nodes and the hashes. Answers with positions from 1.
 */
export function behindSql(table: Table): string {
  const arrays = [...table.keys.map(() => 'text[]'), 'text[]', 'int[]', 'text[]'];
  return `SELECT v.position::int AS position,
  CASE WHEN t.space_node IS NULL THEN 'missing' WHEN (t.space_at, t.space_node) < (v.at::timestamptz, v.node) THEN 'older' ELSE 'tied' END AS kind
FROM unnest(${arrays.map((type, n) => `$${n + 1}::${type}`).join(', ')}) WITH ORDINALITY
  AS v (${table.keys.map((_, n) => `k${n}`).join(', ')}, at, node, hash, position)
LEFT JOIN ${table.relation} t ON ${table.keys.map(({ ident, type }, n) => `t.${ident} = v.k${n}::${type}`).join(' AND ')}
WHERE t.space_node IS NULL OR (t.space_at, t.space_node) < (v.at::timestamptz, v.node)
  OR (t.space_at, t.space_node) = (v.at::timestamptz, v.node) AND ${hash(table, 't')} <> v.hash::bigint
ORDER BY 1`;
}

/** Whole rows by their keys, each as the text of its values. */
export function rowsSql(table: Table): string {
  const keys = table.keys.map((_, n) => `$${n + 1}::text[]`).join(', ');
  return `SELECT ARRAY[${table.columns.map(({ ident }) => `t.${ident}::text`).join(', ')}] AS values
FROM unnest(${keys}) AS v (${table.keys.map((_, n) => `k${n}`).join(', ')})
JOIN ${table.relation} t ON ${table.keys.map(({ ident, type }, n) => `t.${ident} = v.k${n}::${type}`).join(' AND ')}`;
}

/**
 * Rows of the peer arrive here as the link would have brought them: in a session of the replica role the stamps are kept, and
 * the trigger of arriving rows decides, so that nothing newer is ever overwritten (P5). A column's values are one array each.
 */
export function repairSql(table: Table): string {
  const arrays = table.columns.map((_, n) => `$${n + 1}::text[]`).join(', ');
  return `INSERT INTO ${table.relation} (${idents(table.columns)}) OVERRIDING SYSTEM VALUE
SELECT ${table.columns.map(({ type }, n) => `v.c${n}::${type}`).join(', ')}
FROM unnest(${arrays}) AS v (${table.columns.map((_, n) => `c${n}`).join(', ')})`;
}

export function parseTables(rows: readonly Row[]): readonly Table[] {
  return rows.map((row) => ({
    relation: String(row['relation']),
    keys: row['keys'] as readonly Column[],
    columns: row['columns'] as readonly Column[],
  }));
}

export function parseSlice(rows: readonly Row[]): Slice {
  const [row] = rows;
  return {
    rows: Number(row?.['rows']),
    hash: String(row?.['hash']),
    last: (row?.['last'] as Key | null | undefined) ?? undefined,
  };
}

export function parseVersions(rows: readonly Row[]): readonly Version[] {
  return rows.map((row) => ({
    key: row['key'] as Key,
    at: String(row['at']),
    node: Number(row['node']),
    hash: String(row['hash']),
  }));
}

/** One array a field, as `unnest` takes them. */
export function columnsOf<T>(rows: readonly (readonly T[])[], width: number): readonly (readonly T[])[] {
  return Array.from({ length: width }, (_, column) => rows.map((row) => row[column] as T));
}

function idents(columns: readonly Column[]): string {
  return columns.map(({ ident }) => ident).join(', ');
}

/** Of the text, because not every type can be hashed; equal on both members by AUDIT_SETTINGS_SQL. */
function hash({ columns }: Table, alias: string): string {
  return `hashtextextended(ROW(${columns.map(({ ident }) => `${alias}.${ident}`).join(', ')})::text, 0)`;
}

function beyond({ keys }: Table, operator: '>' | '<=', first: number): string {
  const left = keys.map(({ ident }) => `t.${ident}`).join(', ');
  const right = keys.map(({ type }, n) => `$${first + n}::text::${type}`).join(', ');
  return `(${left}) ${operator} (${right})`;
}

function between(table: Table, after: Key | undefined): string {
  if (after === undefined) return beyond(table, '<=', 1);
  return `${beyond(table, '>', 1)} AND ${beyond(table, '<=', 1 + table.keys.length)}`;
}
