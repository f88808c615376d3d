// What the member does that the record names as holder: finish its promotion, open, keep the standby, hand over. Pure.
import { assertNever } from '../../errors.ts';
import { decideToNote, decideToReplace, isCondemned } from './decide-override.ts';
import { acknowledgedInTrial, mayTryAgain } from './history.ts';
import { containsGtids, parseGtids, unionGtids } from './gtid.ts';
import type { PeerReport, RunningEngine } from './member-state.ts';
import { copyOf, sameCopy } from './member-state.ts';
import {
  fence,
  isPending,
  isRecorded,
  ownCopy,
  peerMayCount,
  peerSurelyCounts,
  wait,
  writeStep,
} from './view.ts';
import type { Recorded, Step, View } from './view.ts';

/**
 * A primary that does not answer for so long is closed where the standby can go on. At level Fast its deadline passes first; at
 * the slower levels, meant for a slow API server, nobody need wait so long for a hung server.
 */
const HUNG_MS = 3_000;
/** So long a restarted primary waits for the standby to connect again, and then to have everything. */
const RECONNECT_MS = 3_000;
const CATCH_UP_MS = 10_000;
/** So long commits wait for a first acknowledgement before a trial is given up. */
const TRIAL_MS = 2_000;
/** A promotion that applies nothing for so long leaves the role to the other copy (M4). */
const APPLY_STUCK_MS = 60_000;

export function decideAsHolder(view: Recorded): Step {
  const { engine, record } = view;
  switch (engine.kind) {
    case 'unknown':
      return whileSilent(view, engine.why);
    case 'empty':
      return ownFirstStart(view) ?? release(view, 'its data are gone');
    case 'down':
      return whileDown(view);
    case 'starting':
      return engine.closed ? whileDown(view) : whileComingUp(view);
    case 'running':
      if (!isRecorded(view, ownCopy(view, engine))) {
        return handOver(view, engine, 'its data are not the recorded copy');
      }
      if (giveUpReason(view) !== undefined) return handOver(view, engine, giveUpReason(view) ?? '');
      if (record.phase !== 'open') return promote(view, engine);
      return engine.writable ? serve(view, engine) : reopen(view, engine);
    default:
      return assertNever(engine);
  }
}

function giveUpReason(view: Recorded): string | undefined {
  return view.stopping ? 'its pod is being stopped' : view.handingOver;
}

/** Claimed, and not made yet: nothing was ever acknowledged under this record. */
function ownFirstStart({ record, member, job }: Recorded): Step | undefined {
  const [copy, ...others] = record.copies;
  if (record.epoch !== 1 || record.phase !== 'promoting' || copy?.member !== member || others.length > 0) {
    return undefined;
  }
  return job === undefined
    ? { kind: 'initialize', datadir: copy.datadir, serverUuid: copy.serverUuid }
    : wait('the first server is being made');
}

/** Nobody knows whether it is open: only a closed or killed one may be left. */
function whileSilent(view: Recorded, why: string): Step {
  const { silent } = view.history;
  const hung = silent !== undefined && view.now - silent > HUNG_MS && canTakeOver(view);
  const reason = giveUpReason(view) ?? (hung ? 'mysqld does not answer' : undefined);
  return reason === undefined ? wait(why) : fence(reason);
}

/** mysqld lets nobody in, and an earlier agent may have opened it: only a killed one may be left (L1). */
function whileComingUp(view: Recorded): Step {
  const reason = giveUpReason(view);
  return reason === undefined ? wait('mysqld is starting') : fence(reason);
}

/** mysqld has ended, or begun anew, closed. Where the standby can go on it does so sooner than a crash recovery ends. */
function whileDown(view: Recorded): Step {
  const reason = giveUpReason(view);
  if (reason !== undefined) return release(view, reason);
  if (view.job !== undefined) return wait('its data are being made');
  return canTakeOver(view) ? release(view, 'mysqld has ended') : wait('mysqld is being started again');
}

/** By its agent's word, the recorded standby is up and applies. */
function canTakeOver(view: Recorded): boolean {
  const engine = view.peer?.engine;
  return (
    peerSurelyCounts(view) &&
    view.peer?.stopping !== true &&
    engine?.kind === 'running' &&
    engine.replica?.sqlError === '' &&
    view.record.copies.some((copy) => sameCopy(copy, copyOf(view.peerMember, engine)))
  );
}

/** Stop serving, then empty the holder. The successor replaces the endpoint by its own in one write (router.ts). */
function handOver(view: Recorded, engine: RunningEngine, reason: string): Step {
  return engine.writable ? { kind: 'close', planned: true, reason } : release(view, reason);
}

function release(view: Recorded, reason: string): Step {
  const { asked, record } = view;
  // A value of the switchover annotation acts once, whatever made the role move meanwhile.
  const change = asked === record.switchover ? {} : { switchover: asked };
  return writeStep(view, 'release', { holder: null, ...change, notes: { released: reason } }, reason);
}

