// The next thing a member's agent has to do (pure): preparing its server, founding or joining the pair, keeping its link.
import type { RoleRecord } from '../../agent/role-record.ts';
import { assertNever } from '../../errors.ts';
import { isCopy, peerIsCopy } from './copies.ts';
import { linkStep } from './link.ts';
import { replacement, retires } from './replacement.ts';
import type { MemberState, Observation } from './observation.ts';
import { BASE_VERSION } from './sql/base.ts';
import { blocked, wait } from './step.ts';
import type { Step } from './step.ts';

export function decide(seen: Observation): Step {
  const { local } = seen;
  switch (local.kind) {
    case 'unseen':
      return wait('Looking', 'not looked at yet');
    case 'absent':
      return wait('ServerDown', `the server of ${seen.member} does not answer: ${local.problem}`);
    case 'bare':
      return { kind: 'prepare' };
    case 'up':
      return ofServer(seen, local.state);
    default:
      return assertNever(local);
  }
}

function ofServer(seen: Observation, own: MemberState): Step {
  if (own.base !== BASE_VERSION) return { kind: 'prepare' };
  if (!seen.settings.passwordCurrent) return { kind: 'setPassword' };
  if (seen.settings.reloadDue) return { kind: 'reload' };
  return (
    membership(seen, own) ??
    replacement(seen, own) ??
    admission(seen, own) ??
    linkStep(seen, own) ?? { kind: 'settled' }
  );
}

/**
 * What the record and this data directory say of each other. A lost volume never founds a pair anew: once the record
 * names a copy, an empty member can only join (P3), and an empty record is first asked of the data directories.
 */
function membership(seen: Observation, own: MemberState): Step | undefined {
  const { record } = seen;
  if (record === undefined) {
    return own.pair === undefined
      ? wait('RecordUnknown', "the pair's record has not been seen yet")
      : undefined;
  }
  const pair = record.copies[0]?.datadir;
  if (pair === undefined)
    return own.pair === undefined ? founding(seen, record) : adopting(seen, record, own);
  if (own.pair !== undefined && own.pair !== pair) {
    return blocked(
      'ForeignData',
      `the volume of ${seen.member} belongs to pair ${own.pair}, the record names ${pair}: put the right volume back, or empty it to have it rebuilt`,
    );
  }
  if (!isCopy(seen, own)) return undefined;
  return own.pair === undefined ? { kind: 'mark', pair } : undefined;
}

/** The record was lost, or its object made anew: the data directory still knows what it is. */
function adopting(seen: Observation, record: RoleRecord, own: MemberState): Step {
  const copies = [{ member: seen.member, serverUuid: own.systemIdentifier, datadir: own.pair ?? '' }];
  return { kind: 'record', base: record, change: { phase: 'open', copies, epoch: record.epoch + 1 } };
}

function founding(seen: Observation, record: RoleRecord): Step {
  if (seen.ordinal !== 0) return wait('WaitingForFounder', `${seen.peer} founds the pair`);
  switch (seen.remote.kind) {
    case 'unseen':
    case 'absent':
    case 'bare':
      // Which of two volumes is the empty one can be told only when both are seen.
      return wait(
        'WaitingForPeer',
        `${seen.peer} has to show that it holds no data before a pair is founded`,
      );
    case 'up':
      return seen.remote.state.pair === undefined
        ? { kind: 'found', base: record }
        : wait('WaitingForPeer', `${seen.peer} holds the data of a pair and enters it in the record`);
    default:
      return assertNever(seen.remote);
  }
}

/** P2: serves once it has what its peer had, or once the peer is given up for the time being. */
function admission(seen: Observation, own: MemberState): Step | undefined {
  if (own.admitted || !isCopy(seen, own)) return undefined;
  if (!peerIsCopy(seen)) return { kind: 'admit', solo: false };
  if (seen.caughtUp) return { kind: 'admit', solo: false };
  return seen.peerAwayMs >= seen.soloAfterMs ? { kind: 'admit', solo: true } : undefined;
}

/** May clients be sent to this member now? */
export function serves(seen: Observation): boolean {
  const { local } = seen;
  return (
    local.kind === 'up' && local.state.admitted && isCopy(seen, local.state) && !retires(seen, local.state)
  );
}
