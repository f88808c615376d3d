// How a kind, an object and a query become a URL path. Pure.
import { ConfigError } from '../errors.ts';
import type { KubeObject, ResourceType } from './types.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** '' for the core group. */
export function groupOf(type: ResourceType<KubeObject>): string {
  const slash = type.apiVersion.indexOf('/');
  return slash < 0 ? '' : type.apiVersion.slice(0, slash);
}

/** Path of a collection; of all namespaces when `namespace` is undefined. */
export function collectionPath(type: ResourceType<KubeObject>, namespace: string | undefined): string {
  const root = groupOf(type) === '' ? `/api/${type.apiVersion}` : `/apis/${type.apiVersion}`;
  const scope =
    type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${type.plural}`;
}

/** @throws ConfigError when a namespaced kind comes without a namespace */
export function objectPath(
  type: ResourceType<KubeObject>,
  namespace: string | undefined,
  name: string,
  subresource?: string,
): string {
  const tail = subresource === undefined ? '' : `/${subresource}`;
  return `${writableCollection(type, namespace, name)}/${encodeURIComponent(name)}${tail}`;
}

/** @throws ConfigError when a namespaced kind comes without a namespace */
export function writableCollection(
  type: ResourceType<KubeObject>,
  namespace: string | undefined,
  name: string,
): string {
  if (type.namespaced && (namespace === undefined || namespace === '')) {
    throw new ConfigError(`${type.kind} ${name} has no namespace, and its kind needs one`);
  }
  return collectionPath(type, namespace);
}

export function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) search.set(key, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}
