// How often a pod beats and how long it is believed: the profiles of spec.failureDetection, and Auto's steps between them.

/** Milliseconds. `durationMs` is a whole number of seconds: it travels as `leaseDurationSeconds`. */
export interface Timing {
  /** For how long others believe a renewal. */
  readonly durationMs: number;
  /** For how long after it was sent this pod itself relies on a renewal (L5). Less than the duration, by the fencing time. */
  readonly renewDeadlineMs: number;
  readonly periodMs: number;
}

export type Level = 'Fast' | 'Safe' | 'Relaxed';
export type Profile = Level | 'Auto';

/** Candidates of a fenced or routed role beat faster than the rest (design, "Failure detection"). */
export type Beat = 'candidate' | 'member';

const LEVELS: readonly Level[] = ['Fast', 'Safe', 'Relaxed'];

const TIMINGS: Readonly<Record<Level, Timing>> = {
  Fast: { durationMs: 3_000, renewDeadlineMs: 2_000, periodMs: 500 },
  Safe: { durationMs: 5_000, renewDeadlineMs: 3_500, periodMs: 1_000 },
  Relaxed: { durationMs: 15_000, renewDeadlineMs: 10_000, periodMs: 2_000 },
};

const MEMBER_FAST: Timing = { durationMs: 3_000, renewDeadlineMs: 2_000, periodMs: 1_000 };

/** The longest duration any profile writes: what an identity is granted about which nothing is known. */
export const LONGEST_DURATION_MS = TIMINGS.Relaxed.durationMs;

export function timingOf(level: Level, beat: Beat): Timing {
  return level === 'Fast' && beat === 'member' ? MEMBER_FAST : TIMINGS[level];
}

/** Renewals the p99 is taken over. */
const WINDOW = 100;

/**
 * So long must renewals have been quick enough for a faster level before Auto returns to it: twice as long with each step
 * down, so that a start on a busy machine is soon forgotten and a machine that is busy every minute stays slow.
 */
const FIRST_CALM_MS = 30_000;
const LONGEST_CALM_MS = 600_000;
/** Steps down are forgotten after so long without another. */
const FORGOTTEN_MS = 3_600_000;

/** Where Auto stands. Plain data; `step` makes the next. */
export interface Pace {
  readonly level: Level;
  /** Milliseconds from the start of a renewal, with what it has to wait for first (M8), to its confirmation; newest last. */
  readonly latencies: readonly number[];
  /** Since when (monotonic ms) the faster level would have been kept. */
  readonly calmSince: number | undefined;
  /** Steps to a slower level lately, and the time (monotonic ms) of the last. */
  readonly slowed: { readonly count: number; readonly at: number };
}

/** An outage of the API server that lasts so long may last longer. */
export const LONG_OUTAGE_MS = 5_000;

export function startPace(profile: Profile): Pace {
  const slowed = { count: 0, at: Number.NEGATIVE_INFINITY };
  return { level: profile === 'Auto' ? 'Fast' : profile, latencies: [], calmSince: undefined, slowed };
}

/**
 * The pace after one more confirmed renewal. Auto steps to the next slower level when the p99 passes a quarter of the
 * renew deadline, and back after a calm time. One slow renewal alone is always forgiven, a second one never, also among the
 * first: on a machine that is too busy the role must not be lost before more is known. Renewals that got no answer do not
 * count: an outage is not slowness (`outage`).
 */
export function step(pace: Pace, profile: Profile, latencyMs: number, now: number): Pace {
  const latencies = [...pace.latencies, latencyMs].slice(-WINDOW);
  if (profile !== 'Auto') return { ...startPace(profile), latencies };
  const p99 = percentile99(latencies);
  const index = LEVELS.indexOf(pace.level);
  const slower = LEVELS[index + 1];
  if (slower !== undefined && p99 > quarterOf(pace.level)) {
    const count = now - pace.slowed.at > FORGOTTEN_MS ? 1 : pace.slowed.count + 1;
    return { level: slower, latencies: [], calmSince: undefined, slowed: { count, at: now } };
  }
  const faster = LEVELS[index - 1];
  if (faster === undefined) return { ...pace, latencies };
  // The calm begins anew: not when the slow ones have left the window, minutes later.
  if (p99 > quarterOf(faster)) return { ...pace, latencies: [], calmSince: undefined };
  const calmSince = pace.calmSince ?? now;
  return now - calmSince >= calmMs(pace)
    ? { ...pace, level: faster, latencies: [], calmSince: undefined }
    : { ...pace, latencies, calmSince };
}

/**
 * The pace after one more renewal that failed, when they have failed for so long. In an outage that goes on Auto is at its
 * slowest: when it ends, everything that was held up comes back at once, and a renewal that is late then must not cost the
 * role while no node hears yet where it went. No step down is counted: a calm of half the usual time leads back.
 */
export function outage(pace: Pace, profile: Profile, failingMs: number): Pace {
  if (profile !== 'Auto' || failingMs < LONG_OUTAGE_MS || pace.level === 'Relaxed') return pace;
  return { ...pace, level: 'Relaxed', latencies: [], calmSince: undefined };
}

function calmMs({ slowed }: Pace): number {
  return Math.min(LONGEST_CALM_MS, FIRST_CALM_MS * 2 ** (slowed.count - 1));
}

function quarterOf(level: Level): number {
  return TIMINGS[level].renewDeadlineMs / 4;
}

/** The nearest rank below the slowest: one slow renewal in a hundred, or in fewer, is forgiven. */
function percentile99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b).at(-2) ?? 0;
}
