// The objects of one list-watch, as last seen: frozen, found by name and by index.
import type { KubeObject } from './types.ts';

/** What a change is handed on as. A deletion carries the object as last seen. */
export type Change<T> =
  | { readonly type: 'ADDED' | 'DELETED'; readonly object: T }
  | { readonly type: 'MODIFIED'; readonly object: T; readonly previous: T };

/** Values under which an object is found: its owner's name, its node, a label. */
export type Indexers<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** The reading side of a store. What it returns is frozen and possibly a moment old. */
export interface Reader<T> {
  get(namespace: string | undefined, name: string): T | undefined;
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[];
  byIndex(index: string, value: string): readonly T[];
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export class Store<T extends KubeObject> implements Reader<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: Indexers<T>;
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(indexers: Indexers<T> = {}) {
    this.#indexers = indexers;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(keyOf(namespace, name));
  }

  list(namespace?: string): readonly T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    const keys = this.#indexes.get(index)?.get(value) ?? [];
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Takes an object in. One of the same name with another uid was deleted in between: both facts are told. */
  put(object: T): readonly Change<T>[] {
    const key = keyOfObject(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined && previous.metadata.resourceVersion === object.metadata.resourceVersion) {
      return [];
    }
    const next = deepFreeze(stripped(object));
    if (previous !== undefined) this.#index(key, previous, 'remove');
    this.#objects.set(key, next);
    this.#index(key, next, 'add');
    if (previous === undefined) return [{ type: 'ADDED', object: next }];
    return previous.metadata.uid === next.metadata.uid
      ? [{ type: 'MODIFIED', object: next, previous }]
      : [
          { type: 'DELETED', object: previous },
          { type: 'ADDED', object: next },
        ];
  }

  remove(object: T): readonly Change<T>[] {
    const key = keyOfObject(object);
    const previous = this.#objects.get(key);
    if (previous === undefined) return [];
    this.#objects.delete(key);
    this.#index(key, previous, 'remove');
    return [{ type: 'DELETED', object: previous }];
  }

  /** Takes a whole list in: what is not in it is gone. */
  replace(objects: readonly T[]): readonly Change<T>[] {
    const listed = new Set(objects.map(keyOfObject));
    const gone = [...this.#objects].flatMap(([key, object]) => (listed.has(key) ? [] : this.remove(object)));
    return [...gone, ...objects.flatMap((object) => this.put(object))];
  }

  #index(key: string, object: T, change: 'add' | 'remove'): void {
    for (const [name, valuesOf] of Object.entries(this.#indexers)) {
      const index = this.#indexes.get(name);
      for (const value of valuesOf(object)) {
        const keys = index?.get(value) ?? new Set<string>();
        if (change === 'add') keys.add(key);
        else keys.delete(key);
        if (keys.size === 0) index?.delete(value);
        else index?.set(value, keys);
      }
    }
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

function keyOfObject(object: KubeObject): string {
  return keyOf(object.metadata.namespace, object.metadata.name);
}

/** Without what nobody here reads: it is four fifths of a cached object's size. */
function stripped<T extends KubeObject>(object: T): T {
  const { managedFields: _fields, ...metadata } = object.metadata as KubeObject['metadata'] & {
    readonly managedFields?: unknown;
  };
  if (metadata.annotations?.[LAST_APPLIED] === undefined) return { ...object, metadata };
  const { [LAST_APPLIED]: _applied, ...annotations } = metadata.annotations;
  return { ...object, metadata: { ...metadata, annotations } };
}

function deepFreeze<V>(value: V): V {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}
