// The worker's application on a real MySQL server: sessions that outlive a worker, users, and the client that rides over
// a failover without losing or doubling an acknowledged change.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createApp } from '../../src/worker/app.ts';
import type { App } from '../../src/worker/app.ts';
import { usersApplication } from '../../src/worker/applications/users/application.ts';
import { Authenticator } from '../../src/worker/auth/authenticator.ts';
import { Sessions } from '../../src/worker/auth/sessions.ts';
import { Users } from '../../src/worker/auth/users.ts';
import { migrate } from '../../src/worker/database/migrations.ts';
import { MySql } from '../../src/worker/database/mysql.ts';
import { createAuthority, issue } from '../../src/spacecluster/pki.ts';
import { eventually, openBench, pause } from './kube-support.ts';
import type { Bench } from './kube-support.ts';
import { startMySql } from './worker-mysql.ts';
import type { TestMySql } from './worker-mysql.ts';

interface Worker {
  readonly app: App;
  readonly mysql: MySql;
}

jest.setTimeout(60_000);

let bench: Bench;
let server: TestMySql;
let admin = { username: 'super', password: 'first-password' };
const end = new AbortController();
const { signal } = end;
const workers: Worker[] = [];

async function startWorker(node: string): Promise<Worker> {
  const { log } = bench;
  const mysql = new MySql({ access: () => Promise.resolve(server.access), log });
  const users = new Users(mysql);
  const sessions = new Sessions(mysql, () => Promise.resolve('session-key'));
  const authenticator = new Authenticator(users, sessions);
  const application = usersApplication({
    users,
    sessions,
    authenticator,
    admin: () => Promise.resolve(admin),
    log,
    signal,
  });
  await eventually('the schema is there', 30_000, () =>
    migrate(mysql, application.migrations, log, signal).then(
      () => true,
      () => false,
    ),
  );
  const authority = await createAuthority('test', new Date());
  const pair = await issue(
    authority,
    { commonName: node, dnsNames: ['localhost'], ipAddresses: [] },
    new Date(),
  );
  const app = await createApp({
    node,
    version: 'test',
    certificate: { key: pair.key, cert: pair.certificate },
    applications: [application],
    authenticator,
    readiness: () => ({ ready: true, detail: '', databases: [] }),
    log,
    signal,
  });
  void application.run(signal);
  await eventually('the administrator is set up', 30_000, () => application.missing() === undefined);
  return { app, mysql };
}

const at = (index: number): Worker => {
  const worker = workers[index];
  if (worker === undefined) throw new Error(`no worker ${index}`);
  return worker;
};

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

const call = (
  worker: Worker,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  options: object = {},
) => worker.app.fastify.inject({ method, url: `/api/space${path}`, ...options });

async function login(worker: Worker, username = admin.username, password = admin.password) {
  const reply = await call(worker, 'POST', '/login', { payload: { username, password } });
  return { reply, cookies: { SPACESESSION: reply.cookies[0]?.value ?? '' } };
}

beforeAll(async () => {
  bench = await openBench('it-worker');
  server = await startMySql(bench);
  // All at once: the schema is still made once.
  workers.push(
    ...(await Promise.all([startWorker('worker-0'), startWorker('worker-1'), startWorker('worker-2')])),
  );
}, 240_000);

afterEach(() => {
  server.proxy.mode = 'pass';
});

afterAll(async () => {
  end.abort();
  for (const { app, mysql } of workers) {
    mysql.close();
    await app.fastify.close();
  }
  server.proxy.close();
  await bench.close();
});

