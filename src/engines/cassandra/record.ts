// What `NAME-state` remembers of the ring: that it was formed, which address each member has in it, and for what the
// roles and keyspaces were last settled. It outlives the cluster (R3). Pure.
import type { Spread } from './settlement.ts';

/** Under this key of the ConfigMap. The members' start script reads it too: keep the two in step. */
export const STATE_KEY = 'cassandra';

export interface RingRecord {
  /**
   * The address by which the ring knows each member that has joined. Not empty = the ring was formed and may hold data: a
   * member with an empty disk then never forms a new one, it takes its old place by this address.
   */
  readonly addresses: Readonly<Record<string, string>>;
  /** What roles, keyspaces and their replication were last made for; see `settlementKey`. */
  readonly settled: string;
  /** Copies that each keyspace's rows are known to have. */
  readonly spread: Spread;
}

export const EMPTY_RECORD: RingRecord = { addresses: {}, settled: '', spread: {} };

/** A text that is no record is as good as none for the operator: it is written anew from what is seen. */
export function decodeRecord(text: string | undefined): RingRecord {
  if (text === undefined) return EMPTY_RECORD;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return EMPTY_RECORD;
    return {
      addresses: entries(value, 'addresses', (entry) => (typeof entry === 'string' ? entry : undefined)),
      settled: 'settled' in value && typeof value.settled === 'string' ? value.settled : '',
      spread: entries(value, 'spread', (entry) => (typeof entry === 'number' ? entry : undefined)),
    };
  } catch {
    return EMPTY_RECORD;
  }
}

/** Keys sorted, so that the same record is the same text. */
export function encodeRecord(record: RingRecord): string {
  return JSON.stringify({
    addresses: sorted(record.addresses),
    settled: record.settled,
    spread: sorted(record.spread),
  });
}

function entries<T>(
  value: object,
  key: string,
  accept: (entry: unknown) => T | undefined,
): Readonly<Record<string, T>> {
  const found: unknown = Object.entries(value).find(([name]) => name === key)?.[1];
  if (typeof found !== 'object' || found === null) return {};
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, entry]) => {
      const accepted = accept(entry);
      return accepted === undefined ? [] : [[name, accepted]];
    }),
  );
}

function sorted<T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).toSorted(([left], [right]) => left.localeCompare(right)));
}
