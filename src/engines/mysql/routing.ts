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
  if (record.holder !== view.self) {
    const following = engine.replica?.io === 'on' && engine.replica.sql;
    return { ...NOWHERE, ro: following && !engine.writable && isRecorded(recorded, ownCopy(view, engine)) };
  }
  // Clients were let in once all was provisioned: neither a restart of the agent nor a new password takes the endpoint away.
  if (!engine.writable || view.handingOver !== undefined) return NOWHERE;
  const counted = record.copies.some((copy) => copy.member === view.peerMember);
  const standby = view.peer?.engine;
  const readable =
    counted && standby?.kind === 'running' && standby.online && standbyInStep(view.peer, engine);
  // Reads fall back to the primary where there is no standby to take them.
  return { rw: record.epoch, ro: !readable, drop: counted ? undefined : view.peerMember };
}
