// Durations as the CRD writes them: one whole number and a unit (`60s`, `5m`, `24h`).
import { TerminalError } from '../../errors.ts';

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of a duration from the spec.
 * @throws TerminalError `InvalidDuration`, for a text that the CRD's rules would have refused
 */
export function durationMs(text: string): number {
  const match = /^(\d{1,6})([smh])$/.exec(text);
  const unit = UNITS_MS[match?.[2] ?? ''];
  if (match === null || unit === undefined)
    throw new TerminalError('InvalidDuration', `"${text}" is not a duration such as 60s, 5m or 24h`);
  return Number(match[1]) * unit;
}
