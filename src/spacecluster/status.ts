// The status of a SpaceCluster, folded from what one pass saw. Pure: the same facts give the same status (R1).
import type { Condition, SpaceCluster, SpaceClusterStatus } from '../api/v1alpha1/index.ts';
import { kstatus, REASONS, serving, setConditions } from '../api/v1alpha1/conditions.ts';
import type { Progress, Statement } from '../api/v1alpha1/conditions.ts';
import type { Assessment, Engine } from '../engines/engine.ts';
import type { Renewal } from '../engines/shared/renewal.ts';
import type { VipAssessment } from './vip.ts';

export interface PartOutcome {
  readonly engine: Engine;
  /** The part's own word; undefined when this pass could not ask it (its last one stands). */
  readonly assessment: Assessment | undefined;
  readonly renewal: Renewal;
}

export interface Outcome {
  readonly preflight: { readonly passed: boolean; readonly reason: string; readonly message: string };
  readonly parts: readonly PartOutcome[];
  readonly vip: VipAssessment;
  readonly nodes: NonNullable<SpaceClusterStatus['nodes']>;
  readonly progress: Progress;
}

/** @param now RFC 3339 */
export function nextStatus(cluster: SpaceCluster, outcome: Outcome, now: string): SpaceClusterStatus {
  const generation = cluster.metadata.generation ?? 0;
  const statements: readonly Statement[] = [
    statement('Paused', 'False', REASONS.notPaused, '', generation),
    statement(
      'PreflightPassed',
      truth(outcome.preflight.passed),
      outcome.preflight.reason,
      outcome.preflight.message,
      generation,
    ),
    ...outcome.parts.flatMap(({ engine, assessment }) =>
      assessment === undefined
        ? []
        : [
            statement(
              engine.condition,
              truth(assessment.ready),
              assessment.reason,
              assessment.message,
              generation,
            ),
          ],
    ),
    statement(
      'VIPAnnounced',
      truth(outcome.vip.announced),
      outcome.vip.reason,
      outcome.vip.message,
      generation,
    ),
    faultTolerance(outcome, generation),
  ];
  const parts = setConditions(cluster.status?.conditions, statements, now);
  const ready = serving(parts);
  const progress = progressOf(outcome, ready);
  const status: SpaceClusterStatus = {
    ...cluster.status,
    ...Object.assign({}, ...outcome.parts.map(({ assessment }) => assessment?.status ?? {})),
    vip: outcome.vip.status,
    nodes: outcome.nodes,
    observedGeneration: generation,
    conditions: setConditions(parts, kstatus(ready, progress, generation), now),
  };
  return status;
}

/** A part may be on its way, or be renewed, without anybody waiting for it in the pass: Reconciling says so until it is done. */
function progressOf({ progress, parts }: Outcome, ready: ReturnType<typeof serving>): Progress {
  if (progress.kind !== 'settled') return progress;
  if (ready.status !== 'True') return { kind: 'working', reason: ready.reason, message: ready.message };
  const renewals = parts.flatMap(({ engine, renewal }) =>
    renewal.kind === 'none'
      ? []
      : [`${engine.component}: ${renewal.kind === 'wait' ? renewal.why : `${renewal.pod} is being renewed`}`],
  );
  if (renewals.length > 0) return { kind: 'working', reason: REASONS.renewing, message: renewals.join('; ') };
  const busy = parts.find(({ assessment }) => assessment?.working !== undefined)?.assessment;
  return busy?.working === undefined
    ? progress
    : { kind: 'working', reason: busy.reason, message: busy.working };
}

/** While paused nothing is looked at: all else stays as it was last seen. */
export function pausedStatus(cluster: SpaceCluster, now: string): SpaceClusterStatus {
  const generation = cluster.metadata.generation ?? 0;
  return {
    ...cluster.status,
    observedGeneration: generation,
    conditions: setConditions(
      cluster.status?.conditions,
      [
        statement(
          'Paused',
          'True',
          REASONS.paused,
          'spec.paused is true: nothing is changed until it is false',
          generation,
        ),
        statement('Reconciling', 'False', REASONS.paused, '', generation),
        statement('Stalled', 'False', REASONS.notStalled, '', generation),
      ],
      now,
    ),
  };
}

/** While a cluster is being deleted, or before anything could be looked at. */
export function progressStatus(cluster: SpaceCluster, progress: Progress, now: string): SpaceClusterStatus {
  const generation = cluster.metadata.generation ?? 0;
  const conditions = cluster.status?.conditions ?? [];
  return {
    ...cluster.status,
    observedGeneration: generation,
    conditions: setConditions(conditions, kstatus(serving(conditions), progress, generation), now),
  };
}

function faultTolerance(outcome: Outcome, generation: number): Statement {
  const weak = outcome.parts.filter(({ assessment }) => assessment?.faultTolerant !== true);
  if (weak.length === 0) {
    return statement(
      'FaultTolerant',
      'True',
      'AnyNodeMayFail',
      'every part can lose any one node and go on',
      generation,
    );
  }
  const parts = weak.map(
    ({ engine, assessment }) => `${engine.component} (${assessment?.reason ?? 'not known'})`,
  );
  return statement(
    'FaultTolerant',
    'False',
    'PartsAtRisk',
    `the loss of one node could stop: ${parts.join(', ')}`,
    generation,
  );
}

function statement(
  type: Statement['type'],
  status: Condition['status'],
  reason: string,
  message: string,
  observedGeneration: number,
): Statement {
  return { type, status, reason, message, observedGeneration };
}

function truth(value: boolean): 'True' | 'False' {
  return value ? 'True' : 'False';
}
