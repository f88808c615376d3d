// The tend script, run by bash with a nodetool that does as it is told: every verb can be repeated, and says how far it is.
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DATA_DIR } from './config.ts';
import { TEND_SCRIPT } from './tend-script.ts';

const run = promisify(execFile);

jest.setTimeout(60_000);

let root: string;

/** Notes its words, reads what to do from files, and says the mode it is told. */
const NODETOOL = `#!/bin/bash
echo "$*" >>"$ROOT/calls"
case $1 in
  netstats) echo "Mode: $(cat "$ROOT/mode")" ;;
  status) echo "UN 10.0.0.1" ;;
  *) while [[ -e $ROOT/busy ]]; do sleep 0.05; done; [[ ! -e $ROOT/fail ]] || { echo "it went wrong"; exit 1; } ;;
esac
`;

async function tend(...words: readonly string[]): Promise<readonly string[]> {
  const text = TEND_SCRIPT.replaceAll(DATA_DIR, `${root}/data`).replaceAll('/tmp/tend', `${root}/tend`);
  const { stdout } = await run('bash', ['-c', text, 'tend', ...words], {
    timeout: 30_000,
    env: { PATH: `${root}/bin:${process.env['PATH'] ?? ''}`, ROOT: root },
  });
  return stdout.trim().split('\n');
}

const set = (file: string, text = '') => writeFile(join(root, file), text);
const calls = async (): Promise<readonly string[]> =>
  (await readFile(join(root, 'calls'), 'utf8')).trim().split('\n');

/** Until the script answers so. */
async function answers(expected: readonly string[], ...words: readonly string[]): Promise<void> {
  while ((await tend(...words)).join() !== expected.join()) await sleep(100);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ring-care-'));
  await mkdir(join(root, 'bin'));
  await mkdir(join(root, 'data'));
  await set('bin/nodetool', NODETOOL);
  await chmod(join(root, 'bin/nodetool'), 0o755);
  await set('data/joined');
  await set('mode', 'NORMAL');
});

afterEach(async () => {
  await rm(join(root, 'busy'), { force: true });
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

describe('task', () => {
  it('runs on after the call, once, and is done', async () => {
    await set('busy');
    expect(await tend('task', 'cleanup', '4')).toEqual(['RUNNING']);
    expect(await tend('task', 'cleanup', '4')).toEqual(['RUNNING']);
    await rm(join(root, 'busy'));
    await answers(['DONE'], 'task', 'cleanup', '4');
    expect(await tend('task', 'cleanup', '4')).toEqual(['DONE']);
    expect(await calls()).toEqual(['cleanup -j 1']);
  });

  it('says how it failed, and begins anew with the next call', async () => {
    await set('fail');
    await tend('task', 'repair', 'x');
    await answers(['FAILED', 'it went wrong'], 'task', 'repair', 'x');
    await rm(join(root, 'fail'));
    await answers(['DONE'], 'task', 'repair', 'x');
    expect(new Set(await calls())).toEqual(new Set(['repair -pr --full']));
  });
});

describe('leave', () => {
  it('begins one decommission, and changes the marker only when the member has left (C1)', async () => {
    await set('busy');
    expect(await tend('leave')).toEqual(['LEAVING']);
    expect(await tend('leave')).toEqual(['LEAVING']);
    await set('mode', 'LEAVING');
    await rm(join(root, 'busy'));
    // Its client has gone (a restarted operator, a lost connection); the member itself says how far it is.
    while (!(await readdir(join(root, 'tend'))).includes('leave.rc')) await sleep(50);
    expect(await tend('leave')).toEqual(['LEAVING']);
    expect(await readdir(join(root, 'data'))).toEqual(['joined']);
    await set('mode', 'DECOMMISSIONED');
    await answers(['LEFT'], 'leave');
    expect(await readdir(join(root, 'data'))).toEqual(['left']);
    expect(await tend('leave')).toEqual(['LEFT']);
    expect((await calls()).filter((call) => call === 'decommission')).toHaveLength(1);
  });

  it('says how it failed, and keeps the member', async () => {
    await set('fail');
    await tend('leave');
    await answers(['FAILED', 'it went wrong'], 'leave');
    expect(await readdir(join(root, 'data'))).toEqual(['joined']);
  });
});

it('refuses any other word', async () => {
  await expect(tend('drain')).rejects.toThrow();
  await expect(tend('task', 'flush', '1')).rejects.toThrow();
  expect(await tend('status')).toEqual(['UN 10.0.0.1']);
});
