// The member's gauges, in Prometheus' text format (pure). Lag and bytes are here only, never in status.
import type { AuditResult } from './audit.ts';
import { serves } from './decide.ts';
import { linkFrom } from './link.ts';
import { slotTo, subscriberOf } from './names.ts';
import type { Observation } from './observation.ts';

export function metrics(seen: Observation | undefined, audit: AuditResult | undefined): string {
  if (seen === undefined) return '';
  const own = seen.local.kind === 'up' ? seen.local.state : undefined;
  const peer = seen.remote.kind === 'up' ? seen.remote.state : undefined;
  const link = own === undefined || peer === undefined ? undefined : linkFrom(peer, own);
  const slot =
    own === undefined ? undefined : peer?.slots.find(({ name }) => name === slotTo(own.systemIdentifier));
  const kept = own?.slots.find(({ name }) => subscriberOf(name) !== undefined);
  return [
    gauge('serving', 'May clients be sent to this member?', serves(seen) ? 1 : 0),
    gauge('server_up', 'Does the server answer its agent?', own === undefined ? 0 : 1),
    gauge('peer_up', 'Does the server of the peer answer?', peer === undefined ? 0 : 1),
    gauge('link_running', 'Does the link from the peer run?', link?.running === true ? 1 : 0),
    gauge('link_tables_pending', 'Tables still being copied from the peer', link?.pending),
    gauge('link_lag_bytes', 'WAL of the peer that is not applied here yet', lag(peer?.wal, slot?.confirmed)),
    gauge('retained_wal_bytes', 'WAL kept here for the peer', lag(own?.wal, kept?.confirmed)),
    conflicts(seen.settings.conflicts),
    ...(audit === undefined ? [] : auditMetrics(audit)),
  ].join('');
}

/** PostgreSQL counts from the start of its statistics: a rebuilt member begins at 0, as counters may. */
function conflicts(counts: Readonly<Record<string, number>>): string {
  const name = 'spacecluster_postgresql_link_conflicts_total';
  const lines = Object.entries(counts).map(
    ([type, count]) => `${name}{type="${type.replace(/^confl_/, '')}"} ${count}\n`,
  );
  if (lines.length === 0) return '';
  const help = 'Conflicts and errors that the link from the peer met, by kind';
  return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join('')}`;
}

function auditMetrics(audit: AuditResult): readonly string[] {
  return [
    gauge('audit_completed_timestamp_seconds', 'End of the last audit', Date.parse(audit.at) / 1_000),
    gauge('audit_duration_seconds', 'Duration of the last audit', audit.seconds),
    gauge('audit_tables', 'Tables that the last audit compared', audit.tables),
    gauge('audit_rows', 'Rows of the peer that the last audit compared', audit.rows),
    gauge('audit_rows_differing', 'Of those, rows that differed here', audit.differing),
    gauge('audit_rows_repaired', 'Of those, rows that were brought in line', audit.repaired),
    gauge('audit_rows_left', 'Of those, rows that still are behind', audit.left),
  ];
}

function lag(end: bigint | undefined, confirmed: bigint | undefined): number | undefined {
  if (end === undefined || confirmed === undefined) return undefined;
  return end > confirmed ? Number(end - confirmed) : 0;
}

/** Nothing where the value is not known: a made-up 0 would look well. */
function gauge(name: string, help: string, value: number | undefined): string {
  if (value === undefined) return '';
  const full = `spacecluster_postgresql_${name}`;
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${full} ${value}\n`;
}
