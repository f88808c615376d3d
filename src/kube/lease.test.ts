import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { claimed, holderOf, microTime, parseMicroTime, released } from './lease.ts';
import type { Lease } from './types.ts';

describe('microTime', () => {
  it('has exactly six decimals', () => {
    expect(microTime(0)).toBe('1970-01-01T00:00:00.000000Z');
    expect(microTime(1_763_836_800_123.456)).toBe('2025-11-22T18:40:00.123456Z');
  });

  it('comes back as it was, to the microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e15 }), (micros) => {
        const text = microTime(micros / 1_000);
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        expect(Math.abs((parseMicroTime(text) ?? 0) * 1_000 - micros)).toBeLessThan(0.5);
      }),
    );
  });

  it('reads other zones and precisions, and refuses the rest', () => {
    expect(parseMicroTime('1970-01-01T01:00:00+01:00')).toBe(0);
    expect(parseMicroTime('1970-01-01T00:00:00.5Z')).toBe(500);
    expect(parseMicroTime('1970-01-01T00:00:00')).toBeUndefined();
    expect(parseMicroTime('1970-13-01T00:00:00Z')).toBeUndefined();
    expect(parseMicroTime('now')).toBeUndefined();
  });
});

describe('a Lease', () => {
  const blank: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'a' } };
  const claim = { holder: 'x', durationMs: 2_500, at: 1_000 };

  it('counts a transition for each change of holder, and none for a renewal', () => {
    const first = claimed(blank, claim);
    expect(first.spec).toMatchObject({ holderIdentity: 'x', leaseDurationSeconds: 3, leaseTransitions: 1 });
    const renewed = claimed(first, { ...claim, at: 2_000 });
    expect(renewed.spec).toMatchObject({ leaseTransitions: 1, acquireTime: first.spec?.acquireTime });
    expect(renewed.spec?.renewTime).not.toBe(first.spec?.renewTime);
    expect(claimed(renewed, { ...claim, holder: 'y' }).spec).toMatchObject({ leaseTransitions: 2 });
  });

  it('keeps its count when it is given up', () => {
    const free = released(claimed(blank, claim), 5_000);
    expect(holderOf(free)).toBe('');
    expect('holderIdentity' in (free.spec ?? {})).toBe(false);
    expect(claimed(free, claim).spec).toMatchObject({ leaseTransitions: 2 });
  });
});
