// my.cnf, line by line: a changed line is a changed guarantee. And the supervisor's script is one that bash accepts.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { timingOf } from '../../agent/timing.ts';
import { INIT_SQL, PASSWD, serverConfig } from './config.ts';
import { SUPERVISOR_SCRIPT } from './supervisor-script.ts';

const MEBI = 1_048_576;

describe('my.cnf', () => {
  const settings = new Map(
    serverConfig(768 * MEBI)
      .split('\n')
      .filter((line) => line.includes('=') && !line.startsWith('#'))
      .map((line) => {
        const [key = '', ...value] = line.split('=');
        return key === 'plugin_load_add' ? [line, ''] : [key, value.join('=')];
      }),
  );

  it('starts every server closed (M1)', () => {
    for (const key of ['read_only', 'super_read_only', 'offline_mode', 'skip_replica_start']) {
      expect([key, settings.get(key)]).toEqual([key, 'ON']);
    }
  });

  it('has every commit on disk before it is acknowledged, here and there (M5)', () => {
    expect(settings.get('sync_binlog')).toBe('1');
    expect(settings.get('innodb_flush_log_at_trx_commit')).toBe('1');
    expect(settings.get('sync_relay_log')).toBe('1');
    expect(settings.get('relay_log_recovery')).toBe('OFF');
    expect(settings.get('loose_rpl_semi_sync_source_wait_point')).toBe('AFTER_SYNC');
    expect(settings.get('loose_rpl_semi_sync_source_wait_no_replica')).toBe('ON');
    expect(settings.get('loose_rpl_semi_sync_source_timeout')).toBe('4294967295');
  });

  it('leaves the standby two events of a transaction to sync, not five', () => {
    expect(settings.get('binlog_transaction_compression')).toBe('ON');
  });

  it('does not connect anew to a lost source before the standby can take over: stopping the receiver would wait for that', () => {
    const silentMs = Number(settings.get('replica_net_timeout')) * 1000;
    expect(silentMs).toBeGreaterThan(
      timingOf('Safe', 'candidate').durationMs + timingOf('Safe', 'candidate').periodMs,
    );
    expect(silentMs).toBeLessThan(timingOf('Relaxed', 'candidate').durationMs);
  });

  it('loads what replication, cloning and the agent need', () => {
    for (const plugin of ['auth_socket', 'rpl_semi_sync_source', 'rpl_semi_sync_replica', 'clone']) {
      expect([...settings.keys()].some((line) => line.startsWith(`plugin_load_add=${plugin}=`))).toBe(true);
    }
  });

  it.each([
    [100, 128],
    [768, 384],
    [4096, 2048],
  ])('gives half of %i MiB to the buffer pool', (memory, pool) => {
    expect(serverConfig(memory * MEBI)).toContain(`innodb_buffer_pool_size=${pool * MEBI}\n`);
  });

  it('holds no password', () => {
    expect(`${serverConfig(MEBI)}${INIT_SQL}${PASSWD}`).not.toMatch(/IDENTIFIED BY|password=/i);
  });
});

describe('the supervisor', () => {
  it('is a script that bash accepts', () => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: SUPERVISOR_SCRIPT, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });

  it('has killed mysqld when it is gone, by one signal', () => {
    const obey = SUPERVISOR_SCRIPT.slice(
      SUPERVISOR_SCRIPT.indexOf('\nobey()'),
      SUPERVISOR_SCRIPT.indexOf('\n# The kubelet'),
    );
    const input = `RUN=$(mktemp -d) pid=7 kill_id= done_id= job=
      kill_engine() { echo killed; }
      report() { echo "done $done_id"; }
      echo 'one kill' >"$RUN/command"
      ${obey}
      obey; obey; echo "$done_id gone"; pid=
      obey; obey; rm -r "$RUN"`;
    const { stdout } = spawnSync('bash', ['-u'], { input, encoding: 'utf8' });
    expect(stdout.trim().split('\n')).toEqual(['killed', ' gone', 'done one']);
  });

  it('keeps time with builtins only', () => {
    const tick = SUPERVISOR_SCRIPT.slice(
      SUPERVISOR_SCRIPT.indexOf('\noverdue()'),
      SUPERVISOR_SCRIPT.indexOf('\narmed()'),
    );
    expect(tick).not.toMatch(/\b(cat|date|sleep|cut|awk|sed)\b|\$\(/);
  });
});
