// Small tools of the measurements: percentiles, waiting, and numbers as people read them.

import { cpus, release, totalmem } from 'node:os';

export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

/** What the numbers were taken on. */
export function machine(): string {
  return `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
}

/** One line of docs/benchmarks.md. */
export interface Figure {
  readonly what: string;
  readonly reached: string;
  readonly wanted: string;
  /** How it was measured, or where the time goes. */
  readonly how: string;
}
