// A member that is to be rebuilt on request (pure): it leaves the Services, hands over what only it has, leaves the pair's
// record, and then waits for the operator to take its volume away (P3: nothing that only it has is dropped).
import type { RoleRecord } from '../../agent/role-record.ts';
import { isCopy, peerIsCopy } from './copies.ts';
import { bothFollow } from './link.ts';
import { slotTo } from './names.ts';
import type { MemberState, Observation } from './observation.ts';
import { wait } from './step.ts';
import type { Step } from './step.ts';

/** Is this member on its way out? Then it serves nobody. Only beside a peer that serves and follows: never the last copy. */
export function retires(seen: Observation, own: MemberState): boolean {
  const { record, remote } = seen;
  if (seen.replace !== seen.member || record === undefined || replacedIn(record) === seen.member)
    return false;
  if (!isCopy(seen, own)) return false;
  // Between two looks at the peer nothing has changed.
  if (remote.kind === 'unseen') return true;
  return remote.kind === 'up' && remote.state.admitted && peerIsCopy(seen) && bothFollow(seen);
}

/** A value of the annotation acts once: the record keeps it, and its removal arms the next. */
export function replacement(seen: Observation, own: MemberState): Step | undefined {
  const { record, remote, member } = seen;
  if (record === undefined || record.copies.length === 0) return undefined;
  if (replacedIn(record) === member) {
    const asked = seen.replace === member;
    if (isCopy(seen, own)) {
      return asked ? undefined : { kind: 'record', base: record, change: { notes: { replaced: '' } } };
    }
    return asked && own.pair !== undefined
      ? wait('Retired', `${member} is no part of the pair any more: its volume is taken away`)
      : undefined;
  }
  if (!retires(seen, own)) return undefined;
  if (remote.kind !== 'up') return wait('Looking', `${seen.peer} has not been looked at yet`);
  const copies = record.copies.filter((copy) => copy.member !== member);
  return {
    kind: 'retire',
    slot: slotTo(remote.state.systemIdentifier),
    base: record,
    change: { phase: 'open', copies, epoch: record.epoch + 1, notes: { replaced: member } },
  };
}

/** Why a request is not carried out yet; undefined when there is none, or when it is. */
export function replacementHeld(seen: Observation): string | undefined {
  const { record, local, remote, member, peer, replace } = seen;
  if (record === undefined || local.kind !== 'up' || replacedIn(record) === replace) return undefined;
  if (replace === member && isCopy(seen, local.state) && !retires(seen, local.state)) {
    return `${member} is to be rebuilt: that waits until both members serve and follow each other`;
  }
  if (replace === peer && remote.kind === 'absent' && peerIsCopy(seen)) {
    return `${peer} is to be rebuilt but does not answer: rows that only it has would be lost`;
  }
  return undefined;
}

/** The member that was last taken out on request; '' for none. */
function replacedIn(record: RoleRecord): string {
  return record.notes?.replaced ?? '';
}
