// What a member says of itself for status: an annotation on its own Service's slice, written when it changes. Pure.
import type { AuditResult } from './audit.ts';
import { isCopy, peerIsCopy } from './copies.ts';
import { serves } from './decide.ts';
import { linkFrom } from './link.ts';
import type { Observation } from './observation.ts';
import type { Step } from './step.ts';

export const REPORT_ANNOTATION = 'spacecluster.dev/report';

export type Role = 'active' | 'solo' | 'returning' | 'joining' | 'down';

/** `streaming`: all tables follow. `copying`: some are still copied. `broken`: tried again and again. `none`: not made yet. */
export type LinkState = 'streaming' | 'copying' | 'broken' | 'none';

/** Free of gauges: it changes only with the facts. */
export interface Report {
  readonly role: Role;
  /** What the member waits for or does. */
  readonly reason: string;
  /** What a human has to know; '' when all is well. */
  readonly problem: string;
  /** The link from the peer to this member. */
  readonly link: LinkState;
  /** The last comparison of all rows over that link; undefined before the first. */
  readonly audit?: AuditResult;
}

/** @param failure message of the last operation when it failed */
export function report(
  seen: Observation,
  step: Step,
  failure: string | undefined,
  audit: AuditResult | undefined,
): Report {
  return {
    role: roleOf(seen),
    reason: reasonOf(step, failure),
    problem: failure ?? (step.kind === 'blocked' ? step.message : ''),
    link: linkState(seen),
    ...(audit === undefined ? {} : { audit }),
  };
}

function roleOf(seen: Observation): Role {
  if (seen.local.kind !== 'up') return 'down';
  if (serves(seen)) return peerIsCopy(seen) && seen.remote.kind === 'up' ? 'active' : 'solo';
  return isCopy(seen, seen.local.state) ? 'returning' : 'joining';
}

function reasonOf(step: Step, failure: string | undefined): string {
  if (failure !== undefined) return 'StepFailed';
  switch (step.kind) {
    case 'wait':
    case 'blocked':
      return step.reason;
    case 'settled':
      return 'Settled';
    default:
      return 'Working';
  }
}

function linkState({ local, remote }: Observation): LinkState {
  if (local.kind !== 'up') return 'broken';
  // Of a peer that does not answer the identity is not known; a member has one subscription at most.
  const link = remote.kind === 'up' ? linkFrom(remote.state, local.state) : local.state.subscriptions[0];
  if (link === undefined) return 'none';
  if (!link.running || remote.kind !== 'up') return 'broken';
  return link.pending > 0 ? 'copying' : 'streaming';
}

export function encodeReport(report: Report): string {
  return JSON.stringify(report);
}

/** Undefined for what no agent of this version wrote. */
export function decodeReport(text: string | undefined): Report | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<Report>;
    const { role, reason, problem, link, audit } = value;
    return role === undefined || reason === undefined || problem === undefined || link === undefined
      ? undefined
      : { role, reason, problem, link, ...(audit === undefined ? {} : { audit }) };
  } catch {
    return undefined;
  }
}
