// The next thing a MySQL agent does. Pure: what it rests on is in the view, what it may come to in the steps.
import { taking } from '../../agent/role-record.ts';
import { decideAsHolder } from './decide-holder.ts';
import { decideByForce, decideStranded } from './decide-override.ts';
import { decideAsStandby } from './decide-standby.ts';
import type { RunningEngine } from './member-state.ts';
import { fence, isPending, isRecorded, isStillNeeded, ownCopy, wait, writeStep } from './view.ts';
import type { Recorded, Step, View } from './view.ts';

/** A server's receiver of acknowledgements looks around once a second; then it knows that no standby is left. */
const ACKS_REST_MS = 1_100;

export function decide(view: View): Step {
  if (view.record === undefined) return wait('the role record has not been seen yet');
  const recorded: Recorded = { ...view, record: view.record };
  return view.record.holder === view.self ? decideAsHolder(recorded) : decideAsOther(recorded);
}

function decideAsOther(view: Recorded): Step {
  const { record, engine } = view;
  // L1: whoever is not the holder serves no writes, however it came to be open.
  if (engine.kind === 'running' && engine.writable) return fence('the role belongs to another');
  const taken = decideToTake(view) ?? decideByForce(view);
  if (taken !== undefined) return taken;
  if (
    engine.kind === 'running' &&
    engine.semiSync.on &&
    record.holder !== undefined &&
    record.phase === 'open'
  ) {
    return endSemiSync(view, engine);
  }
  if (view.stopping) return decideToLeave(view);
  if (record.epoch === 0 && view.ordinal === 0) return decideFirst(view);
  // A clone needs a server that takes it in. What is made here is nobody's copy.
  if (engine.kind === 'empty') {
    return view.job === undefined ? { kind: 'initialize', ...view.fresh } : wait('a server is being made');
  }
  return decideStranded(view) ?? decideAsStandby(view);
}

/**
 * Closed for certain, so no client's commit waits: what it applies must not wait for a standby of its own. mysqld switches
 * semi-sync off at once only when it has had no standby for a second; before, it takes that second, and lets nobody log in
 * meanwhile, neither clients that have yet to learn of the new primary nor the new primary's threads.
 */
function endSemiSync({ history, now }: Recorded, { semiSync }: RunningEngine): Step {
  if (semiSync.clients > 0) return { kind: 'stop-sending' };
  return history.alone === undefined || now - history.alone < ACKS_REST_MS
    ? wait('the receiver of acknowledgements comes to rest')
    : { kind: 'semi-sync', on: false, reason: 'it is not the primary' };
}

/** The very first primary: ordinal 0, and only where nothing was ever initialised (M2). The claim comes before the data. */
function decideFirst(view: Recorded): Step {
  const { record } = view;
  if (record.holder !== undefined || record.copies.length > 0)
    return wait('the record names copies but no epoch');
  if (view.initialised !== false) return wait('it is not known whether this cluster was initialised before');
  if (view.engine.kind === 'unknown') return wait(view.engine.why);
  if (view.engine.kind !== 'empty') {
    return wait('the volume holds data, and no record says whose: it needs a human');
  }
  if (!view.certain) return wait('the heartbeat is not renewed');
  const copies = [{ member: view.member, ...view.fresh }];
  return writeStep(view, 'claim', { ...taking(record, view.self, 'promoting'), copies }, 'first start');
}

/** M3, M4: only a member that the record names exactly, over the very record that the verdict was passed on. */
function decideToTake(view: Recorded): Step | undefined {
  const { record, engine } = view;
  if (view.stopping || view.promised || !view.certain || !view.recordOnWatch) return undefined;
  if (engine.kind !== 'running' || !isRecorded(view, ownCopy(view, engine))) return undefined;
  // What cannot be applied here can be applied there (M4): leave the role to the other copy.
  if (engine.replica !== undefined && engine.replica.sqlError !== '' && record.copies.length > 1)
    return undefined;
  // Whoever waited for a human waits no longer.
  const cleared = (record.notes?.stranded ?? []).length === 0 ? {} : { notes: { stranded: [] } };
  const change = { ...taking(record, view.self, 'promoting'), ...cleared };
  if (record.holder === undefined) {
    if (view.refrain && record.copies.length > 1 && !isPending(view, 'take')) return undefined;
    return writeStep(view, 'take', change, 'nobody holds the role');
  }
  if (!view.holderDead) return undefined;
  return writeStep(view, 'take', change, `no sign of life from ${record.holder}`);
}

/** A standby leaves the record before it stops acknowledging: so no commit waits for one that is gone on purpose. */
function decideToLeave(view: Recorded): Step {
  const { engine } = view;
  if (engine.kind !== 'running' || engine.replica === undefined) return wait('this pod is being stopped');
  if (isStillNeeded(view)) return wait('the primary has not withdrawn this standby yet');
  return engine.replica.io === 'off' && !engine.replica.sql
    ? wait('this pod is being stopped')
    : { kind: 'stop-replica' };
}
