// What people ask for: the role forced onto a member that is no recorded copy, a standby made anew; and what they are told
// when nothing else helps. Pure.
import { lossToken } from '../../agent/role-notes.ts';
import { taking } from '../../agent/role-record.ts';
import { copyOf } from './member-state.ts';
import type { RunningEngine } from './member-state.ts';
import { isRecorded, ownCopy, writeStep } from './view.ts';
import type { Recorded, Step } from './view.ts';

/** So long a recorded copy has to come up before a human is asked. Longer than a pod's start. */
const STRANDED_MS = 30_000;

/** No recorded copy takes the role, and none is seen that will. */
function isStranded(view: Recorded): boolean {
  const { record, engine, peer } = view;
  if (view.stopping || view.promised || !view.certain || !view.recordOnWatch || record.epoch === 0)
    return false;
  if (record.holder !== undefined && !view.holderDead) return false;
  if (engine.kind !== 'running' || isRecorded(view, ownCopy(view, engine))) return false;
  return peer?.engine.kind !== 'running' || !isRecorded(view, copyOf(view.peerMember, peer.engine));
}

/**
 * A human has accepted the loss, for this member and this record. The one way around M3; all else is as in any taking: what
 * was received is applied first. From then on nothing that the old primary has alone is overwritten unasked (M9).
 */
export function decideByForce(view: Recorded): Step | undefined {
  const { record, engine } = view;
  if (view.force === '' || engine.kind !== 'running' || !isStranded(view)) return undefined;
  if (view.force !== lossToken(record, view.member) || view.job !== undefined) return undefined;
  // What cannot be applied is part of what was accepted.
  if (engine.replica !== undefined && engine.replica.sqlError !== '') return { kind: 'forget-source' };
  return writeStep(
    view,
    'take',
    {
      ...taking(record, view.self, 'promoting'),
      copies: [ownCopy(view, engine)],
      notes: { forced: view.force, stranded: [] },
    },
    'forced: a human accepted the loss of what this member has not',
  );
}

/** Says what this member has, and empties a holder that is dead: the recorded copy may still take, whenever it comes back. */
export function decideStranded(view: Recorded): Step | undefined {
  if (!isStranded(view) || view.unheldMs < STRANDED_MS) return undefined;
  const before = view.record.notes?.stranded ?? [];
  const known = before.find(({ member }) => member === view.member);
  if (known !== undefined && known.upTo === view.upTo) return undefined;
  const others = before.filter(({ member }) => member !== view.member);
  return writeStep(
    view,
    'strand',
    { holder: null, notes: { stranded: [...others, { member: view.member, upTo: view.upTo }] } },
    'no recorded copy takes the role',
  );
}

/** The open holder answers the replace-member annotation. A value acts once; its removal arms the next. */
export function decideToReplace(view: Recorded, engine: RunningEngine): Step | undefined {
  const { record, replace, peer } = view;
  if (replace === (record.notes?.replaced ?? '') || !view.certain || !view.proven) return undefined;
  if (replace === '') {
    return writeStep(view, 'rearm', { notes: { replaced: '' } }, 'the replace-member annotation is gone');
  }
  const answered = { replaced: replace };
  if (replace === view.member) {
    const reason = `${replace} is the primary and is not made anew: ask for a hand-over first`;
    return writeStep(view, 'refuse', { notes: answered }, reason);
  }
  // Its agent must say what is to go: else a directory that came in between would go instead.
  if (peer?.engine.kind !== 'running' || peer.engine.writable) return undefined;
  return writeStep(
    view,
    'condemn',
    { copies: [ownCopy(view, engine)], notes: { ...answered, condemned: peer.engine.datadir } },
    `${replace} is made anew, as was asked`,
  );
}

export function isCondemned(view: Recorded, datadir: string): boolean {
  return view.record.notes?.condemned === datadir;
}

/** A condemned standby ends replication before its data are made anew beside it (M9). */
export function endReplication(engine: RunningEngine): Step | undefined {
  const { replica } = engine;
  return replica !== undefined && (replica.io !== 'off' || replica.sql)
    ? { kind: 'stop-replica' }
    : undefined;
}

/** How the role came here is written once, by its holder. */
export function decideToNote(view: Recorded): Step | undefined {
  const { handover, record } = view;
  if (handover?.epoch !== record.epoch || record.notes?.handover?.epoch === record.epoch) return undefined;
  if (!view.certain || !view.proven) return undefined;
  return writeStep(view, 'note', { notes: { handover } }, handover.reason);
}
