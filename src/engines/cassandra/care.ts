// The upkeep of a settled ring: members leave, are replaced, cleaned up and repaired, one thing and one member at a time. Pure.
import type { MemberSeen, RingObserved } from './gather.ts';
import { replicationFactor } from './members.ts';
import type { RingRecord } from './record.ts';
import { notWhole } from './ring.ts';

export type Task = 'cleanup' | 'repair';

export type Care =
  | { readonly kind: 'nothing' }
  /** Decommission: begin it, or see how far it is. Nothing of the member goes before its data has (C1). */
  | { readonly kind: 'leave'; readonly pod: string; readonly uid: string }
  /** The pod of a member that left is in the way of a new member of that name. */
  | { readonly kind: 'remake'; readonly pod: string; readonly uid: string }
  /** Give the member up with its disk, so that it takes its old place with an empty one. */
  | {
      readonly kind: 'replace';
      readonly pod: string;
      readonly uid: string | undefined;
      readonly ready: boolean;
    }
  /** Begin a task in a member's pod, or see how far it is; `id` is the same until it is done. */
  | { readonly kind: 'task'; readonly task: Task; readonly pod: string; readonly id: string }
  /** Only the record changes: see `remembered`. */
  | { readonly kind: 'remember' };

const DAY_MS = 86_400_000;
/** Well below the 10 days of `gc_grace_seconds`, after which a deletion that a member missed would come to nothing. */
const REPAIR_EVERY_MS = 7 * DAY_MS;
const RETRY_REPAIR_MS = DAY_MS / 4;

export function decideCare(observed: RingObserved): Care {
  const { members, record, wanted } = observed;
  if (remembered(record, observed) !== undefined) return { kind: 'remember' };
  const remade = members.find(
    ({ pod, uid }, index) => uid !== undefined && record.left[pod] === uid && index < wanted,
  );
  if (remade?.uid !== undefined) return { kind: 'remake', pod: remade.pod, uid: remade.uid };
  const leaver = leaverOf(observed);
  if (leaver?.uid !== undefined) return { kind: 'leave', pod: leaver.pod, uid: leaver.uid };
  if (record.leaving !== '') return { kind: 'nothing' };
  const replaced = members.find(({ pod }) => pod === pendingReplacement(observed));
  if (replaced !== undefined && replaceRefused(observed) === undefined) {
    return { kind: 'replace', pod: replaced.pod, uid: replaced.uid, ready: replaced.ready };
  }
  if (!members.every((member) => member.ready)) return { kind: 'nothing' };
  return cleanup(observed) ?? repair(observed) ?? { kind: 'nothing' };
}

/** As few as the ring may have: never fewer than a row has copies. */
export function leastMembers({ members, wanted }: RingObserved): number {
  return Math.max(wanted, replicationFactor(members.length));
}

/** The last of the joining order, so that the racks stay even. Begun only in a whole ring, then gone on with. */
function leaverOf(observed: RingObserved): MemberSeen | undefined {
  const { members, record, ring } = observed;
  const others = (leaver: string): boolean => members.every(({ pod, ready }) => ready || pod === leaver);
  if (record.leaving !== '') {
    return others(record.leaving) ? members.find(({ pod }) => pod === record.leaving) : undefined;
  }
  const last = members.at(-1);
  if (last === undefined || members.length <= leastMembers(observed)) return undefined;
  // A cache may lag behind the record's last word: who is no longer in it has left.
  if (record.addresses[last.pod] === undefined) return undefined;
  return others('') && notWhole(ring, members.length) === undefined ? last : undefined;
}

/** The member that a human wants replaced, until it was. */
export function pendingReplacement({ demands, record }: RingObserved): string | undefined {
  return demands.replace === record.acted.replace ? undefined : demands.replace;
}

/** Why the member that is asked for may not be replaced now. */
export function replaceRefused(observed: RingObserved): string | undefined {
  const { members, record } = observed;
  const pod = pendingReplacement(observed);
  if (pod === undefined) return undefined;
  if (record.addresses[pod] === undefined) return `${pod} has not joined the ring yet`;
  if (replicationFactor(members.length) < 2) return `${pod} has the only copy of every row`;
  const away = members.filter((member) => !member.ready && member.pod !== pod);
  return away.length === 0
    ? undefined
    : `${away.map((member) => member.pod).join(', ')} must serve first: its copies are needed`;
}

function cleanup({ record, members }: RingObserved): Care | undefined {
  const pod = record.cleanup.find((name) => members.some((member) => member.pod === name));
  // Another size of the ring is another task.
  return pod === undefined
    ? undefined
    : { kind: 'task', task: 'cleanup', pod, id: String(Object.keys(record.addresses).length) };
}

function repair({ record, members, now }: RingObserved): Care | undefined {
  // One copy has nothing to be compared with.
  if (members.length < 2) return undefined;
  const due = members.find(({ pod }) => {
    const last = record.repaired[pod];
    return last === '' || (last !== undefined && Date.parse(now) - Date.parse(last) >= REPAIR_EVERY_MS);
  });
  if (due === undefined) return undefined;
  const id = (record.repaired[due.pod] ?? '') || (record.acted.repair ?? '');
  return { kind: 'task', task: 'repair', pod: due.pod, id: id.replaceAll(/[^0-9A-Za-z]/g, '-') };
}

/**
 * The record with what has to be noted, or undefined: the weeks begin when a member is first seen, a human's word makes all
 * repairs due, and a replacement may be asked for again once the word was taken back.
 */
export function remembered(record: RingRecord, { demands, now }: RingObserved): RingRecord | undefined {
  const { acted, addresses, repaired } = record;
  const pods = Object.keys(addresses);
  if (demands.repair !== undefined && demands.repair !== acted.repair) {
    return {
      ...record,
      repaired: Object.fromEntries(pods.map((pod) => [pod, ''])),
      acted: { ...acted, repair: demands.repair },
    };
  }
  if (acted.replace !== undefined && demands.replace === undefined) {
    const { replace: _, ...others } = acted;
    return { ...record, acted: others };
  }
  const fresh = pods.filter((pod) => repaired[pod] === undefined);
  if (fresh.length === 0) return undefined;
  return { ...record, repaired: { ...repaired, ...Object.fromEntries(fresh.map((pod) => [pod, now])) } };
}

/** When a member whose repair failed counts as repaired, so that it is due again in a few hours. */
export function retryAt(now: string): string {
  return new Date(Date.parse(now) - REPAIR_EVERY_MS + RETRY_REPAIR_MS).toISOString();
}

/** RFC 3339; undefined while it is due at once, or before the member was seen. */
export function nextRepair({ repaired }: RingRecord, pod: string): string | undefined {
  const last = repaired[pod];
  return last === undefined || last === ''
    ? undefined
    : new Date(Date.parse(last) + REPAIR_EVERY_MS).toISOString();
}
