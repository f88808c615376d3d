// The ring's word on itself. Pure.
import type { SpaceCluster, SpaceClusterStatus } from '../../api/v1alpha1/index.ts';
import type { Assessment } from '../engine.ts';
import type { RenewalWish } from '../shared/renewal.ts';
import type { MemberSeen, RingObserved } from './gather.ts';
import { decide } from './decide.ts';
import { replicationFactor } from './members.ts';

/** As `nodetool status` says it: up and normal, down and normal, up and joining; `--` before there is a pod. */
type MemberState = 'UN' | 'DN' | 'UJ' | '--';

export function assess(observed: RingObserved, cluster: SpaceCluster): Assessment {
  const status = { cassandra: { members: observed.members.map((member) => memberStatus(member, observed)) } };
  return { ...verdict(observed, cluster), status };
}

/** One member at a time, and none while the ring is changing: a row may then have a copy less than it seems. */
export function renewal(observed: RingObserved): RenewalWish {
  const joined = observed.members.every(({ pod }) => observed.record.addresses[pod] !== undefined);
  const settled = observed.record.settled !== '' && decide(observed).kind === 'nothing';
  return { last: [], hold: joined && settled ? undefined : 'the ring is still being made or settled' };
}

function verdict(observed: RingObserved, cluster: SpaceCluster): Omit<Assessment, 'status'> {
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
  if (members.length > cluster.spec.cassandra.replicas) {
    return serving(
      survivesAnyNode(members),
      'ScaleDownRefused',
      `spec.cassandra.replicas is ${cluster.spec.cassandra.replicas}, the ring has ${members.length} members: removing members is not supported yet, all of them stay`,
    );
  }
  const tolerant = survivesAnyNode(members);
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
  return {
    name: member.pod,
    rack: member.rack,
    ready: member.ready,
    state: memberState(member, record.addresses[member.pod] !== undefined),
    ...(member.node === undefined ? {} : { node: member.node }),
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