/** M4, after the first write: nothing more comes in, all that came in is applied, then the second write. */
function promote(view: Recorded, engine: RunningEngine): Step {
  if (view.job === 'clone') return { kind: 'end-clone' };
  if (engine.semiSync.on) return { kind: 'semi-sync', on: false, reason: 'what it applies must not wait' };
  const { replica } = engine;
  if (replica !== undefined && replica.io !== 'off') return { kind: 'stop-receiving' };
  const unapplied = applyRest(view, engine);
  if (unapplied !== undefined) return unapplied;
  if (!view.certain) return wait('the heartbeat is not renewed');
  return writeStep(
    view,
    'open',
    { phase: 'open', copies: [ownCopy(view, engine)] },
    'everything received is applied',
  );
}

/** Until the relay log is applied; releases where it cannot be. */
function applyRest(view: Recorded, { replica, executed }: RunningEngine): Step | undefined {
  if (replica === undefined || containsGtids(parseGtids(executed), parseGtids(replica.retrieved)))
    return undefined;
  if (replica.sqlError !== '') return release(view, `it cannot apply what it received: ${replica.sqlError}`);
  if (!replica.sql) return { kind: 'start-applying' };
  return view.now - view.history.appliedAt > APPLY_STUCK_MS
    ? release(view, 'applying what it received does not get on')
    : wait('applying what was received');
}

/** Phase `open`, engine closed: right after a promotion, or after a restart under the same role (M6). */
function reopen(view: Recorded, engine: RunningEngine): Step {
  if (isPending(view, 'release')) return release(view, 'released, with unknown outcome');
  const { replica } = engine;
  if (replica !== undefined && replica.io !== 'off') return { kind: 'stop-receiving' };
  const unapplied = applyRest(view, engine);
  if (unapplied !== undefined) return unapplied;
  if (!view.proven) return prove(view);
  if (!view.permitted) return wait('the heartbeat is not renewed');
  if (!peerMayCount(view)) {
    if (engine.semiSync.on && view.durability === 'Preferred') {
      return { kind: 'semi-sync', on: false, reason: 'there is no other copy' };
    }
    return { kind: 'open' };
  }
  if (!engine.semiSync.on) return { kind: 'semi-sync', on: true, reason: 'the standby is a recorded copy' };
  // M6: commits that were recovered but never acknowledged must not be read and then lost.
  if (standbyHas(view.peer, engine)) return { kind: 'open' };
  const { alone, since } = view.history;
  const gone = alone !== undefined && view.now - alone > RECONNECT_MS;
  return (gone || view.now - since > CATCH_UP_MS) && view.durability === 'Preferred'
    ? withdraw(view, engine, 'the standby does not come back')
    : wait('the standby has to have all commits first');
}

function standbyHas(peer: PeerReport | undefined, own: RunningEngine): boolean {
  const engine = peer?.engine;
  if (engine?.kind !== 'running' || engine.replica?.sourceUuid !== own.serverUuid) return false;
  const theirs = unionGtids(parseGtids(engine.executed), parseGtids(engine.replica.retrieved));
  return containsGtids(theirs, parseGtids(own.executed));
}

/** Open. The order: certain of the role, users, clients in, endpoint, then the standby. */
function serve(view: Recorded, engine: RunningEngine): Step {
  if (!view.proven && view.certain) return prove(view);
  // An account statement that waits for an acknowledgement would hold up the standby's own log-in.
  const quick = !engine.semiSync.on || standbyInStep(view.peer, engine);
  if (!view.provisioned && quick) return { kind: 'provision' };
  if (view.provisioned && !engine.online) return { kind: 'let-in' };
  // Only now: it takes a tenth of a second, more on a busy disk, and nothing is received meanwhile.
  if (view.published && engine.replica !== undefined) return { kind: 'forget-source' };
  if (view.retire && quick) return { kind: 'retire' };
  return (
    decideToNote(view) ??
    switchover(view, engine) ??
    decideToReplace(view, engine) ??
    (peerMayCount(view) ? keepStandby(view, engine) : admitStandby(view, engine))
  );
}

/** A planned hand-over: only to a standby that can take over at once. */
function switchover(view: Recorded, engine: RunningEngine): Step | undefined {
  const { asked, record } = view;
  if (asked === record.switchover || !view.certain) return undefined;
  if (asked === '') return writeStep(view, 'rearm', { switchover: '' }, 'the switchover annotation is gone');
  return standbyInStep(view.peer, engine) && canTakeOver(view)
    ? { kind: 'hand-over', reason: 'a hand-over was asked for' }
    : undefined;
}

/** M11: a holder writes the record only while its own heartbeat is renewed. */
function prove(view: Recorded): Step {
  return view.certain
    ? writeStep(view, 'prove', {}, 'a new start, or a passed deadline')
    : wait('the heartbeat is not renewed');
}

function keepStandby(view: Recorded, engine: RunningEngine): Step {
  if (!engine.semiSync.on) return { kind: 'semi-sync', on: true, reason: 'the standby is a recorded copy' };
  const lost = whyLost(view, engine);
  if (lost !== undefined) {
    if (view.durability === 'Preferred') return withdraw(view, engine, lost);
    // M8: a stalled acknowledgement with a healthy standby ends in a hand-over, never in waiting for ever.
    if (standbyInStep(view.peer, engine) && canTakeOver(view)) return { kind: 'hand-over', reason: lost };
    return wait(`commits wait for the standby: ${lost}`);
  }
  return replaceCopy(view, engine) ?? settled(view, 'the standby is in step');
}

