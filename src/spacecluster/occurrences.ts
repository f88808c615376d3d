// Which Events a change of status is worth: one for each condition that turned. Pure.
import type { Condition } from '../api/v1alpha1/index.ts';
import type { Occurrence } from '../kube/events.ts';

/** Conditions that are good when they are False. */
const ABNORMAL = new Set(['Stalled', 'Reconciling', 'Paused']);
/** Told by the others, or by whoever asked for it. */
const SILENT = new Set(['Reconciling', 'Paused']);

/** The first status of a new cluster says only that nothing is there yet: no Event. */
export function occurrences(
  before: readonly Condition[] | undefined,
  after: readonly Condition[] | undefined,
): readonly Occurrence[] {
  if (before === undefined || before.length === 0) return [];
  return (after ?? []).flatMap((condition) => {
    const { type, status, reason, message } = condition;
    const last = before.find((candidate) => candidate.type === type);
    if (SILENT.has(type) || last === undefined || last.status === status) return [];
    const good = (status === 'True') !== ABNORMAL.has(type);
    return [
      {
        type: good ? ('Normal' as const) : ('Warning' as const),
        reason,
        action: 'Reconcile',
        note: `${type} is now ${status}${message === '' ? '' : `: ${message}`}`,
      },
    ];
  });
}
