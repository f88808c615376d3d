// One check and its finding. A check is a pure function; the chain runs all of them, so that a user sees every fault at once.
import type { PreflightFacts } from './facts.ts';

/** `warn` lets the cluster start, and is said aloud; `fail` holds it back. */
export type Finding =
  | { readonly kind: 'pass' }
  | { readonly kind: 'warn' | 'fail'; readonly reason: string; readonly message: string };

/** @param now for whatever has a date */
export type Check = (facts: PreflightFacts, now: Date) => Finding;

export const PASS: Finding = { kind: 'pass' };

/**
 * @param reason CamelCase and stable: users and alerts match it
 * @param message names the field, what was wanted, what was found and where
 */
export function fail(reason: string, message: string): Finding {
  return { kind: 'fail', reason, message };
}

export function warn(reason: string, message: string): Finding {
  return { kind: 'warn', reason, message };
}