/** Why the recorded standby no longer counts; undefined while it does. */
function whyLost(view: Recorded, engine: RunningEngine): string | undefined {
  const { alone, stalled } = view.history;
  if (alone !== undefined && view.now - alone > view.graceMs) return 'the standby is not connected';
  if (stalled !== undefined && view.now - stalled > view.graceMs) return 'the standby does not acknowledge';
  if (view.peer?.stopping === true) return 'the standby is being stopped';
  const standby = view.peer?.engine;
  if (standby?.kind !== 'running') return undefined;
  if (standby.replica?.sourceUuid === engine.serverUuid && standby.replica.sqlError !== '') {
    return `the standby cannot apply: ${standby.replica.sqlError}`;
  }
  return undefined;
}

function withdraw(view: Recorded, engine: RunningEngine, reason: string): Step {
  return writeStep(view, 'withdraw', { copies: [ownCopy(view, engine)] }, reason);
}

/** The standby came back on another data directory than the recorded one, and acknowledges. */
function replaceCopy(view: Recorded, engine: RunningEngine): Step | undefined {
  const standby = view.peer?.engine;
  if (standby?.kind !== 'running' || isRecorded(view, copyOf(view.peerMember, standby))) return undefined;
  return admission(view, engine);
}

/** No other copy: semi-sync goes on when a standby has caught up, and it is recorded once it has acknowledged (M5). */
function admitStandby(view: Recorded, engine: RunningEngine): Step {
  const admitted = admission(view, engine);
  if (admitted !== undefined) return admitted;
  const { trial, stalled } = view.history;
  const ready = standbyInStep(view.peer, engine) && !peerCondemned(view) && engine.semiSync.clients > 0;
  if (engine.semiSync.on) {
    const late =
      (trial !== undefined && view.now - trial.at > TRIAL_MS) ||
      (stalled !== undefined && view.now - stalled > view.graceMs);
    return view.durability === 'Preferred' && (!ready || late) && view.proven
      ? { kind: 'semi-sync', on: false, reason: 'no standby acknowledges' }
      : wait('a first acknowledgement is awaited');
  }
  if (view.durability === 'Required')
    return { kind: 'semi-sync', on: true, reason: 'durability is Required' };
  if (!ready) return settled(view, 'there is no standby');
  if (!mayTryAgain(view.history, view.now)) return settled(view, 'the standby comes and goes');
  return hasCaughtUp(view)
    ? { kind: 'semi-sync', on: true, reason: 'the standby has caught up' }
    : wait('the standby is catching up');
}

function admission(view: Recorded, engine: RunningEngine): Step | undefined {
  const standby = view.peer?.engine;
  if (!view.certain || !view.proven || view.lent || standby?.kind !== 'running') return undefined;
  // One standby is connected, it is this one, and a commit made in its trial was acknowledged.
  const acknowledged = engine.semiSync.clients === 1 && acknowledgedInTrial(view.history);
  if (!standbyInStep(view.peer, engine) || peerCondemned(view) || !acknowledged) return undefined;
  const copies = [ownCopy(view, engine), copyOf(view.peerMember, standby)];
  // Two members have everything again: nothing is left of a forced failover.
  const notes = (view.record.notes?.forced ?? '') === '' ? {} : { notes: { forced: '' } };
  return writeStep(view, 'admit', { copies, ...notes }, 'the standby acknowledges and applies');
}

function peerCondemned(view: Recorded): boolean {
  const engine = view.peer?.engine;
  return engine?.kind === 'running' && isCondemned(view, engine.datadir);
}

/** By its agent's word it receives from this very server and applies. */
export function standbyInStep(peer: PeerReport | undefined, own: RunningEngine): boolean {
  const engine = peer?.engine;
  return (
    engine?.kind === 'running' &&
    peer?.stopping !== true &&
    !engine.writable &&
    engine.replica !== undefined &&
    engine.replica.sourceUuid === own.serverUuid &&
    engine.replica.io === 'on' &&
    engine.replica.sql &&
    engine.replica.sqlError === ''
  );
}

/** It has all that was here a moment ago: commits will not wait long for it. */
function hasCaughtUp({ peer, history }: View): boolean {
  const engine = peer?.engine;
  if (engine?.kind !== 'running' || history.momentAgo === undefined) return false;
  const theirs = unionGtids(parseGtids(engine.executed), parseGtids(engine.replica?.retrieved ?? ''));
  return containsGtids(theirs, parseGtids(history.momentAgo));
}

/** Nothing is left to do for the role: what an earlier life left in the volume goes (M9). */
function settled(view: Recorded, reason: string): Step {
  const [leftover] = view.leftovers;
  return leftover !== undefined && view.job === undefined
    ? { kind: 'remove', datadir: leftover }
    : wait(reason);
}
