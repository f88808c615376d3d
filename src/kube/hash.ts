// A short fingerprint of plain data that does not depend on the order of keys. Pure.
import { createHash } from 'node:crypto';

/** 128 bits of SHA-256, in hex. `undefined` members do not count, as they do not travel. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 32);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
