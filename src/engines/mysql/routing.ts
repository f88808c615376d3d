// What the two routing slices shall say, by what is seen: writes go to the open holder, reads to a standby in step. Pure.
import { standbyInStep } from './decide-holder.ts';
import type { Routing } from './router.ts';
import { isRecorded, ownCopy } from './view.ts';
import type { View } from './view.ts';

const NOWHERE: Routing = { rw: undefined, ro: false, drop: undefined };

export function routingOf(view: View): Routing {
  const { record, engine } = view;
  if (record === undefined || engine.kind !== 'running' || view.stopping || !engine.online) return NOWHERE;
  const recorded = { ...view, record };
  const readable = isRecorded(recorded, ownCopy(view, engine));
  if (record.holder !== view.self) {
    // While it is recorded it has every acknowledged commit, also when the primary is gone: reads go on through a failover.
    const applies = engine.replica?.sql === true && engine.replica.sqlError === '';
    return { ...NOWHERE, ro: readable && applies && !engine.writable };
  }
  if (view.handingOver !== undefined) return NOWHERE;
  // What it reads stays where it was: the one change of the routing shall be the new rw endpoint.
  if (!engine.writable) return { ...NOWHERE, ro: readable };
  // Clients were let in once all was provisioned: neither a restart of the agent nor a new password takes the endpoint away.
  const counted = record.copies.some((copy) => copy.member === view.peerMember);
  const standby = view.peer?.engine;
  const reads = counted && standby?.kind === 'running' && standby.online && standbyInStep(view.peer, engine);
  // Reads fall back to the primary where there is no standby to take them.
  return { rw: record.epoch, ro: !reads, drop: counted ? undefined : view.peerMember };
}
