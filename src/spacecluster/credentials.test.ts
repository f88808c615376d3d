// Passwords are made once: what exists is never replaced (R3).
import { describe, expect, it } from '@jest/globals';
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import { completeSecret, credentialSpecs, emptyKeys, randomPassword } from './credentials.ts';

const cluster = { metadata: { name: 'demo', namespace: 'ns', uid: 'u' } } as unknown as SpaceCluster;
const decode = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString();

describe('credentials', () => {
  it('makes passwords of 32 letters and digits, each its own', () => {
    const made = new Set(Array.from({ length: 100 }, () => randomPassword()));
    expect(made.size).toBe(100);
    for (const password of made) expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
  });

  it('fills every key of a new Secret', () => {
    for (const spec of credentialSpecs(cluster)) {
      const secret = completeSecret(cluster, spec, undefined);
      expect(Object.keys(secret?.data ?? {}).toSorted()).toEqual(
        [...Object.keys(spec.fixed), ...spec.generated].toSorted(),
      );
      expect(secret?.metadata.ownerReferences).toBeUndefined();
    }
  });

  it('never replaces a key that exists, and adds only what is missing', () => {
    const [spec] = credentialSpecs(cluster);
    if (spec === undefined) throw new Error('no specs');
    const first = completeSecret(cluster, spec, undefined);
    if (first === undefined) throw new Error('no Secret');
    expect(completeSecret(cluster, spec, first)).toBeUndefined();
    const damaged = { ...first, data: { password: first.data?.['password'] ?? '' } };
    const mended = completeSecret(cluster, spec, damaged);
    expect(mended?.data?.['password']).toBe(first.data?.['password']);
    expect(decode(mended?.data?.['username'])).toBe('space');
  });

  it('names keys with nothing in them, and does not fill them in', () => {
    const [spec] = credentialSpecs(cluster);
    if (spec === undefined) throw new Error('no specs');
    const made = completeSecret(cluster, spec, undefined);
    const emptied = { ...made, data: { ...made?.data, password: '' } } as NonNullable<typeof made>;
    expect(completeSecret(cluster, spec, emptied)).toBeUndefined();
    expect([emptyKeys(emptied.data), emptyKeys(made?.data)]).toEqual([['password'], []]);
  });
});
