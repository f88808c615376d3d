import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { passwd, pgHba, pgIdent, postgresqlConf, slotWalMiB } from './config.ts';
import { startScript, stopScript } from './scripts.ts';
import { spaceCluster } from './testing.ts';

const GOLDEN = new URL('./config.golden.txt', import.meta.url);

describe('the server’s files', () => {
  test('are as written down (UPDATE_GOLDEN=1 writes them down)', async () => {
    const files = {
      'postgresql.conf': postgresqlConf(spaceCluster()),
      'pg_hba.conf': pgHba(),
      'pg_ident.conf': pgIdent(spaceCluster()),
      passwd: passwd(),
      'start.sh': startScript(),
      'stop.sh': stopScript(),
    };
    const text = Object.entries(files)
      .map(([name, content]) => `=== ${name}\n${content}`)
      .join('\n');
    if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(GOLDEN, text);
    expect(text).toBe(await readFile(GOLDEN, 'utf8'));
  });

  test('the WAL that a slot may keep is a quarter of the volume (P3)', () => {
    expect(slotWalMiB(spaceCluster({ size: '2Gi' }))).toBe(512);
    expect(slotWalMiB(spaceCluster({ size: '128Mi' }))).toBe(64);
  });

  test('memory that is asked for is used', () => {
    expect(postgresqlConf(spaceCluster({ memory: '4Gi' }))).toContain('shared_buffers = 1024MB');
  });

  test('nobody but the application and the members comes in from the network, and only over TLS', () => {
    const remote = pgHba()
      .split('\n')
      .filter((line) => line.startsWith('host'));
    expect(remote).toHaveLength(2);
    expect(remote.every((line) => line.startsWith('hostssl'))).toBe(true);
    expect(pgHba()).not.toContain('trust');
  });
});
