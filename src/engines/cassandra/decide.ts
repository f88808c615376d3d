// What the operator has to do next for the ring. Pure.
import { decideCare } from './care.ts';
import type { Care } from './care.ts';
import type { RingObserved } from './gather.ts';
import { replicationFactor } from './members.ts';
import type { RingRecord } from './record.ts';
import { corrections } from './ring.ts';

export type Decision =
  | { readonly kind: 'nothing' }
  /** Write these members' addresses before anything else: from then on no member forms a second ring. */
  | { readonly kind: 'record'; readonly addresses: RingRecord['addresses'] }
  /** Make roles, keyspaces and replication; `key` is what they are then settled for. */
  | { readonly kind: 'settle'; readonly key: string; readonly replication: number }
  | Care;

export function decide(observed: RingObserved): Decision {
  const { members, record, ring } = observed;
  const allReady = members.every((member) => member.ready);
  const formed = Object.keys(record.addresses).length > 0;
  // Members join a ring that is being formed without streaming: it is formed only when all of them are there.
  if (!formed && !allReady) return { kind: 'nothing' };
  const addresses = {
    ...(ring === undefined ? {} : corrections(ring, members, record.addresses)),
    ...readyAddresses(observed),
  };
  if (Object.entries(addresses).some(([pod, address]) => record.addresses[pod] !== address)) {
    return { kind: 'record', addresses };
  }
  const key = settlementKey(observed);
  if (record.settled === key) return decideCare(observed);
  if (!allReady || observed.missingSecrets.length > 0) return { kind: 'nothing' };
  return { kind: 'settle', key, replication: replicationFactor(members.length) };
}

/** Changes when replication or a Secret does, and tells nothing of what is in them. */
export function settlementKey(observed: RingObserved): string {
  const versions = Object.entries(observed.secretVersions).toSorted(([left], [right]) =>
    left.localeCompare(right),
  );
  return [
    `replication=${replicationFactor(observed.members.length)}`,
    ...versions.map(([name, version]) => `${name}=${version}`),
  ].join(' ');
}

function readyAddresses({ members, record }: RingObserved): RingRecord['addresses'] {
  return Object.fromEntries(
    members.flatMap((member) =>
      member.ready && member.ip !== undefined && record.left[member.pod] !== member.uid
        ? [[member.pod, member.ip]]
        : [],
    ),
  );
}
