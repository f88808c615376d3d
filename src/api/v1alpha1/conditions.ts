// The conditions of a SpaceCluster: the catalogue of types and reasons, and pure helpers that keep a list of them.
// kstatus (Helm --wait, Flux, Argo CD) reads Ready, Reconciling and Stalled; `kstatus()` is the one place that writes them.
import { assertNever } from '../../errors.ts';
import type { Condition } from './types.gen.ts';

/** In the order in which they are shown. */
export const CONDITION_TYPES = [
  'Ready',
  'Reconciling',
  'Stalled',
  'PreflightPassed',
  'LoadBalancerReady',
  'MySQLReady',
  'PostgreSQLReady',
  'CassandraReady',
  'WorkersReady',
  'VIPAnnounced',
  'FaultTolerant',
  'Paused',
] as const;

export type ConditionType = (typeof CONDITION_TYPES)[number];

/** The conditions that must all be True for the fabric to serve. */
export const SERVING_CONDITIONS = [
  'LoadBalancerReady',
  'MySQLReady',
  'PostgreSQLReady',
  'CassandraReady',
  'WorkersReady',
  'VIPAnnounced',
] as const satisfies readonly ConditionType[];

/** Reasons of the conditions that the reconciler itself writes. Those of preflight and of the engines stand with their checks. */
export const REASONS = {
  serving: 'Serving',
  settled: 'Settled',
  reconciling: 'Reconciling',
  waiting: 'Waiting',
  renewing: 'Renewing',
  notSeen: 'NotSeenYet',
  notStalled: 'NotStalled',
  paused: 'Paused',
  notPaused: 'NotPaused',
  preflightPassed: 'AllChecksPassed',
} as const;

/** A condition as somebody states it; when it last changed is found by `setCondition`. */
export type Statement = Omit<Condition, 'lastTransitionTime' | 'type'> & { readonly type: ConditionType };

export function findCondition(
  list: readonly Condition[] | undefined,
  type: ConditionType,
): Condition | undefined {
  return list?.find((condition) => condition.type === type);
}

export function isTrue(list: readonly Condition[] | undefined, type: ConditionType): boolean {
  return findCondition(list, type)?.status === 'True';
}

/**
 * The list with this statement in it, in the catalogue's order. The transition time moves only with the status, so that
 * stating the same again gives the same list (R1).
 * @param now RFC 3339
 */
export function setCondition(
  list: readonly Condition[] | undefined,
  statement: Statement,
  now: string,
): readonly Condition[] {
  const before = findCondition(list, statement.type);
  const lastTransitionTime = before?.status === statement.status ? before.lastTransitionTime : now;
  const others = (list ?? []).filter((condition) => condition.type !== statement.type);
  return [...others, { ...statement, lastTransitionTime }].toSorted((a, b) => rank(a) - rank(b));
}

export function setConditions(
  list: readonly Condition[] | undefined,
  statements: readonly Statement[],
  now: string,
): readonly Condition[] {
  return statements.reduce<readonly Condition[]>(
    (result, statement) => setCondition(result, statement, now),
    list ?? [],
  );
}

function rank(condition: Condition): number {
  const index = CONDITION_TYPES.findIndex((type) => type === condition.type);
  return index === -1 ? CONDITION_TYPES.length : index;
}

/** How far the operator is with the spec of this generation. */
export type Progress =
  | { readonly kind: 'settled' }
  /** Work is going on, or something is awaited that will come by itself. */
  | { readonly kind: 'working'; readonly reason: string; readonly message: string }
  /** A human has to change something. */
  | { readonly kind: 'stalled'; readonly reason: string; readonly message: string };

/** Does the fabric serve? Independent of progress: a cluster goes on serving while its new spec cannot be carried out (R4). */
export interface Serving {
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
}

/** Folds the parts' conditions: True when all are, False with the first that is not, Unknown while one was never stated. */
export function serving(list: readonly Condition[]): Serving {
  for (const type of SERVING_CONDITIONS) {
    const condition = findCondition(list, type);
    if (condition === undefined)
      return { status: 'Unknown', reason: REASONS.notSeen, message: `${type} is not known yet` };
    if (condition.status !== 'True') {
      const { status, reason, message } = condition;
      return { status, reason, message: `${type}: ${message}` };
    }
  }
  return { status: 'True', reason: REASONS.serving, message: 'all parts serve' };
}

/** The trio that kstatus reads. `Stalled` and `Reconciling` are never True together. */
export function kstatus(serving: Serving, progress: Progress, generation: number): readonly Statement[] {
  const ready = state('Ready', serving.status, serving.reason, serving.message, generation);
  switch (progress.kind) {
    case 'settled':
      return [
        ready,
        state('Reconciling', 'False', REASONS.settled, 'what was asked for is in place', generation),
        state('Stalled', 'False', REASONS.notStalled, '', generation),
      ];
    case 'working':
      return [
        ready,
        state('Reconciling', 'True', progress.reason, progress.message, generation),
        state('Stalled', 'False', REASONS.notStalled, '', generation),
      ];
    case 'stalled':
      return [
        ready,
        state('Reconciling', 'False', progress.reason, progress.message, generation),
        state('Stalled', 'True', progress.reason, progress.message, generation),
      ];
    default:
      return assertNever(progress);
  }
}

function state(
  type: ConditionType,
  status: Condition['status'],
  reason: string,
  message: string,
  observedGeneration: number,
): Statement {
  return { type, status, reason, message, observedGeneration };
}