describe('log-in', () => {
  it('refuses in problem documents who it does not know', async () => {
    const reply = await call(at(0), 'GET', '/user-management/users');
    expect(reply.statusCode).toBe(401);
    expect(reply.headers['content-type']).toContain('application/problem+json');
    expect(reply.headers['www-authenticate']).toContain('Basic');
    expect(reply.headers['x-space-node']).toBe('worker-0');
    expect(reply.json()).toMatchObject({
      status: 401,
      title: 'Unauthorized',
      instance: '/api/space/user-management/users',
    });
  });

  it('makes a session that every worker knows, and that no other site can use', async () => {
    const { reply, cookies } = await login(at(0));
    expect(reply.headers['set-cookie']).toMatch(/HttpOnly; Secure; SameSite=Strict/);
    expect((await call(at(1), 'GET', '/login', { cookies })).json()).toEqual({
      name: 'super',
      role: 'administrator',
    });
    const forged = await call(at(1), 'POST', '/logout', {
      cookies,
      headers: { origin: 'https://evil.example' },
    });
    expect(forged.statusCode).toBe(403);
    expect((await call(at(2), 'POST', '/logout', { cookies })).statusCode).toBe(204);
    expect((await call(at(0), 'GET', '/login', { cookies })).statusCode).toBe(401);
  });

  it('takes no cookie that it did not sign', async () => {
    const { cookies } = await login(at(0));
    const [id] = cookies.SPACESESSION.split('.');
    const reply = await call(at(0), 'GET', '/login', { cookies: { SPACESESSION: `${id}.AAAA` } });
    expect(reply.statusCode).toBe(401);
  });

  it('keeps no password and no session id in the database', async () => {
    const { cookies } = await login(at(0));
    const [id = ''] = cookies.SPACESESSION.split('.');
    const hex = Buffer.from(id).toString('hex');
    expect(await server.root(`SELECT COUNT(*) FROM space.sessions WHERE HEX(id_hash) LIKE '%${hex}%'`)).toBe(
      '0',
    );
    expect(await server.root(`SELECT password_hash FROM space.users WHERE name = 'super'`)).toMatch(
      /^\$argon2id\$/,
    );
  });

  it('slows down who guesses', async () => {
    const guesses = await Promise.all(
      Array.from({ length: 12 }, () => call(at(2), 'GET', '/login', { headers: basic('super', 'guess') })),
    );
    const codes = guesses.map((reply) => reply.statusCode);
    expect(codes.filter((code) => code === 401)).toHaveLength(6);
    expect(codes.filter((code) => code === 429)).toHaveLength(6);
  });

  it('follows the Secret of the administrator, and only when it changes', async () => {
    const headers = basic('super', 'by-hand-password');
    const changed = await call(at(0), 'PATCH', '/user-management/users/super', {
      headers: basic(admin.username, admin.password),
      payload: { password: 'by-hand-password' },
    });
    expect(changed.statusCode).toBe(200);
    await pause(11_000);
    expect((await call(at(0), 'GET', '/login', { headers })).statusCode).toBe(200);
    admin = { username: 'super', password: 'second-password' };
    await eventually(
      'the new password counts',
      20_000,
      async () => (await login(at(1))).reply.statusCode === 200,
    );
  });
});

describe('the interface', () => {
  it('describes itself by OpenAPI 3.1, without log-in', async () => {
    const reply = await at(0).app.fastify.inject({ method: 'GET', url: '/api/openapi.json' });
    const document = reply.json<{ openapi: string; paths: Record<string, object> }>();
    expect([reply.statusCode, document.openapi]).toEqual([200, '3.1.0']);
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/api/space/login', '/api/space/user-management/users/{name}']),
    );
  });

  it('answers what it does not have by a problem document', async () => {
    const reply = await at(0).app.fastify.inject({ method: 'GET', url: '/api/space/nothing?secret=1' });
    expect(reply.statusCode).toBe(404);
    expect(reply.json()).toMatchObject({ title: 'Not Found', instance: '/api/space/nothing' });
  });
});

