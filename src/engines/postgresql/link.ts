// The next step of a member's link from its peer (pure): schema first, then the subscription, its tables, and the joining.
import { assertNever } from '../../errors.ts';
import { isCopy, peerIsCopy } from './copies.ts';
import { slotTo, subscriberOf, subscriptionFrom } from './names.ts';
import type { MemberState, Observation, Subscription } from './observation.ts';
import { blocked, wait } from './step.ts';
import type { Step } from './step.ts';

/** Undefined when nothing is to be done. */
export function linkStep(seen: Observation, own: MemberState): Step | undefined {
  switch (seen.remote.kind) {
    case 'unseen':
      return wait('Looking', `${seen.peer} has not been looked at yet`);
    case 'absent':
      return wait('PeerAway', `${seen.peer} does not answer: ${seen.remote.problem}`);
    case 'bare':
      return wait('PeerUnprepared', `the agent of ${seen.peer} has not prepared its server yet`);
    case 'up':
      return withPeer(seen, own, seen.remote.state);
    default:
      return assertNever(seen.remote);
  }
}

function withPeer(seen: Observation, own: MemberState, peer: MemberState): Step | undefined {
  if (peer.systemIdentifier === own.systemIdentifier) {
    return blocked(
      'SameData',
      `${seen.member} and ${seen.peer} run on copies of one volume: empty the younger one to have it rebuilt`,
    );
  }
  if (!isCopy(seen, own) && !peerIsCopy(seen)) {
    return blocked(
      'DataLost',
      `the record names other volumes than those of ${seen.member} and ${seen.peer}: put one of them back`,
    );
  }
  return (
    leftovers(own, peer) ??
    schema(seen) ??
    subscription(seen, own, peer) ??
    (isCopy(seen, own) ? undefined : joining(seen, own, peer))
  );
}

/** What belongs to an earlier life of the peer: its progress and its slot would silently skip or keep WAL (P7). */
function leftovers(own: MemberState, peer: MemberState): Step | undefined {
  const foreign = own.subscriptions.find(({ name }) => name !== subscriptionFrom(peer.systemIdentifier));
  if (foreign !== undefined) return { kind: 'dropSubscription', subscription: foreign.name };
  const orphan = own.slots.find(({ name, active }) => {
    const subscriber = subscriberOf(name);
    return !active && subscriber !== undefined && subscriber !== peer.systemIdentifier;
  });
  return orphan === undefined ? undefined : { kind: 'dropSlot', slot: orphan.name };
}

function schema({ gap, peer }: Observation): Step | undefined {
  if (gap.conflicting.length > 0) {
    return blocked(
      'SchemaConflict',
      `schema changes were made with different statements here and on ${peer}: ${gap.conflicting.join(', ')}`,
    );
  }
  return gap.missing.length > 0 ? { kind: 'fetchChanges', names: gap.missing } : undefined;
}

function subscription(seen: Observation, own: MemberState, peer: MemberState): Step | undefined {
  const name = subscriptionFrom(peer.systemIdentifier);
  const present = own.subscriptions.find((each) => each.name === name);
  if (present === undefined) return subscribing(seen, own, peer);
  const slot = peer.slots.find((each) => each.name === slotTo(own.systemIdentifier));
  // The peer could keep its WAL no longer. A new link copies the tables, which merges both sides' rows (P3).
  if (slot === undefined || slot.lost) return { kind: 'dropSubscription', subscription: name };
  if (seen.settings.reconnect.includes(name)) return { kind: 'reconnect', subscription: name };
  if (!present.enabled) return { kind: 'enable', subscription: name };
  if (tablesDiffer(present, peer) && peer.tables.every((table) => own.tables.includes(table))) {
    return { kind: 'refresh', subscription: name };
  }
  return undefined;
}

/**
 * The order of the bootstrap: the joining member subscribes first and copies; when it has everything, the other one
 * subscribes to it, without a copy where the newcomer was empty. A copy on tables with rows is a merge by the rows' stamps.
 */
function subscribing(seen: Observation, own: MemberState, peer: MemberState): Step {
  const publisher = peer.systemIdentifier;
  if (!isCopy(seen, own) || peerIsCopy(seen)) return { kind: 'subscribe', publisher, copyData: true };
  const theirs = linkFrom(own, peer);
  if (theirs === undefined || theirs.pending > 0 || tablesDiffer(theirs, own)) {
    return wait('PeerCopying', `${seen.peer} copies the tables from here`);
  }
  return { kind: 'subscribe', publisher, copyData: peer.pair !== undefined };
}

function joining(seen: Observation, own: MemberState, peer: MemberState): Step {
  const { record } = seen;
  const mine = linkFrom(peer, own);
  if (record === undefined || mine === undefined || !seen.caughtUp) {
    return wait('Copying', `the tables are copied from ${seen.peer}`);
  }
  const theirs = linkFrom(own, peer);
  if (theirs === undefined || theirs.pending > 0 || !theirs.running) {
    return wait('WaitingForReturnLink', `${seen.peer} subscribes to this member`);
  }
  const pair = record.copies[0]?.datadir ?? '';
  const others = record.copies.filter((copy) => copy.member !== seen.member);
  const copies = [...others, { member: seen.member, serverUuid: own.systemIdentifier, datadir: pair }];
  return {
    kind: 'join',
    base: record,
    change: { phase: 'open', copies, epoch: record.epoch + 1 },
    pair,
  };
}

/** The subscription by which `subscriber` follows `publisher`. */
export function linkFrom(publisher: MemberState, subscriber: MemberState): Subscription | undefined {
  const name = subscriptionFrom(publisher.systemIdentifier);
  return subscriber.subscriptions.find((each) => each.name === name);
}

/** Does each member follow all tables of the other, with one schema? */
export function bothFollow({ local, remote, gap }: Observation): boolean {
  if (local.kind !== 'up' || remote.kind !== 'up') return false;
  const [own, peer] = [local.state, remote.state];
  return (
    gap.missing.length + gap.conflicting.length === 0 &&
    own.changes === peer.changes &&
    [linkFrom(peer, own), linkFrom(own, peer)].every(
      (link) => link?.running === true && link.pending === 0 && link.tables.length === own.tables.length,
    )
  );
}

function tablesDiffer(subscription: Subscription, publisher: MemberState): boolean {
  return subscription.tables.join('\n') !== publisher.tables.join('\n');
}
