// What a decision needs to know about the past: since when something has been so. Pure.
import type { EngineState, RunningEngine } from './member-state.ts';

/** Times are monotonic milliseconds. */
export interface History {
  /** The run of mysqld this is about. */
  readonly run: string;
  /** Since when it has been seen to run. */
  readonly since: number;
  /** Since when no standby is connected; undefined while one is. */
  readonly alone: number | undefined;
  /** Since when commits wait for an acknowledgement without any coming; undefined while they flow. */
  readonly stalled: number | undefined;
  /** When semi-sync was seen to go on, and how many commits had been acknowledged by then. */
  readonly semiSyncOn: { readonly at: number; readonly acknowledged: number } | undefined;
  /** Since when nothing was applied any more. */
  readonly appliedAt: number;
  readonly last: RunningEngine | undefined;
}

export function startHistory(now: number): History {
  return {
    run: '',
    since: now,
    alone: undefined,
    stalled: undefined,
    semiSyncOn: undefined,
    appliedAt: now,
    last: undefined,
  };
}

export function remember(history: History, engine: EngineState, now: number): History {
  if (engine.kind !== 'running') return startHistory(now);
  const before = history.run === engine.run ? history : startHistory(now);
  const { semiSync } = engine;
  const flowing = semiSync.waiting === 0 || semiSync.acknowledged !== before.last?.semiSync.acknowledged;
  return {
    run: engine.run,
    since: before.since,
    alone: semiSync.clients > 0 ? undefined : (before.alone ?? now),
    stalled: flowing ? undefined : (before.stalled ?? now),
    semiSyncOn: semiSync.on
      ? (before.semiSyncOn ?? { at: now, acknowledged: semiSync.acknowledged })
      : undefined,
    appliedAt: engine.executed === before.last?.executed ? before.appliedAt : now,
    last: engine,
  };
}

/** Has a commit that began after semi-sync went on been acknowledged (M5)? */
export function acknowledgedSinceOn({ semiSyncOn, last }: History): boolean {
  return (
    semiSyncOn !== undefined && last !== undefined && last.semiSync.acknowledged > semiSyncOn.acknowledged
  );
}
