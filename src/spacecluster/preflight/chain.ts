// All checks in the order of their weight, folded into what the condition PreflightPassed says.
import { REASONS } from '../../api/v1alpha1/conditions.ts';
import type { Check } from './check.ts';
import type { PreflightFacts } from './facts.ts';
import { metallbConfigured, metallbRuns, poolAllowed, poolCovers } from './metallb.ts';
import { bigEnough, enoughNodes, insideSubnet } from './nodes.ts';
import { storageClassesExist, volumesCanGrow } from './storage.ts';
import { tlsSecretUsable } from './tls.ts';
import { noDowngrade, noMajorUpgrade, versionsSupported } from './versions.ts';
import { notAskedTwice, notInPodRange, notInServiceRange, notOfANode, notOfAnotherService } from './vip.ts';

const CHECKS: readonly Check[] = [
  notOfANode,
  notAskedTwice, // before the Service of the other cluster is found
  notOfAnotherService,
  notInPodRange,
  notInServiceRange,
  poolAllowed,
  metallbRuns,
  metallbConfigured,
  poolCovers,
  insideSubnet,
  enoughNodes,
  bigEnough,
  storageClassesExist,
  volumesCanGrow,
  versionsSupported,
  noDowngrade,
  noMajorUpgrade,
  tlsSecretUsable,
];

export interface PreflightResult {
  readonly passed: boolean;
  /** Of the first failure; of a pass `AllChecksPassed`, or the first warning's. */
  readonly reason: string;
  /** All failures and all warnings. */
  readonly message: string;
}

/** Pure. Every check runs, so that one look shows all that is wrong. */
export function runPreflight(facts: PreflightFacts, now: Date): PreflightResult {
  const findings = CHECKS.map((check) => check(facts, now)).filter((finding) => finding.kind !== 'pass');
  const failures = findings.filter(({ kind }) => kind === 'fail');
  const told = [
    ...failures.map(({ message }) => message),
    ...findings.filter(({ kind }) => kind === 'warn').map(({ message }) => `warning: ${message}`),
  ];
  return {
    passed: failures.length === 0,
    reason: failures[0]?.reason ?? findings[0]?.reason ?? REASONS.preflightPassed,
    message: told.join('; '),
  };
}
