// How steps of the agent are told to people: in a word for the log, and as Events of the SpaceCluster.
import type { RoleChange } from '../../agent/role-record.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import type { EventRecorder, Occurrence } from '../../kube/events.ts';
import type { Step } from './view.ts';

export function tell(events: EventRecorder, cluster: SpaceCluster, step: Step): void {
  const occurrence = occurrenceOf(step);
  if (occurrence !== undefined) events.record(cluster, occurrence);
}

function occurrenceOf(step: Step): Occurrence | undefined {
  if (step.kind === 'clone') {
    return {
      type: 'Normal',
      reason: 'MySQLClone',
      action: 'Clone',
      note: `a standby is cloned from ${step.donor}`,
    };
  }
  if (step.kind !== 'write') return undefined;
  const about = (type: Occurrence['type'], reason: string, action: string): Occurrence => ({
    type,
    reason,
    action,
    note: `MySQL role: ${step.reason}`,
  });
  switch (step.write) {
    case 'take':
      return about('Warning', 'MySQLRoleTaken', 'Take');
    case 'open':
      return about('Normal', 'MySQLPrimaryOpens', 'Promote');
    case 'admit':
      return about('Normal', 'MySQLStandbyInSync', 'Admit');
    case 'withdraw':
      return about('Warning', 'MySQLStandbyLost', 'Withdraw');
    case 'release':
      return about('Normal', 'MySQLRoleReleased', 'Release');
    case 'strand':
      return about('Warning', 'MySQLNoCopy', 'Wait');
    case 'condemn':
      return about('Normal', 'MySQLMemberReplaced', 'Replace');
    case 'refuse':
      return about('Warning', 'MySQLReplaceRefused', 'Refuse');
    case 'note':
      return { ...about('Normal', 'MySQLHandOver', 'HandOver'), note: handoverNote(step.change) };
    default:
      return undefined;
  }
}

function handoverNote({ notes }: RoleChange): string {
  const handover = notes?.handover;
  if (handover === undefined) return '';
  const { from, to, reason, detectMs, promoteMs, routeMs } = handover;
  const before = from === '' ? '' : ` after ${from}`;
  return `${to} is the MySQL primary${before}: ${reason}; detected in ${detectMs} ms, promoted in ${promoteMs} ms, routed in ${routeMs} ms`;
}

/** For the log. */
export function describe(step: Step): string {
  switch (step.kind) {
    case 'wait':
      return `wait: ${step.reason}`;
    case 'write':
      return `write ${step.write}: ${step.reason}`;
    case 'close':
    case 'hand-over':
      return `${step.kind}: ${step.reason}`;
    case 'semi-sync':
      return `semi-sync ${step.on ? 'on' : 'off'}: ${step.reason}`;
    default:
      return step.kind;
  }
}
