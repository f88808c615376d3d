// The queries by which an agent looks at a member, and the reading of their answers. The first runs at home and on the peer.
import { EngineError } from '../../../errors.ts';
import { APPLICATION_USER, PUBLICATION } from '../names.ts';
import type { MemberState, Slot, Subscription } from '../observation.ts';
import type { Row } from '../admin.ts';

/** One row with one JSON object. Byte positions travel as text: they may pass 2^53. */
export const STATE_SQL = `
SELECT json_build_object(
  'systemIdentifier', (SELECT system_identifier::text FROM pg_control_system()),
  'base', spacecluster.base_version(),
  'started', extract(epoch FROM pg_postmaster_start_time())::text,
  'pair', m.pair,
  'admitted', coalesce(m.admitted = pg_postmaster_start_time(), false),
  'changes', spacecluster.changes_hash(),
  'wal', (pg_current_wal_insert_lsn() - '0/0')::text,
  'tables', (SELECT coalesce(json_agg(schemaname || '.' || tablename ORDER BY schemaname || '.' || tablename COLLATE "C"), '[]')
    FROM pg_publication_tables WHERE pubname = '${PUBLICATION}'),
  'subscriptions', (SELECT coalesce(json_agg(json_build_object(
      'name', s.subname,
      'enabled', s.subenabled,
      'running', EXISTS (SELECT FROM pg_stat_subscription w WHERE w.subid = s.oid AND w.worker_type = 'apply' AND w.pid IS NOT NULL),
      'tables', (SELECT coalesce(json_agg(n.nspname || '.' || c.relname ORDER BY n.nspname || '.' || c.relname COLLATE "C"), '[]')
        FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE r.srsubid = s.oid),
      'pending', (SELECT count(*) FROM pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r'))), '[]')
    FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()),
  'slots', (SELECT coalesce(json_agg(json_build_object(
      'name', slot_name,
      'active', active,
      'confirmed', (confirmed_flush_lsn - '0/0')::text,
      'lost', wal_status = 'lost' OR invalidation_reason IS NOT NULL)), '[]')
    FROM pg_replication_slots WHERE slot_type = 'logical')
) AS state FROM spacecluster.member m`;

/** At home only: what the superuser may see. */
export const SETTINGS_SQL = `
SELECT (SELECT rolpassword FROM pg_authid WHERE rolname = '${APPLICATION_USER}') AS verifier,
  (extract(epoch FROM pg_conf_load_time()) * 1000)::float8 AS loaded,
  (SELECT coalesce(json_object_agg(subname, subconninfo), '{}') FROM pg_subscription) AS connections,
  (SELECT coalesce(json_object_agg(key, total), '{}') FROM (SELECT c.key, sum(c.value::bigint)::float8 AS total
    FROM pg_stat_subscription_stats s, jsonb_each_text(to_jsonb(s)) c WHERE c.key ~ '^confl_|_error_count$' GROUP BY c.key) counts) AS conflicts`;

export const CHANGE_NAMES_SQL =
  'SELECT name, md5(statement) AS hash FROM spacecluster.change ORDER BY position';

export const CHANGES_SQL = `
SELECT name, statement, search_path FROM spacecluster.change WHERE name = ANY ($1) ORDER BY position`;

/** SQLSTATEs that say that our base, or the database, is not there (or older than this query). */
const BARE: ReadonlySet<unknown> = new Set(['3D000', '3F000', '42883', '42P01', '42703']);

export function isBare(error: unknown): boolean {
  return error instanceof EngineError && BARE.has(error.fields['sqlstate']);
}

interface WireSlot extends Omit<Slot, 'confirmed'> {
  readonly confirmed: string | null;
}

interface WireState extends Omit<MemberState, 'wal' | 'slots' | 'pair'> {
  readonly pair: string | null;
  readonly wal: string;
  readonly subscriptions: readonly Subscription[];
  readonly slots: readonly WireSlot[];
}

/** @throws EngineError when the member's own row is missing */
export function parseState(rows: readonly Row[]): MemberState {
  const wire = rows[0]?.['state'] as WireState | undefined;
  if (wire === undefined) throw new EngineError('postgresql: spacecluster.member has no row');
  return {
    ...wire,
    pair: wire.pair ?? undefined,
    wal: BigInt(wire.wal),
    slots: wire.slots.map((slot) => ({ ...slot, confirmed: BigInt(slot.confirmed ?? '0') })),
  };
}
