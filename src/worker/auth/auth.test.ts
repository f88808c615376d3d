// Passwords, the memory of right credentials, and the throttle of wrong ones.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CredentialCache } from './credential-cache.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { mayAccess } from './principal.ts';
import { Throttle, waitAfter } from './throttle.ts';

describe('passwords', () => {
  it('verifies its own hashes only with the right password', async () => {
    const hash = await hashPassword('correct horse');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verifyPassword('correct horse', hash)).toBe(true);
    expect(await verifyPassword('correct horsE', hash)).toBe(false);
    expect(await hashPassword('correct horse')).not.toBe(hash);
  });

  it('goes by the cost in the hash, so that it can rise', async () => {
    // The reference implementation's: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32
    const reference =
      '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await verifyPassword('password', reference)).toBe(true);
  });

  it.each(['', 'plain', '$argon2i$v=19$m=1,t=1,p=1$AA$AA', '$2b$12$abc'])(
    'takes %j for no hash',
    async (hash) => {
      expect(await verifyPassword('x', hash)).toBe(false);
    },
  );
});

describe('CredentialCache', () => {
  it('remembers for a minute, exactly these credentials', () => {
    const cache = new CredentialCache<string>();
    cache.set('a', 'bc', 'value', 0);
    expect(cache.get('a', 'bc', 59_999)).toBe('value');
    expect(cache.get('ab', 'c', 0)).toBeUndefined();
    expect(cache.get('a', 'bc', 60_000)).toBeUndefined();
    cache.set('a', 'bc', 'value', 0);
    cache.clear();
    expect(cache.get('a', 'bc', 0)).toBeUndefined();
  });

  it('stays small', () => {
    const cache = new CredentialCache<number>();
    for (let index = 0; index < 1_100; index += 1) cache.set(`user${index}`, 'x', index, 0);
    expect(cache.get('user0', 'x', 0)).toBeUndefined();
    expect(cache.get('user1099', 'x', 0)).toBe(1_099);
  });
});

describe('Throttle', () => {
  const fail = (throttle: Throttle, times: number, user = 'u', address = '1.1.1.1', now = 0) => {
    for (let index = 0; index < times; index += 1) throttle.begin(user, address, now);
  };

  it('lets a few mistakes pass, then doubles the wait up to a minute', () => {
    expect([5, 6, 7, 8, 100].map((failures) => waitAfter(failures))).toEqual([
      0, 1_000, 2_000, 4_000, 60_000,
    ]);
    const throttle = new Throttle();
    fail(throttle, 5);
    expect(throttle.waitMs('u', '1.1.1.1', 0)).toBe(0);
    fail(throttle, 1);
    expect(throttle.waitMs('u', '1.1.1.1', 0)).toBe(1_000);
    expect(throttle.waitMs('u', '1.1.1.1', 1_000)).toBe(0);
  });

  it('does not let one address lock a user out for others', () => {
    const throttle = new Throttle();
    fail(throttle, 30);
    expect(throttle.waitMs('u', '2.2.2.2', 0)).toBe(0);
  });

  it('holds an address that tries many users', () => {
    const throttle = new Throttle();
    for (let index = 0; index < 60; index += 1) throttle.begin(`u${index}`, '1.1.1.1', 0);
    expect(throttle.waitMs('fresh', '1.1.1.1', 0)).toBeGreaterThan(0);
  });

  it('forgives a right password at once, and old failures after a while', () => {
    const throttle = new Throttle();
    fail(throttle, 8);
    throttle.succeeded('u', '1.1.1.1');
    expect(throttle.waitMs('u', '1.1.1.1', 0)).toBe(0);
    fail(throttle, 8);
    fail(throttle, 1, 'u', '1.1.1.1', 16 * 60_000);
    expect(throttle.waitMs('u', '1.1.1.1', 16 * 60_000)).toBe(0);
  });

  it('never holds up who is always right, however often they come', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (logins) => {
        const throttle = new Throttle();
        for (let index = 0; index < logins; index += 1) {
          expect(throttle.waitMs('u', '1.1.1.1', index)).toBe(0);
          throttle.begin('u', '1.1.1.1', index);
          throttle.succeeded('u', '1.1.1.1');
        }
      }),
    );
  });
});

describe('mayAccess', () => {
  it('lets each role do what the ones below it may', () => {
    const principal = (role: 'viewer' | 'operator' | 'administrator') =>
      ({ name: 'x', role, by: 'basic' }) as const;
    expect(mayAccess(principal('administrator'), 'operator')).toBe(true);
    expect(mayAccess(principal('operator'), 'operator')).toBe(true);
    expect(mayAccess(principal('viewer'), 'operator')).toBe(false);
  });
});
