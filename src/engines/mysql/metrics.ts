// What the agent tells Prometheus of its member. Pure.
import { countGtids, parseGtids, subtractGtids } from './gtid.ts';
import type { View } from './view.ts';

export function renderMetrics(view: View | undefined): string {
  if (view === undefined) return '';
  const { record, engine, history, now } = view;
  const lines: string[] = [];
  const gauge = (name: string, help: string, value: number): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`);
  };
  gauge(
    'spacecluster_mysql_primary',
    'Whether this member holds the role.',
    Number(record?.holder === view.self),
  );
  gauge('spacecluster_mysql_epoch', 'Epoch of the role.', record?.epoch ?? 0);
  gauge(
    'spacecluster_mysql_copies',
    'Members recorded to hold every acknowledged commit.',
    record?.copies.length ?? 0,
  );
  gauge('spacecluster_mysql_up', 'Whether mysqld runs and answers.', Number(engine.kind === 'running'));
  if (engine.kind === 'running') {
    const retrieved = parseGtids(engine.replica?.retrieved ?? '');
    gauge('spacecluster_mysql_writable', 'Whether mysqld takes writes.', Number(engine.writable));
    gauge(
      'spacecluster_mysql_semi_sync',
      'Whether commits wait for the standby.',
      Number(engine.semiSync.on),
    );
    gauge(
      'spacecluster_mysql_waiting_sessions',
      'Commits that wait for an acknowledgement.',
      engine.semiSync.waiting,
    );
    gauge(
      'spacecluster_mysql_unapplied_transactions',
      'Transactions received and not applied yet.',
      countGtids(subtractGtids(retrieved, parseGtids(engine.executed))),
    );
    gauge(
      'spacecluster_mysql_ack_stalled_seconds',
      'How long no acknowledgement has come though commits wait.',
      history.stalled === undefined ? 0 : (now - history.stalled) / 1_000,
    );
  }
  return `${lines.join('\n')}\n`;
}
