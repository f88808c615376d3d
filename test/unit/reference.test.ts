// docs/reference.md names every condition and every reason of preflight, and the versions that the code accepts.
import { readdir, readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { CONDITION_TYPES } from '../../src/api/v1alpha1/conditions.ts';
import { SUPPORTED } from '../../src/spacecluster/preflight/versions.ts';

const CHECKS = 'src/spacecluster/preflight';

let reference: string;

beforeAll(async () => {
  reference = await readFile('docs/reference.md', 'utf8');
});

describe('docs/reference.md', () => {
  it.each(CONDITION_TYPES)('explains the condition %s', (type) => {
    expect(reference).toContain(`\`${type}\``);
  });

  it('explains every reason of preflight', async () => {
    const files = (await readdir(CHECKS)).filter((file) => !file.endsWith('.test.ts'));
    const sources = await Promise.all(files.map((file) => readFile(`${CHECKS}/${file}`, 'utf8')));
    const reasons = sources.flatMap((text) =>
      [...text.matchAll(/\b(?:fail|warn|say)\(\s*'(\w+)'/g)].map(([, reason = '']) => reason),
    );
    expect(reasons.length).toBeGreaterThan(20);
    expect(reasons.filter((reason) => !reference.includes(`\`${reason}\``))).toEqual([]);
  });

  it.each(Object.entries(SUPPORTED))('gives the accepted versions of %s', (engine, { from, to }) => {
    expect(reference).toContain(`| \`${engine}\` | ${from === to ? from : `${from} to ${to}`} |`);
  });
});
