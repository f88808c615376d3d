// When a member compares its rows with the peer's, and what it found (pure). Run by auditor.ts (P1).
import { isCopy, peerIsCopy } from './copies.ts';
import { serves } from './decide.ts';
import { bothFollow } from './link.ts';
import type { Observation } from './observation.ts';

/** One comparison of all tables, over the link from the peer to this member. */
export interface AuditResult {
  /** RFC 3339: when it ended. */
  readonly at: string;
  readonly tables: number;
  /** The peer's rows that were compared with those here. */
  readonly rows: number;
  /** Of those: missing here, older here, or different under one stamp, with the link caught up. */
  readonly differing: number;
  /** Brought in line here. Of two contents of one stamp the one that wins stays: its loser is brought in line on the other member. */
  readonly repaired: number;
  /** Still behind after the repair. */
  readonly left: number;
  readonly seconds: number;
}

/** What is kept in the member's own database: a request is carried out once, also over restarts. */
export interface AuditMemory {
  /** Value of the annotation that was last carried out; '' for none. */
  readonly request: string;
  readonly last: { readonly result: AuditResult; readonly ageMs: number } | undefined;
}

export interface AuditClock {
  /** How long (ms) both members have been serving and following each other; undefined when they are not. */
  readonly wholeMs: number | undefined;
  /** Since the last audit they were not, or that is not known. */
  readonly broken: boolean;
  /** The annotation's value. */
  readonly request: string;
  readonly memory: AuditMemory;
}

export type Occasion = 'request' | 'schedule' | 'return';

const DAY_MS = 24 * 3_600_000;
/** After a break: soon, but not with every flutter of a bad network. */
const AFTER_BREAK_MS = 10 * 60_000;
const SETTLE_MS = 10_000;

/** Why an audit is to begin now; undefined when none is. */
export function auditDue({ wholeMs, broken, request, memory }: AuditClock): Occasion | undefined {
  if (wholeMs === undefined) return undefined;
  if (asksForAudit(request) && request !== memory.request) return 'request';
  if (wholeMs < SETTLE_MS) return undefined;
  const age = memory.last?.ageMs;
  if (age === undefined || (broken && age >= AFTER_BREAK_MS)) return 'return';
  return age >= DAY_MS ? 'schedule' : undefined;
}

/** `postgresql`, or `postgresql/` and anything that tells one request from another. */
export function asksForAudit(request: string): boolean {
  return /^postgresql(?:\/|$)/.test(request);
}

/** Do both members serve, with the same schema, and does each follow all tables of the other? */
export function isWhole(seen: Observation): boolean {
  const { local } = seen;
  return (
    local.kind === 'up' && serves(seen) && isCopy(seen, local.state) && peerIsCopy(seen) && bothFollow(seen)
  );
}
