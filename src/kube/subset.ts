// Does a live object already say all that we want of it? Compares desired fields only, by value. Pure.
import { sameQuantity } from './quantity.ts';

/** Under these fields stand quantities, which the API server rewrites ('1000m' becomes '1'). */
const QUANTITY_FIELDS: ReadonlySet<string> = new Set([
  'requests',
  'limits',
  'capacity',
  'allocatable',
  'sizeLimit',
  'divisor',
]);

/** Lists that others add to as well: ours must be among theirs, in any place. */
const SHARED_LISTS: ReadonlySet<string> = new Set(['metadata.finalizers', 'metadata.ownerReferences']);

/**
 * The desired fields that the live object does not have, as `path=live value`; empty when `desired` is a subset of `live`.
 * Lists must have the same length and agree element by element; what is empty equals what is absent.
 */
export function missing(desired: unknown, live: unknown): readonly string[] {
  const found: string[] = [];
  compare(desired, live, [], found);
  return found;
}

function compare(desired: unknown, live: unknown, path: readonly string[], found: string[]): void {
  if (isEmpty(desired) && isEmpty(live)) return;
  if (Array.isArray(desired) && Array.isArray(live)) {
    compareLists(desired, live, path, found);
  } else if (isRecord(desired) && isRecord(live)) {
    for (const [key, value] of Object.entries(desired)) {
      if (value !== undefined) compare(value, own(live, key), [...path, key], found);
    }
  } else if (desired !== live && !equalQuantities(desired, live, path)) {
    found.push(`${path.join('.')}=${JSON.stringify(live)}`);
  }
}

function compareLists(
  desired: readonly unknown[],
  live: readonly unknown[],
  path: readonly string[],
  found: string[],
): void {
  if (SHARED_LISTS.has(path.join('.'))) {
    const lacking = desired.some((item) => live.every((other) => missing(item, other).length > 0));
    if (lacking) found.push(`${path.join('.')}=${JSON.stringify(live)}`);
  } else if (desired.length === live.length) {
    for (const [i, item] of desired.entries()) compare(item, live[i], [...path, String(i)], found);
  } else {
    found.push(`${path.join('.')}=${JSON.stringify(live)}`);
  }
}

function equalQuantities(desired: unknown, live: unknown, path: readonly string[]): boolean {
  return (
    path.some((key) => QUANTITY_FIELDS.has(key)) &&
    isScalar(desired) &&
    isScalar(live) &&
    sameQuantity(String(desired), String(live))
  );
}

/** Not what objects inherit: a label may be called `constructor`. */
function own(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The API server drops empty lists, maps and texts, or prints null for them. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}
