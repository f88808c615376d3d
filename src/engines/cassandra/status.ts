// The ring's word on itself. Pure.
import type { SpaceClusterStatus } from '../../api/v1alpha1/index.ts';
import type { Assessment } from '../engine.ts';
import type { RenewalWish } from '../shared/renewal.ts';
import type { MemberSeen, RingObserved } from './gather.ts';
import { leastMembers, nextRepair, pendingReplacement, replaceRefused } from './care.ts';
import { decide } from './decide.ts';
import { replicationFactor } from './members.ts';
import { notWhole } from './ring.ts';

/** As `nodetool status` says it: up and normal, down and normal, up and leaving or joining; `--` before there is a pod. */
type MemberState = 'UN' | 'DN' | 'UL' | 'UJ' | '--';

export function assess(observed: RingObserved): Assessment {
  const status = { cassandra: { members: observed.members.map((member) => memberStatus(member, observed)) } };
  const { reason, message, ...rest } = verdict(observed);
  // These go on without any watch telling about it.
  const working = reason === 'Leaving' || reason === 'CleaningUp' ? { working: message } : {};
  return { ...rest, reason, message, ...working, status };
}

/** One member at a time, and none while the ring is changing: a row may then have a copy less than it seems. */
export function renewal(observed: RingObserved): RenewalWish {
  const joined = observed.members.every(({ pod }) => observed.record.addresses[pod] !== undefined);
  const settled = observed.record.settled !== '' && decide(observed).kind === 'nothing';
  return {
    last: [],
    hold:
      joined && settled
        ? notWhole(observed.ring, observed.members.length)
        : 'the ring is still being made, settled or looked after',
  };
}

function verdict(observed: RingObserved): Omit<Assessment, 'status'> {
  const { members, record } = observed;
  const down = members.filter((member) => !member.ready);
  const joined = members.filter((member) => record.addresses[member.pod] !== undefined);
  const listed = down.map((member) => member.pod).join(', ');
  const strangers = Object.keys(record.addresses).filter(
    (pod) => !members.some((member) => member.pod === pod),
  );
  if (strangers.length > 0) {
    return notReady(
      'MembersMissing',
      `the ring also has ${strangers.toSorted().join(', ')}, from before it was applied again: set spec.cassandra.replicas to ${Object.keys(record.addresses).length}`,
    );
  }
  if (joined.length === 0) {
    return notReady('Forming', `the ring of ${members.length} forms; not serving yet: ${listed || 'none'}`);
  }
  if (
    !quorum(
      joined.filter((member) => member.ready),
      joined,
    )
  ) {
    return notReady(
      'QuorumLost',
      `too few of ${joined.length} members serve for LOCAL_QUORUM; down: ${listed}`,
    );
  }
  if (record.settled === '') return notReady('Settling', 'roles and keyspaces are being made');
  if (!observed.routed) {
    return notReady(
      'NotRouted',
      'members serve, but the Service leads to none of them: the endpoint controller of Kubernetes has not followed yet',
    );
  }
  if (record.leaving !== '') {
    return serving(
      down.length === 0 && survivesAnyNode(members),
      'Leaving',
      `${record.leaving} gives its data to the others and leaves${down.length === 0 ? '' : `; not serving: ${listed}`}`,
    );
  }
  const refused = replaceRefused(observed);
  if (refused !== undefined) {
    return serving(false, 'ReplaceRefused', `${pendingReplacement(observed)} is not replaced: ${refused}`);
  }
  const joining = members.filter((member) => !joined.includes(member));
  if (joining.length > 0) {
    return serving(
      false,
      'Joining',
      `${joined.length} members serve; to join, one at a time: ${podNames(joining)}`,
    );
  }
  if (down.length > 0) return serving(false, 'MemberDown', `LOCAL_QUORUM holds; down: ${listed}`);
  if (decide(observed).kind === 'settle') {
    return serving(false, 'Settling', 'replication and roles are being brought to the spec');
  }
  const tolerant = survivesAnyNode(members);
  const least = leastMembers(observed);
  if (members.length > least) {
    return serving(tolerant, 'Leaving', `${members.at(-1)?.pod} leaves once the whole ring is up`);
  }
  if (least > observed.wanted) {
    return serving(
      tolerant,
      'ScaleDownRefused',
      `spec.cassandra.replicas is ${observed.wanted}, and each row has ${least} copies: the ring stays at ${members.length} members`,
    );
  }
  if (record.trouble !== '') return serving(tolerant, 'UpkeepFailed', record.trouble);
  const cleaning = record.cleanup.filter((pod) => members.some((member) => member.pod === pod));
  if (cleaning.length > 0) {
    return serving(
      tolerant,
      'CleaningUp',
      `${members.length} members serve; rows that have moved to newer members are removed on ${cleaning.join(', ')}`,
    );
  }
  return serving(
    tolerant,
    'Serving',
    `${members.length} of ${members.length} members serve, ${replicationFactor(members.length)} copies of each row${tolerant ? '' : '; the loss of one node could cost the quorum'}`,
  );
}

/** LOCAL_QUORUM for every row: a rack holds one copy of each, so a rack with a member down counts as a lost copy. */
function quorum(up: readonly MemberSeen[], all: readonly MemberSeen[]): boolean {
  const copies = replicationFactor(all.length);
  const racks = new Set(all.map((member) => member.rack));
  const whole = [...racks].filter((rack) =>
    all.every((member) => member.rack !== rack || up.includes(member)),
  ).length;
  return whole >= Math.floor(copies / 2) + 1;
}

function survivesAnyNode(members: readonly MemberSeen[]): boolean {
  const nodes = new Set(members.map((member) => member.node));
  return [...nodes].every((node) =>
    quorum(
      members.filter((member) => member.node !== node),
      members,
    ),
  );
}

function memberStatus(
  member: MemberSeen,
  { record }: RingObserved,
): NonNullable<NonNullable<SpaceClusterStatus['cassandra']>['members']>[number] {
  const due = nextRepair(record, member.pod);
  return {
    name: member.pod,
    rack: member.rack,
    ready: member.ready,
    state:
      member.pod === record.leaving ? 'UL' : memberState(member, record.addresses[member.pod] !== undefined),
    ...(member.node === undefined ? {} : { node: member.node }),
    ...(due === undefined ? {} : { nextRepair: due }),
  };
}

function memberState(member: MemberSeen, joined: boolean): MemberState {
  if (member.ready) return 'UN';
  if (joined) return 'DN';
  return member.ip === undefined ? '--' : 'UJ';
}

function podNames(members: readonly MemberSeen[]): string {
  return members.map((member) => member.pod).join(', ');
}

function notReady(reason: string, message: string): Omit<Assessment, 'status'> {
  return { ready: false, faultTolerant: false, reason, message };
}

function serving(faultTolerant: boolean, reason: string, message: string): Omit<Assessment, 'status'> {
  return { ready: true, faultTolerant, reason, message };
}
