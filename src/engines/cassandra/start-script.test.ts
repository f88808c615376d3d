// The start script, run by bash with a launcher that only tells how it would have started. Its peers are real listening ports.
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PORTS } from '../../api/v1alpha1/names.ts';
import { CONF_DIR, DATA_DIR, STORAGE_PORT } from './config.ts';
import { JOINED_PROBE, START_SCRIPT } from './start-script.ts';

const run = promisify(execFile);
const MEMBERS = ['c-r1-0', 'c-r2-0', 'c-r3-0', 'c-r1-1'];

let root: string;
const servers: Server[] = [];

/** A launcher that prints what it was given; names resolve to a loopback address for each member. */
async function prepare(): Promise<void> {
  for (const folder of ['bin', 'conf', 'data', 'etc/cassandra', 'etc/state', 'etc/tls', 'image']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  const tool = async (name: string, body: string): Promise<void> => {
    await writeFile(join(root, 'bin', name), `#!/bin/bash\n${body}\n`);
    await chmod(join(root, 'bin', name), 0o755);
  };
  await tool('cassandra', `cat "$CASSANDRA_CONF/cassandra.yaml"; echo "options:$JVM_EXTRA_OPTS"`);
  await tool('getent', `echo "$POD_IP STREAM $2"`);
  await writeFile(join(root, 'etc/cassandra/members'), `${MEMBERS.join('\n')}\n`);
  await writeFile(join(root, 'etc/cassandra/cassandra.yaml'), 'cluster_name: x\n');
  for (const file of ['tls.key', 'tls.crt', 'ca.crt']) await writeFile(join(root, 'etc/tls', file), file);
}

/** The script with its fixed folders below `root`, and members found at 127.9.9.N instead of by DNS. */
function script(text: string): string {
  return text
    .replaceAll('/etc/spacecluster/', `${root}/etc/`)
    .replaceAll(DATA_DIR, `${root}/data`)
    .replaceAll('/etc/cassandra/.', `${root}/image/.`)
    .replace(
      'name_of() { echo "$1.$DOMAIN"; }',
      `name_of() { local i=0 m; for m in "\${members[@]}"; do i=$((i+1)); [[ $m != "$1" ]] || echo "127.9.9.$i"; done; }`,
    );
}

interface Started {
  readonly yaml: string;
  readonly options: string;
}

async function start(pod: string, timeout = 20_000): Promise<Started> {
  const { stdout } = await run('bash', ['-c', script(START_SCRIPT)], {
    timeout,
    env: {
      PATH: `${root}/bin:${process.env['PATH'] ?? ''}`,
      POD_NAME: pod,
      POD_IP: `127.9.9.${MEMBERS.indexOf(pod) + 1}`,
      RACK: pod.slice(2, 4),
      DOMAIN: 'members.ns.svc',
      CASSANDRA_CONF: `${root}/conf`,
    },
  });
  const [yaml = '', options = ''] = stdout.split('options:');
  return { yaml, options: options.trim() };
}

async function listen(pod: string, port: number): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, `127.9.9.${MEMBERS.indexOf(pod) + 1}`, resolve);
  });
}

const record = (text: string) => writeFile(join(root, 'etc/state/cassandra'), text);
const FORMED = '{"addresses":{"c-r1-0":"10.1.1.1","c-r2-0":"10.1.1.2","c-r3-0":"10.1.1.3"},"settled":""}';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'start-script-'));
  await prepare();
});

afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rm(root, { recursive: true, force: true });
});

