import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { stamped } from './apply.ts';
import { hashOf } from './hash.ts';
import { missing } from './subset.ts';

const json = fc.jsonValue({ maxDepth: 4 });

/** `value` with more members in every object, as defaulting and status add them. */
function grown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(grown);
  if (typeof value !== 'object' || value === null) return value;
  return {
    ...Object.fromEntries(Object.entries(value).map(([k, v]) => [k, grown(v)])),
    'added by the server': 1,
  };
}

describe('missing', () => {
  it('is empty for an object and itself, also after defaulting', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(missing(value, value)).toEqual([]);
        expect(missing(value, grown(value))).toEqual([]);
      }),
    );
  });

  it('finds any changed leaf, and names it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1 }), fc.integer(), { minKeys: 1 }),
        fc.nat(),
        (data, pick) => {
          const keys = Object.keys(data);
          const key = keys[pick % keys.length] ?? '';
          expect(missing({ data }, { data: { ...data, [key]: (data[key] ?? 0) + 1 } })).toHaveLength(1);
          const { [key]: _gone, ...rest } = data;
          expect(missing({ data }, { data: rest })).toEqual([`data.${key}=undefined`]);
        },
      ),
    );
  });

  it.each([
    ['a longer list', { ports: [1] }, { ports: [1, 2] }],
    ['a shorter list', { ports: [1, 2] }, { ports: [1] }],
    ['another order', { ports: [1, 2] }, { ports: [2, 1] }],
    ['a number for its text', { port: '80' }, { port: 80 }],
    ['a quantity outside of a quantity field', { value: '1000m' }, { value: '1' }],
    ['false for absent', { hostNetwork: false }, {}],
  ])('%s differs', (_what, desired, live) => {
    expect(missing(desired, live)).not.toEqual([]);
  });

  it.each([
    [
      'quantities by value',
      { requests: { cpu: '1000m', memory: '2Gi' } },
      { requests: { cpu: 1, memory: '2147483648' } },
    ],
    [
      'a nested quantity',
      { resources: { limits: { cpu: '0.5' } } },
      { resources: { limits: { cpu: '500m' } } },
    ],
    ['an empty list and none', { endpoints: [] }, { endpoints: null }],
    ['an empty map and none', { data: {} }, {}],
    ['an empty text and none', { env: [{ name: 'A', value: '' }] }, { env: [{ name: 'A' }] }],
    ['null and absent', { a: null }, {}],
    ['undefined and anything', { a: undefined }, { a: 1 }],
  ])('%s are the same', (_what, desired, live) => {
    expect(missing(desired, live)).toEqual([]);
  });

  it('lets others add owners and finalizers, and misses ours', () => {
    const live = {
      metadata: {
        finalizers: ['other', 'mine'],
        ownerReferences: [{ uid: '2' }, { uid: '1', name: 'a', kind: 'X' }],
      },
    };
    expect(
      missing({ metadata: { finalizers: ['mine'], ownerReferences: [{ uid: '1', name: 'a' }] } }, live),
    ).toEqual([]);
    expect(missing({ metadata: { finalizers: ['gone'] } }, live)).toHaveLength(1);
    expect(missing({ metadata: { ownerReferences: [{ uid: '3' }] } }, live)).toHaveLength(1);
  });
});

describe('hashOf', () => {
  it('does not depend on the order of keys, and on undefined members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (data) => {
        const turned = Object.fromEntries(Object.entries(data).toReversed());
        expect(hashOf({ data: turned, none: undefined })).toBe(hashOf({ data }));
      }),
    );
  });

  it('differs with the content', () => {
    expect(hashOf({ a: 1 })).not.toBe(hashOf({ a: 2 }));
    expect(hashOf({ a: [1, 2] })).not.toBe(hashOf({ a: [2, 1] }));
  });
});

describe('stamped', () => {
  it('keeps the object, and notices a field that is no longer wanted', () => {
    const base = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', annotations: { x: 'y' } },
    } as const;
    const before = stamped({ ...base, data: { a: '1', b: '2' } });
    const after = stamped({ ...base, data: { a: '1' } });
    expect(before.metadata.annotations).toMatchObject({ x: 'y' });
    expect(missing(after, before)).toHaveLength(1);
    expect(missing(after, after)).toEqual([]);
  });
});
