// What a member does that does not hold the role: follow the primary, be cloned from it, keep still. Pure.
import { assertNever } from '../../errors.ts';
import { endReplication, isCondemned } from './decide-override.ts';
import { containsGtids, formatGtids, parseGtids, subtractGtids, unionGtids, withoutOrigin } from './gtid.ts';
import type { GtidSet } from './gtid.ts';
import type { ReplicaState, RunningEngine } from './member-state.ts';
import { isPending, isRecorded, ownCopy, wait } from './view.ts';
import type { Recorded, Step } from './view.ts';

export function decideAsStandby(view: Recorded): Step {
  const { engine, record } = view;
  // While the outcome of one's own taking is unknown: no IO, no clone (M4).
  if (isPending(view, 'take')) return wait('the outcome of an own taking is unknown');
  if (record.holder === undefined) return wait('nobody holds the role');
  if (record.phase !== 'open') return wait('the primary is being promoted');
  switch (engine.kind) {
    case 'unknown':
      return wait(engine.why);
    case 'empty':
    case 'down':
    case 'starting':
      return wait('mysqld is starting');
    case 'running':
      return beside(view, engine);
    default:
      return assertNever(engine);
  }
}

function beside(view: Recorded, engine: RunningEngine): Step {
  if (view.job === 'clone') return wait('a clone of the primary is being made');
  const primary = view.peer?.engine;
  // An agent that knows an older epoch speaks of a server that is primary no longer.
  if (view.peer === undefined || primary?.kind !== 'running' || view.peer.epoch !== view.record.epoch) {
    return wait("the primary's agent does not answer");
  }
  const condemned = isCondemned(view, engine.datadir) && !isRecorded(view, ownCopy(view, engine));
  if (!condemned && engine.replica !== undefined && isFollowing(engine.replica, primary)) {
    return inStep(view, engine);
  }
  if (!primary.writable) return wait('the primary is not open yet');
  if (condemned) return endReplication(engine) ?? clone(view, errantOf(engine, primary), view.peer.dataBytes);
  return reconnect(view, engine, primary, view.peer.dataBytes);
}

/** Connected to this very server, or trying to; and applying. */
function isFollowing(replica: ReplicaState, primary: RunningEngine): boolean {
  return (
    replica.io === 'on' && replica.sourceUuid === primary.serverUuid && replica.sql && replica.sqlError === ''
  );
}

/** Replication runs. */
function inStep(view: Recorded, engine: RunningEngine): Step {
  if (!engine.online && isRecorded(view, ownCopy(view, engine))) return { kind: 'let-in' };
  const [leftover] = view.leftovers;
  // The old directory stays until this one counts (M9).
  if (leftover !== undefined && view.job === undefined && isRecorded(view, ownCopy(view, engine))) {
    return { kind: 'remove', datadir: leftover };
  }
  return wait('in step');
}

/** Replication does not run, or goes to another server: by what both have, follow or clone. */
function reconnect(view: Recorded, engine: RunningEngine, primary: RunningEngine, bytes: number): Step {
  const own = parseGtids(engine.executed);
  const { replica } = engine;
  // M10: what was retrieved may be the only copy of an acknowledged commit.
  const relayed = replica === undefined ? own : parseGtids(replica.retrieved);
  const applied = containsGtids(own, relayed);
  if (replica !== undefined && !applied && replica.sqlError === '') {
    return replica.sql ? wait('what was retrieved is being applied') : { kind: 'start-applying' };
  }
  const errant = errantOf(engine, primary);
  const reason = cloneReason(own, errant, parseGtids(primary.purged), replica);
  if (reason !== undefined) {
    if (isRecorded(view, ownCopy(view, engine))) {
      return wait(`to be cloned, once the primary has withdrawn it: ${reason}`);
    }
    // M9: after a forced failover this may be the fuller copy; a human decides which one goes.
    if (errant.size > 0 && (view.record.notes?.forced ?? '') !== '') {
      return wait(`kept as it is after a forced failover, until replace-member asks for it: ${reason}`);
    }
    return clone(view, errant, bytes);
  }
  const sameSource =
    replica !== undefined &&
    replica.sourceHost !== '' &&
    (replica.sourceUuid === '' || replica.sourceUuid === primary.serverUuid);
  if (sameSource && replica.io === 'connecting' && !replica.ioRefused) {
    return wait(`connecting: ${replica.ioError}`);
  }
  // A password that was replaced is taken from the Secret anew.
  return sameSource && !replica.ioRefused
    ? { kind: 'start-replica' }
    : { kind: 'follow', source: view.peerMember };
}

/** Transactions that only this member has, applied or received. */
function errantOf({ executed, replica }: RunningEngine, primary: RunningEngine): GtidSet {
  const own = parseGtids(executed);
  const all = replica === undefined ? own : unionGtids(own, parseGtids(replica.retrieved));
  return withoutOrigin(subtractGtids(all, parseGtids(primary.executed)), primary.serverUuid);
}

function clone(view: Recorded, errant: GtidSet, bytes: number): Step {
  return { kind: 'clone', donor: view.peerMember, bytes, errant: formatGtids(errant) };
}

/** Why replication alone cannot bring this member into step; undefined when it can. */
function cloneReason(
  own: GtidSet,
  errant: GtidSet,
  purged: GtidSet,
  replica: ReplicaState | undefined,
): string | undefined {
  if (own.size === 0) return 'it is empty';
  if (errant.size > 0) return `it has transactions that the primary has not: ${formatGtids(errant)}`;
  if (!containsGtids(own, purged)) return 'the primary no longer has the logs it misses';
  if (replica !== undefined && replica.sqlError !== '') return `it cannot apply: ${replica.sqlError}`;
  return undefined;
}
