// Which of the two data directories hold the pair's data (pure).
import type { Copy, RoleRecord } from '../../agent/role-record.ts';
import type { MemberState, Observation } from './observation.ts';

/** Is this data directory a copy of the pair's data, so far as is known? */
export function isCopy(seen: Observation, own: MemberState): boolean {
  // The API server may be away, or the record have been lost and made anew: the member then is what it was.
  if (saysNothing(seen.record)) return own.pair !== undefined;
  return copyOf(seen.record, seen.member, own) !== undefined;
}

/** The peer's data directory, if it is a copy too: it has to be caught up with, and may be copied from. */
export function peerIsCopy(seen: Observation): boolean {
  const { record, remote } = seen;
  if (saysNothing(record)) return remote.kind === 'up' && remote.state.pair !== undefined;
  if (remote.kind === 'up') return copyOf(record, seen.peer, remote.state) !== undefined;
  return record.copies.some((copy) => copy.member === seen.peer);
}

function copyOf(record: RoleRecord, member: string, state: MemberState): Copy | undefined {
  return record.copies.find((copy) => copy.member === member && copy.serverUuid === state.systemIdentifier);
}

function saysNothing(record: RoleRecord | undefined): record is undefined {
  return record === undefined || record.copies.length === 0;
}
