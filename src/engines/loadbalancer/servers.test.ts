import { describe, expect, test } from '@jest/globals';
import type { Member } from './config.ts';
import { commandsFor, parseServers } from './servers.ts';
import type { Server } from './servers.ts';

/** As HAProxy 3.2 answers `show servers state`. */
const ANSWER = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port
3 workers 1 demo-worker-0 10.1.0.1 2 0 1 1 15 15 3 3 6 0 0 0 - 8443 - 1 0 - - 0
3 workers 2 demo-worker-1 10.1.0.2 0 1 1 1 14 5 2 0 6 0 0 0 - 8443 - 1 0 - - 0
`;

function member(ordinal: number, change: Partial<Member> = {}): Member {
  return { name: `demo-worker-${ordinal}`, address: `10.1.0.${ordinal + 1}`, accepts: true, ...change };
}

function servers(members: readonly Member[], change: Partial<Server> = {}): readonly Server[] {
  return [
    { name: 'workers', port: 8443 },
    { name: 'call-home', port: 4334 },
    { name: 'device-init', port: 7804 },
  ].flatMap((backend) =>
    members.map(({ name, address }) => ({
      backend: backend.name,
      name,
      address,
      port: backend.port,
      up: true,
      maintenance: false,
      ...change,
    })),
  );
}

function commands(members: readonly Member[], present: readonly Server[]): readonly string[] {
  return commandsFor(members, present, 'demo', 'space');
}

describe('what HAProxy has', () => {
  test('is read by the names of the columns', () => {
    expect(parseServers(ANSWER)).toEqual([
      {
        backend: 'workers',
        name: 'demo-worker-0',
        address: '10.1.0.1',
        port: 8443,
        up: true,
        maintenance: false,
      },
      {
        backend: 'workers',
        name: 'demo-worker-1',
        address: '10.1.0.2',
        port: 8443,
        up: false,
        maintenance: true,
      },
    ]);
    expect(parseServers('')).toEqual([]);
  });
});

describe('what it is told', () => {
  test('nothing when all is as wanted', () => {
    expect(commands([member(0), member(1)], servers([member(0), member(1)]))).toEqual([]);
  });

  test('a new worker joins every backend, is checked, and takes nothing before its first check', () => {
    const told = commands([member(0)], []);
    expect(told).toHaveLength(9);
    expect(told.slice(0, 3)).toEqual([
      'add server workers/demo-worker-0 10.1.0.1:8443 cookie demo-worker-0 ssl verify required ' +
        'ca-file /etc/spacecluster/member-tls/ca.crt verifyhost demo-workers.space.svc sni str(demo-workers.space.svc) ' +
        'check port 8081 fall 3 rise 2 fastinter 250ms downinter 500ms init-state down inter 500ms',
      'enable health workers/demo-worker-0',
      'enable server workers/demo-worker-0',
    ]);
    expect(told[3]).toMatch(/^add server call-home\/demo-worker-0 10\.1\.0\.1:4334 check port 8081 /);
  });

  test('a worker that ends or is dead is taken out, and comes back', () => {
    const ending = member(0, { accepts: false });
    expect(commands([ending], servers([member(0)]))).toContain(
      'set server workers/demo-worker-0 state maint',
    );
    expect(commands([ending], servers([member(0)], { maintenance: true }))).toEqual([]);
    expect(commands([member(0)], servers([member(0)], { maintenance: true }))).toContain(
      'set server workers/demo-worker-0 state ready',
    );
  });

  test('a worker that was made anew keeps its name, and has to pass its checks again', () => {
    const told = commands([member(0, { address: '10.1.0.9' })], servers([member(0)]));
    expect(told.slice(0, 2)).toEqual([
      'set server workers/demo-worker-0 addr 10.1.0.9 port 8443',
      'set server workers/demo-worker-0 health down',
    ]);
  });

  test('a leaver is taken out first and deleted afterwards', () => {
    const present = servers([member(0), member(1)]);
    expect(commands([member(0)], present)).toContain('set server workers/demo-worker-1 state maint');
    const out = [...servers([member(0)]), ...servers([member(1)], { maintenance: true })];
    expect(commands([member(0)], out).slice(0, 2)).toEqual([
      'shutdown sessions server workers/demo-worker-1',
      'del server workers/demo-worker-1',
    ]);
  });

  test('an empty list is not believed', () => {
    expect(commands([], servers([member(0)]))).toEqual([]);
  });
});