describe('users', () => {
  it('are made, changed, listed and removed', async () => {
    const headers = basic(admin.username, admin.password);
    const payload = { name: 'ann', role: 'viewer', password: 'annspassword' };
    const made = await call(at(0), 'POST', '/user-management/users', { headers, payload });
    expect([made.statusCode, made.headers['location']]).toEqual([
      201,
      '/api/space/user-management/users/ann',
    ]);
    expect((await call(at(1), 'POST', '/user-management/users', { headers, payload })).statusCode).toBe(409);
    const ann = basic('ann', 'annspassword');
    expect((await call(at(1), 'GET', '/user-management/users', { headers: ann })).statusCode).toBe(403);
    const listed = await call(at(1), 'GET', "/user-management/users?filter=(role%20eq%20'viewer')", {
      headers,
    });
    expect(listed.json()).toMatchObject({ total: 1, items: [{ name: 'ann', disabled: false }] });
    const { cookies } = await login(at(0), 'ann', 'annspassword');
    await call(at(0), 'PATCH', '/user-management/users/ann', { headers, payload: { disabled: true } });
    expect((await call(at(1), 'GET', '/login', { cookies })).statusCode).toBe(401);
    expect((await call(at(0), 'DELETE', '/user-management/users/ann', { headers })).statusCode).toBe(204);
    expect((await call(at(0), 'GET', '/user-management/users/ann', { headers })).statusCode).toBe(404);
  });

  it('name what is wrong with a request', async () => {
    const headers = basic(admin.username, admin.password);
    const reply = await call(at(0), 'POST', '/user-management/users', {
      headers,
      payload: { name: 'a b', x: 1 },
    });
    expect(reply.statusCode).toBe(400);
    const fields = reply.json<{ errors: { field: string }[] }>().errors.map((error) => error.field);
    expect(fields).toEqual(expect.arrayContaining(['body/role', 'body/password', 'body/x', 'body/name']));
  });

  it('never lose the last administrator, not even to two at once', async () => {
    const headers = basic(admin.username, admin.password);
    const payload = { name: 'second', role: 'administrator', password: 'second-password' };
    await call(at(0), 'POST', '/user-management/users', { headers, payload });
    const replies = await Promise.all([
      call(at(0), 'PATCH', '/user-management/users/second', { headers, payload: { role: 'viewer' } }),
      call(at(1), 'PATCH', '/user-management/users/super', { headers, payload: { role: 'viewer' } }),
    ]);
    expect(new Set(replies.map((reply) => reply.statusCode))).toEqual(new Set([200, 409]));
    expect(await server.root("SELECT COUNT(*) FROM space.users WHERE role = 'administrator'")).toBe('1');
    await server.root("UPDATE space.users SET role = 'administrator'");
  });
});

