import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Store } from './store.ts';
import type { Change } from './store.ts';
import type { ConfigMap } from './types.ts';

let version = 0;

function object(name: string, uid = '1', extra: Partial<ConfigMap> = {}): ConfigMap {
  version += 1;
  const metadata = { name, namespace: 'ns', uid, resourceVersion: String(version) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...extra };
}

const types = (changes: readonly Change<ConfigMap>[]): string =>
  changes.map((change) => `${change.type} ${change.object.metadata.uid}`).join(', ');

describe('Store', () => {
  it('tells additions, changes and deletions, and nothing twice', () => {
    const store = new Store<ConfigMap>();
    const first = object('a');
    expect(types(store.put(first))).toBe('ADDED 1');
    expect(types(store.put(first))).toBe('');
    const [change] = store.put(object('a', '1', { data: { x: '1' } }));
    expect(change).toMatchObject({ type: 'MODIFIED', object: { data: { x: '1' } }, previous: first });
    expect(types(store.remove(object('a')))).toBe('DELETED 1');
    expect(types(store.remove(object('a')))).toBe('');
    expect(store.size).toBe(0);
  });

  it('sees through an object that was deleted and made again while nobody watched', () => {
    const store = new Store<ConfigMap>();
    store.put(object('a', '1'));
    store.put(object('b', '2'));
    expect(types(store.replace([object('a', '9')]))).toBe('DELETED 2, DELETED 1, ADDED 9');
  });

  it('freezes what it gives, and leaves out what nobody reads', () => {
    const store = new Store<ConfigMap>();
    const { metadata, ...rest } = object('a', '1', { data: { x: '1' } });
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: 'y' };
    const managed = { ...metadata, annotations, managedFields: [{ manager: 'x' }] };
    store.put({ ...rest, metadata: managed });
    const stored = store.get('ns', 'a');
    expect(stored?.metadata).toEqual({ ...metadata, annotations: { mine: 'y' } });
    expect(Object.isFrozen(stored?.data)).toBe(true);
    expect(Object.isFrozen(stored?.metadata.annotations)).toBe(true);
  });

  it('finds by index, also after the value has changed', () => {
    const store = new Store<ConfigMap>({ owner: (each) => Object.values(each.data ?? {}) });
    store.put(object('a', '1', { data: { one: 'x', two: 'y' } }));
    store.put(object('b', '2', { data: { one: 'x' } }));
    const named = (value: string): string[] =>
      store.byIndex('owner', value).map((each) => each.metadata.name);
    expect(named('x')).toEqual(['a', 'b']);
    store.put(object('a', '1', { data: { one: 'z' } }));
    expect([named('x'), named('y'), named('z')]).toEqual([['b'], [], ['a']]);
    store.replace([]);
    expect(named('z')).toEqual([]);
  });

  it('tells enough to keep a copy by, whatever happens', () => {
    const step = fc.record({
      kind: fc.constantFrom('put', 'remove', 'relist'),
      names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
      uid: fc.constantFrom('1', '2'),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const store = new Store<ConfigMap>();
        const copy = new Map<string, ConfigMap>();
        const follow = (change: Change<ConfigMap>): void => {
          const { name, uid } = change.object.metadata;
          const before = copy.get(name);
          expect(before === undefined).toBe(change.type === 'ADDED');
          if (change.type !== 'ADDED') expect(before?.metadata.uid).toBe(uid);
          if (change.type === 'DELETED') copy.delete(name);
          else copy.set(name, change.object);
        };
        for (const { kind, names, uid } of steps) {
          const objects = names.map((name) => object(name, uid));
          if (kind === 'relist') store.replace(objects).forEach(follow);
          else if (kind === 'put') objects.flatMap((each) => store.put(each)).forEach(follow);
          else objects.flatMap((each) => store.remove(each)).forEach(follow);
          expect(new Set(copy.values())).toEqual(new Set(store.list()));
        }
      }),
    );
  });
});
