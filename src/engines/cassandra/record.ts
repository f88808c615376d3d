// What `NAME-state` remembers of the ring: that it was formed, which address each member has in it, for what the roles and
// keyspaces were last settled, and what of its upkeep is under way. It outlives the cluster (R3). Pure.
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
  /** The member whose decommission was begun; '' while there is none. It is never taken back: Cassandra cannot. */
  readonly leaving: string;
  /** UIDs of the pods whose member has left: as they are, they never serve again. */
  readonly left: Readonly<Record<string, string>>;
  /** Members that still hold rows of ranges that newer members took over. */
  readonly cleanup: readonly string[];
  /** When each member was last repaired (RFC 3339); '' = it is due. */
  readonly repaired: Readonly<Record<string, string>>;
  /** What failed in looking after the ring, for a human; '' when nothing did. */
  readonly trouble: string;
  /** Values of the annotations that have acted. */
  readonly acted: Readonly<Partial<Record<Demand, string>>>;
}

/** What a human may ask for, by an annotation. */
export type Demand = 'replace' | 'repair';

export const EMPTY_RECORD: RingRecord = {
  addresses: {},
  settled: '',
  spread: {},
  leaving: '',
  left: {},
  cleanup: [],
  repaired: {},
  trouble: '',
  acted: {},
};

/** With these members joined, or at these addresses. Those that a newcomer took ranges from have to be cleaned up. */
export function noted(record: RingRecord, addresses: RingRecord['addresses']): RingRecord {
  const before = Object.keys(record.addresses);
  const grown = before.length > 0 && Object.keys(addresses).some((pod) => !before.includes(pod));
  return {
    ...record,
    addresses: { ...record.addresses, ...addresses },
    cleanup: grown ? [...new Set([...record.cleanup, ...before])].toSorted() : record.cleanup,
  };
}

/** Without a member that has left; `uid` is its pod's. */
export function without(record: RingRecord, pod: string, uid: string): RingRecord {
  const others = <T>(map: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
    Object.fromEntries(Object.entries(map).filter(([name]) => name !== pod));
  return {
    ...record,
    addresses: others(record.addresses),
    repaired: others(record.repaired),
    cleanup: record.cleanup.filter((name) => name !== pod),
    leaving: record.leaving === pod ? '' : record.leaving,
    trouble: '',
    left: { ...record.left, [pod]: uid },
  };
}

/** A text that is no record is as good as none for the operator: it is written anew from what is seen. */
export function decodeRecord(text: string | undefined): RingRecord {
  if (text === undefined) return EMPTY_RECORD;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return EMPTY_RECORD;
    return {
      addresses: entries(value, 'addresses', textOf),
      settled: 'settled' in value ? (textOf(value.settled) ?? '') : '',
      spread: entries(value, 'spread', (entry) => (typeof entry === 'number' ? entry : undefined)),
      leaving: 'leaving' in value ? (textOf(value.leaving) ?? '') : '',
      left: entries(value, 'left', textOf),
      cleanup: 'cleanup' in value && Array.isArray(value.cleanup) ? value.cleanup.map(String) : [],
      repaired: entries(value, 'repaired', timeOf),
      trouble: 'trouble' in value ? (textOf(value.trouble) ?? '') : '',
      acted: entries(value, 'acted', textOf),
    };
  } catch {
    return EMPTY_RECORD;
  }
}

/** Keys sorted, so that the same record is the same text; what is empty is left out. */
export function encodeRecord(record: RingRecord): string {
  const filled = (map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined =>
    Object.keys(map).length === 0 ? undefined : sorted(map);
  return JSON.stringify({
    addresses: sorted(record.addresses),
    settled: record.settled,
    spread: sorted(record.spread),
    leaving: record.leaving === '' ? undefined : record.leaving,
    left: filled(record.left),
    cleanup: record.cleanup.length === 0 ? undefined : record.cleanup,
    repaired: filled(record.repaired),
    trouble: record.trouble === '' ? undefined : record.trouble,
    acted: filled(record.acted),
  });
}

/** A time, or '' for one that is due. */
function timeOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text === '' || !Number.isNaN(Date.parse(text ?? '')) ? text : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
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