describe('the MySQL client', () => {
  const insert = (mysql: MySql, name: string) =>
    mysql.write((session) => session.execute('INSERT IGNORE INTO ride (name) VALUES (?)', [name]), {
      signal,
      repeatable: true,
    });
  const count = (where: string) => server.root(`SELECT COUNT(*) FROM space.ride WHERE ${where}`);

  beforeAll(async () => {
    await server.root('CREATE TABLE IF NOT EXISTS space.ride (name VARCHAR(64) PRIMARY KEY)');
  });

  it.each<readonly [string, () => Promise<void>]>([
    [
      'every connection is cut, again and again',
      async () => {
        for (let cuts = 0; cuts < 10; cuts += 1) {
          await pause(200);
          server.proxy.cut();
        }
      },
    ],
    [
      'nobody listens for two seconds',
      async () => {
        server.proxy.mode = 'refuse';
        server.proxy.cut();
        await pause(2_000);
        server.proxy.mode = 'pass';
      },
    ],
    [
      'the server is read-only for two seconds',
      async () => {
        await server.root('SET GLOBAL super_read_only = ON');
        await pause(2_000);
        await server.root('SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF');
      },
    ],
    [
      'the server is fenced for two seconds',
      async () => {
        await server.root('SET GLOBAL offline_mode = ON');
        await pause(2_000);
        await server.root('SET GLOBAL offline_mode = OFF');
      },
    ],
    [
      'the old primary hangs and says nothing',
      async () => {
        server.proxy.mode = 'stall';
        await pause(1_000);
        // What the worker does when the role's record names a new primary.
        at(0).mysql.moved();
        server.proxy.mode = 'pass';
        server.proxy.cut();
      },
    ],
  ])(
    'rides over: %s',
    async (what, fault) => {
      const prefix = what.slice(0, 12);
      const running = { go: true };
      const acknowledged: string[] = [];
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let index = 0; running.go; index += 1) {
          const name = `${prefix}${writer}-${index}`;
          await insert(at(0).mysql, name);
          acknowledged.push(name);
        }
      });
      const more = (by: number) => {
        const from = acknowledged.length;
        return eventually('changes are acknowledged', 30_000, () => acknowledged.length >= from + by);
      };
      await more(4);
      await fault();
      await more(8);
      running.go = false;
      await Promise.all(writers);
      const rows = await at(1).mysql.read((session) => session.query('SELECT name FROM ride'), signal);
      const there = new Set(rows.map((row) => row['name']));
      expect(acknowledged.filter((name) => !there.has(name))).toEqual([]);
    },
    60_000,
  );

  it('repeats a change whose acknowledgement was lost only when it may be made twice', async () => {
    const lost = (name: string, repeatable: boolean) =>
      at(0).mysql.write(
        async (session) => {
          await session.execute('INSERT IGNORE INTO ride (name) VALUES (?)', [name]);
          server.proxy.swallowNextAnswer();
        },
        { signal, repeatable },
      );
    await expect(lost('once', false)).rejects.toMatchObject({
      code: 'SPC_ENGINE',
      fields: { outcome: 'unknown' },
    });
    expect(await count("name = 'once'")).toBe('1');
    let tries = 0;
    await at(0).mysql.write(
      async (session) => {
        tries += 1;
        await session.execute("INSERT IGNORE INTO ride (name) VALUES ('twice')");
        if (tries === 1) server.proxy.swallowNextAnswer();
      },
      { signal, repeatable: true },
    );
    expect([tries, await count("name = 'twice'")]).toEqual([2, '1']);
  });

  it('leaves nothing of a transaction that failed, and its connection clean', async () => {
    const failing = at(0).mysql.write(
      async (session) => {
        await session.execute("INSERT INTO ride (name) VALUES ('half')");
        throw new RangeError('changed my mind');
      },
      { signal, repeatable: true },
    );
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await count("name = 'half'")).toBe('0');
    await insert(at(0).mysql, 'after');
    expect(await count("name = 'after'")).toBe('1');
  });

  it('gives up within its bound, and says so', async () => {
    const mysql = new MySql({ access: () => Promise.resolve(server.access), log: bench.log, boundMs: 1_000 });
    server.proxy.mode = 'refuse';
    await expect(insert(mysql, 'never')).rejects.toMatchObject({ code: 'SPC_TIMEOUT' });
    mysql.close();
  });

  it('speaks to nobody who cannot prove to be the server', async () => {
    const authority = await createAuthority('another', new Date());
    const access = { ...server.access, ca: authority.certificate };
    const mysql = new MySql({ access: () => Promise.resolve(access), log: bench.log, boundMs: 500 });
    await expect(insert(mysql, 'never')).rejects.toThrow(/certificate/);
    mysql.close();
  });

  it('takes a server that lets nobody write for no primary', async () => {
    const mysql = new MySql({ access: () => Promise.resolve(server.access), log: bench.log });
    const { signal } = new AbortController();
    await mysql.check(signal);
    await server.root('SET GLOBAL super_read_only = ON');
    await expect(mysql.check(signal)).rejects.toThrow(/read-only/);
    await server.root('SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF');
    await mysql.check(signal);
    mysql.close();
  });

  it('goes to the address it is told, and holds it to the name', async () => {
    const clientOf = (host: string): MySql => {
      const access = { ...server.access, host, address: '127.0.0.1' };
      return new MySql({ access: () => Promise.resolve(access), log: bench.log, boundMs: 500 });
    };
    const [rightful, impostor] = [clientOf('localhost'), clientOf('primary.invalid')];
    await insert(rightful, 'by address');
    expect(await count("name = 'by address'")).toBe('1');
    await expect(insert(impostor, 'never')).rejects.toThrow(/certificate/);
    rightful.close();
    impostor.close();
  });

  it('uses a rotated password from the next connection on', async () => {
    const next = { ...server.access, password: 'rotated-password' };
    let current = server.access;
    const mysql = new MySql({ access: () => Promise.resolve(current), log: bench.log });
    await insert(mysql, 'before rotation');
    await server.root(`ALTER USER space IDENTIFIED BY '${next.password}'`);
    mysql.moved();
    const waiting = insert(mysql, 'after rotation');
    await pause(500);
    current = next;
    await waiting;
    await server.root(`ALTER USER space IDENTIFIED BY '${server.access.password}'`);
    mysql.close();
  });
});
