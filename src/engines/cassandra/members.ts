// Who the members of the ring are: racks, pods and the order in which they join. Pure arithmetic on the spec.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { cassandraRackName } from '../../api/v1alpha1/names.ts';

export const DATACENTER = 'dc1';

/** More racks than replicas would buy nothing, fewer would put two replicas of a row on one rack. */
const MAX_RACKS = 3;

export interface Member {
  readonly pod: string;
  readonly rack: string;
}

/**
 * How many members the ring has to have. A member never leaves before its data has (C1): while the spec asks for fewer than
 * have joined, those that have stay, until the operator has seen the last one leave.
 */
export function memberCount(cluster: SpaceCluster): number {
  const listed = cluster.status?.cassandra?.members ?? [];
  const joined = listed.findLastIndex(({ state }) => state === 'UN' || state === 'DN' || state === 'UL') + 1;
  return Math.max(cluster.spec.cassandra.replicas, joined);
}

export function racks(count: number): readonly string[] {
  return Array.from({ length: Math.min(MAX_RACKS, count) }, (_, index) => `r${index + 1}`);
}

/** Copies of each row: one a rack. */
export function replicationFactor(count: number): number {
  return Math.min(MAX_RACKS, count);
}

/** All members in joining order: rack by rack, so that the racks stay even at every step. */
export function members(cluster: string, count: number): readonly Member[] {
  const names = racks(count);
  return Array.from({ length: count }, (_, index) => {
    const rack = names[index % names.length] ?? 'r1';
    return { rack, pod: `${cassandraRackName(cluster, rack)}-${Math.floor(index / names.length)}` };
  });
}

/** Members of one rack. */
export function rackSize(count: number, rack: string): number {
  return members('', count).filter((member) => member.rack === rack).length;
}
