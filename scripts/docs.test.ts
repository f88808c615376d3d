// Documents that list what the code defines must list all of it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES } from '../src/errors.ts';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('documentation', () => {
  it.each(Object.keys(ERROR_CODES))('docs/errors.md explains %s', (code) => {
    expect(read('docs/errors.md')).toContain(`| \`${code}\` |`);
  });

  it('docs/errors.md explains no code that does not exist', () => {
    const documented = [...read('docs/errors.md').matchAll(/^\| `(SPC_\w+)` \|/gm)].map(
      (match) => match[1] ?? '',
    );
    expect(documented.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });

  it.each(Object.keys(JSON.parse(read('package.json')).dependencies))(
    'docs/dependencies.md says why %s is used',
    (name) => {
      expect(read('docs/dependencies.md')).toContain(`| \`${name}\` |`);
    },
  );
});
