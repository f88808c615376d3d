// What a member says of itself for status: an annotation on its own Service's slice, written when it changes. Pure.
import type { AuditResult } from './audit.ts';
import { isCopy, peerIsCopy } from './copies.ts';
import { serves } from './decide.ts';
import { linkFrom } from './link.ts';
import { subscriberOf } from './names.ts';
import type { Observation } from './observation.ts';
import { replacementHeld } from './replacement.ts';
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
  /** UID of the pod that says so. */
  readonly pod?: string;
}

/** What the agent knows beside its looks. */
export interface About {
  /** Message of the last operation when it failed. */
  readonly failure: string | undefined;
  readonly audit: AuditResult | undefined;
  /** The pod's UID. */
  readonly pod: string;
}

export function report(seen: Observation, step: Step, { failure, audit, pod }: About): Report {
  return {
    role: roleOf(seen),
    ...trouble(seen, step, failure),
    link: linkState(seen),
    pod,
    ...(audit === undefined ? {} : { audit }),
  };
}

function roleOf(seen: Observation): Role {
  if (seen.local.kind !== 'up') return 'down';
  if (serves(seen)) return peerIsCopy(seen) && seen.remote.kind === 'up' ? 'active' : 'solo';
  return isCopy(seen, seen.local.state) ? 'returning' : 'joining';
}

function trouble(
  seen: Observation,
  step: Step,
  failure: string | undefined,
): Pick<Report, 'reason' | 'problem'> {
  if (failure !== undefined) return { reason: 'StepFailed', problem: failure };
  switch (step.kind) {
    case 'blocked':
      return { reason: step.reason, problem: step.message };
    case 'wait':
      return standing(seen) ?? { reason: step.reason, problem: '' };
    case 'settled':
      return standing(seen) ?? { reason: 'Settled', problem: '' };
    default:
      return { reason: 'Working', problem: '' };
  }
}

/** What a human should know though nothing is to be done by this agent now. */
function standing(seen: Observation): Pick<Report, 'reason' | 'problem'> | undefined {
  const held = replacementHeld(seen);
  return held === undefined ? givenUp(seen) : { reason: 'ReplaceWaits', problem: held };
}

/** P3: the slot of a peer that is away for long was given up before it filled the disk. No rows are lost by it. */
function givenUp({ local, peer }: Observation): Pick<Report, 'reason' | 'problem'> | undefined {
  if (local.kind !== 'up' || !local.state.slots.some((slot) => slot.lost && subscriberOf(slot.name)))
    return undefined;
  return {
    reason: 'WalGivenUp',
    problem: `${peer} was away for so long that the WAL kept for it was given up: when it is back, all tables are copied and merged`,
  };
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
    const { role, reason, problem, link, audit, pod } = value;
    return role === undefined || reason === undefined || problem === undefined || link === undefined
      ? undefined
      : {
          role,
          reason,
          problem,
          link,
          ...(audit === undefined ? {} : { audit }),
          ...(pod === undefined ? {} : { pod }),
        };
  } catch {
    return undefined;
  }
}
