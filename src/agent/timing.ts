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

/** Renewals the p99 is taken over, and the fewest it is believed from. */
const WINDOW = 100;
const FEWEST = 20;

/** So long must renewals have been quick enough for the faster level before Auto returns to it. */
const CALM_MS = 600_000;

/** Where Auto stands. Plain data; `step` makes the next. */
export interface Pace {
  readonly level: Level;
  /** Milliseconds from sending to confirmation, newest last. */
  readonly latencies: readonly number[];
  /** Since when (monotonic ms) the faster level would have been kept. */
  readonly calmSince: number | undefined;
}

export function startPace(profile: Profile): Pace {
  return { level: profile === 'Auto' ? 'Fast' : profile, latencies: [], calmSince: undefined };
}

/**
 * The pace after one more confirmed renewal. Auto steps to the next slower level when the p99 passes a quarter of the
 * renew deadline, and back after ten calm minutes. Renewals that got no answer do not count: an outage is not slowness.
 */
export function step(pace: Pace, profile: Profile, latencyMs: number, now: number): Pace {
  const latencies = [...pace.latencies, latencyMs].slice(-WINDOW);
  if (profile !== 'Auto') return { level: profile, latencies, calmSince: undefined };
  const p99 = percentile99(latencies);
  const index = LEVELS.indexOf(pace.level);
  const slower = LEVELS[index + 1];
  if (latencies.length >= FEWEST && slower !== undefined && p99 > quarterOf(pace.level)) {
    return { level: slower, latencies: [], calmSince: undefined };
  }
  const faster = LEVELS[index - 1];
  if (faster === undefined || p99 > quarterOf(faster)) return { ...pace, latencies, calmSince: undefined };
  const calmSince = pace.calmSince ?? now;
  return now - calmSince >= CALM_MS
    ? { level: faster, latencies: [], calmSince: undefined }
    : { ...pace, latencies, calmSince };
}

function quarterOf(level: Level): number {
  return TIMINGS[level].renewDeadlineMs / 4;
}

/** Nearest rank; one slow renewal in a hundred is forgiven. */
function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
}
