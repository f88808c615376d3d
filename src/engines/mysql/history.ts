// What a decision needs to know about the past: since when something has been so. Pure.
import type { EngineState, RunningEngine } from './member-state.ts';

/** Times are monotonic milliseconds. */
export interface History {
  /** The run of mysqld this is about. */
  readonly run: string;
  /** Since when it has been seen to run. */
  readonly since: number;
  /** Since when a question to it has gone unanswered though it runs; undefined while it answers. */
  readonly silent: number | undefined;
  /** Since when no standby is connected; undefined while one is. */
  readonly alone: number | undefined;
  /** Since when commits wait for an acknowledgement without any coming; undefined while they flow. */
  readonly stalled: number | undefined;
  /** Is the standby recorded as a copy? */
  readonly counted: boolean;
  /** Since when semi-sync is on without the standby being recorded, and how many commits had been acknowledged by then. */
  readonly trial: { readonly at: number; readonly acknowledged: number } | undefined;
  /** How often the standby has left the record or failed its trial lately, and when it last did. */
  readonly losses: { readonly count: number; readonly at: number };
  /** Since when nothing was applied any more. */
  readonly appliedAt: number;
  /** What had been executed a moment ago (0.5 to 1 s), and the mark that becomes it next. */
  readonly momentAgo: string | undefined;
  readonly mark: { readonly at: number; readonly executed: string } | undefined;
  readonly last: RunningEngine | undefined;
}

/** A standby that stayed so long has a clean sheet. */
const FORGIVEN_MS = 600_000;
const MOMENT_MS = 500;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export function startHistory(now: number): History {
  return {
    run: '',
    since: now,
    silent: undefined,
    alone: undefined,
    stalled: undefined,
    counted: false,
    trial: undefined,
    losses: { count: 0, at: now },
    appliedAt: now,
    momentAgo: undefined,
    mark: undefined,
    last: undefined,
  };
}

/**
 * @param counted does the record name the standby, by the data directory it runs on as far as that is known?
 * @param askedAt when mysqld was asked for `engine`
 */
export function remember(
  history: History,
  engine: EngineState,
  counted: boolean,
  now: number,
  askedAt: number = now,
): History {
  if (engine.kind !== 'running') {
    const silent = engine.kind === 'unknown' ? (history.silent ?? askedAt) : undefined;
    return { ...startHistory(now), losses: history.losses, silent };
  }
  const before =
    history.run === engine.run ? history : { ...startHistory(now), losses: history.losses, counted };
  const { semiSync } = engine;
  const flowing = semiSync.waiting === 0 || semiSync.acknowledged !== before.last?.semiSync.acknowledged;
  const kept = before.counted ? undefined : before.trial;
  // A new primary begins alone, still closed: no standby has failed it, and the next one may come at once.
  const failed =
    engine.writable && (before.counted || (before.trial !== undefined && !semiSync.on)) && !counted;
  const due = before.mark === undefined || now - before.mark.at > MOMENT_MS;
  return {
    run: engine.run,
    since: before.since,
    silent: undefined,
    alone: semiSync.clients > 0 ? undefined : (before.alone ?? now),
    stalled: flowing ? undefined : (before.stalled ?? now),
    counted,
    trial: semiSync.on && !counted ? (kept ?? { at: now, acknowledged: semiSync.acknowledged }) : undefined,
    losses: failed ? lost(before.losses, now) : before.losses,
    appliedAt: engine.executed === before.last?.executed ? before.appliedAt : now,
    momentAgo: due ? before.mark?.executed : before.momentAgo,
    mark: due ? { at: now, executed: engine.executed } : before.mark,
    last: engine,
  };
}

function lost({ count, at }: History['losses'], now: number): History['losses'] {
  return { count: now - at > FORGIVEN_MS ? 1 : count + 1, at: now };
}

/** Has a commit that began after the standby's trial did been acknowledged (M5)? */
export function acknowledgedInTrial({ trial, last }: History): boolean {
  return trial !== undefined && last !== undefined && last.semiSync.acknowledged > trial.acknowledged;
}

/** A standby that comes and goes holds up the writes each time: it is tried again ever more slowly. */
export function mayTryAgain({ losses }: History, now: number): boolean {
  if (losses.count === 0) return true;
  return now - losses.at > Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (losses.count - 1));
}