describe('start script', () => {
  it('begins anew with an empty disk where it was decommissioned, once the record no longer names it', async () => {
    await writeFile(join(root, 'data/left'), '');
    await mkdir(join(root, 'data/data'));
    await record(FORMED.replace('c-r3-0', 'c-r1-1'));
    for (const pod of MEMBERS.slice(0, 3)) await listen(pod, PORTS.cassandra);
    await expect(start('c-r1-1', 2_500)).rejects.toThrow();
    expect((await readdir(join(root, 'data'))).toSorted()).toEqual(['data', 'left']);
    await record(FORMED);
    expect(await start('c-r1-1')).toMatchObject({
      yaml: expect.stringContaining('auto_bootstrap: true') as unknown,
      options: '',
    });
    expect(await readdir(join(root, 'data'))).toEqual([]);
  });

  it('begins with a clean configuration when its container is started again', async () => {
    await writeFile(join(root, 'data/joined'), '');
    await writeFile(join(root, 'conf/truststore.pem'), 'of the last container');
    await writeFile(join(root, 'conf/left-over'), '');
    await chmod(join(root, 'conf/truststore.pem'), 0o440);
    await start('c-r1-0');
    expect(await readFile(join(root, 'conf/truststore.pem'), 'utf8')).toBe('ca.crt');
    await expect(readFile(join(root, 'conf/left-over'))).rejects.toThrow('ENOENT');
  });

  it('is sound bash', async () => {
    await run('bash', ['-n', '-c', START_SCRIPT]);
    await run('bash', ['-n', '-c', JOINED_PROBE]);
    expect(START_SCRIPT).not.toContain('undefined');
    expect(CONF_DIR).toMatch(/^\/run\//);
  });

  it('forms a ring: the first of all, no record, no peer', async () => {
    const { yaml, options } = await start('c-r1-0');
    expect(yaml).toContain('seeds: "127.9.9.1"');
    expect(yaml).toContain('auto_bootstrap: true');
    expect(options).toContain('superuser_setup_delay_ms=0');
  });

  it('joins a ring that is being formed with nothing to stream', async () => {
    await listen('c-r1-0', STORAGE_PORT);
    const { yaml } = await start('c-r3-0');
    expect(yaml).toContain('seeds: "127.9.9.1"');
    expect(yaml).toContain('auto_bootstrap: false');
  });

  it('never forms a second ring beside peers that answer', async () => {
    await listen('c-r2-0', STORAGE_PORT);
    const { yaml } = await start('c-r1-0');
    expect(yaml).toContain('seeds: "127.9.9.2,127.9.9.3"');
    expect(yaml).toContain('auto_bootstrap: false');
  });

  it('starts with its data, as one of the seeds, once it has joined', async () => {
    await writeFile(join(root, 'data/joined'), '');
    await record(FORMED);
    const { yaml, options } = await start('c-r1-0');
    expect(yaml).toContain('seeds: "127.9.9.1,127.9.9.2,127.9.9.3"');
    expect(options).toBe('');
  });

  it('takes its old place when its data is gone, and is not its own seed', async () => {
    await record(FORMED);
    await listen('c-r2-0', PORTS.cassandra);
    const { yaml, options } = await start('c-r1-0');
    expect(yaml).toContain('seeds: "127.9.9.2,127.9.9.3"');
    expect(options).toBe('-Dcassandra.replace_address_first_boot=10.1.1.1');
  });

  it('with its data gone waits for a peer that serves: it forms no ring even as the first of all', async () => {
    await record(FORMED);
    await listen('c-r2-0', STORAGE_PORT);
    await expect(start('c-r1-0', 3_000)).rejects.toMatchObject({ killed: true });
  }, 30_000);

  it('joins as a new member only when every member before it serves', async () => {
    await record(FORMED);
    await listen('c-r1-0', PORTS.cassandra);
    await listen('c-r2-0', PORTS.cassandra);
    const joining = start('c-r1-1');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await listen('c-r3-0', PORTS.cassandra);
    const { yaml, options } = await joining;
    expect(yaml).toContain('auto_bootstrap: true');
    expect(yaml).toContain('seeds: "127.9.9.1,127.9.9.2,127.9.9.3"');
    expect(options).toBe('');
  }, 30_000);

  it('writes rack, address and key material for the launcher', async () => {
    const { yaml } = await start('c-r1-0');
    expect(yaml).toContain('listen_address: 127.9.9.1\nrpc_address: 127.9.9.1\n');
    const read = (file: string) => readFile(join(root, 'conf', file), 'utf8');
    expect(await read('cassandra-rackdc.properties')).toBe('dc=dc1\nrack=r1\n');
    expect(await read('keystore.pem')).toBe('tls.keytls.crt');
  });
});
