// The ring as one of its members sees it: `nodetool status`, read. Pure.

/** Up or down; normal, leaving, joining, moving. */
export type RingState = `${'U' | 'D'}${'N' | 'L' | 'J' | 'M'}`;

export interface RingRow {
  readonly state: RingState;
  readonly address: string;
  readonly rack: string;
}

const ROW = /^([UD][NLJM])\s+([0-9.]+)\s.*\s(\S+)\s*$/;

export function parseRing(text: string): readonly RingRow[] {
  return text.split('\n').flatMap((line) => {
    const match = ROW.exec(line);
    if (match === null) return [];
    const [, state = '', address = '', rack = ''] = match;
    return [{ state: state as RingState, address, rack }];
  });
}

/** Why the ring is not whole; undefined when all of its `members` are up and normal. */
export function notWhole(ring: readonly RingRow[] | undefined, members: number): string | undefined {
  if (ring === undefined) return 'no member could be asked for the state of the ring';
  const odd = ring.filter(({ state }) => state !== 'UN');
  if (odd.length > 0) {
    return `the ring sees ${odd.map(({ state, address }) => `${address} ${state}`).join(', ')}`;
  }
  return ring.length === members ? undefined : `the ring has ${ring.length} members, ${members} are expected`;
}

/**
 * Addresses that the record has wrong: a member changed its address while no operator ran, and is down now. Only where it is
 * certain: in its rack one down address that nobody is recorded with, and one recorded member that the ring does not know.
 */
export function corrections(
  ring: readonly RingRow[],
  members: readonly { readonly pod: string; readonly rack: string; readonly ready: boolean }[],
  recorded: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const known = new Set(Object.values(recorded));
  const inRing = new Set(ring.map(({ address }) => address));
  const racks = new Set(members.map(({ rack }) => rack));
  return Object.fromEntries(
    [...racks].flatMap((rack) => {
      const strange = ring.filter(
        (row) => row.rack === rack && row.state.startsWith('D') && !known.has(row.address),
      );
      const lost = members.filter(({ pod, ready, rack: own }) => {
        const address = recorded[pod];
        return own === rack && !ready && address !== undefined && !inRing.has(address);
      });
      const [row] = strange;
      const [member] = lost;
      return strange.length === 1 && lost.length === 1 && row !== undefined && member !== undefined
        ? [[member.pod, row.address]]
        : [];
    }),
  );
}
