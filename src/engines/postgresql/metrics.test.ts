import { expect, test } from '@jest/globals';
import { metrics } from './metrics.ts';
import { NO_SETTINGS } from './observation.ts';
import { observation } from './testing.ts';

const AUDIT = {
  at: '2026-11-22T00:00:00.000Z',
  tables: 2,
  rows: 10,
  differing: 3,
  repaired: 2,
  left: 1,
  seconds: 4,
};

test('conflicts are counters by kind, and the last audit is told once there is one', () => {
  const conflicts = { confl_update_missing: 7, apply_error_count: 0 };
  const text = metrics(observation({ settings: { ...NO_SETTINGS, conflicts } }), AUDIT);
  expect(text).toContain('# TYPE spacecluster_postgresql_link_conflicts_total counter\n');
  expect(text).toContain('spacecluster_postgresql_link_conflicts_total{type="update_missing"} 7\n');
  expect(text).toContain('spacecluster_postgresql_link_conflicts_total{type="apply_error_count"} 0\n');
  expect(text).toContain('spacecluster_postgresql_audit_rows_left 1\n');
  expect(text).toContain(`audit_completed_timestamp_seconds ${Date.UTC(2026, 10, 22) / 1_000}\n`);
  expect(metrics(observation(), undefined)).not.toMatch(/conflicts|audit/);
  expect(metrics(undefined, undefined)).toBe('');
});
