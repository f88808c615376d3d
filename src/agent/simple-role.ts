// Decides about a role that any fit candidate may hold (the Web IP, the coordinator): take, hold, give up, or wait (pure).
import { assertNever } from '../errors.ts';
import { taking } from './role-record.ts';
import type { RoleChange, RoleRecord } from './role-record.ts';

export interface RoleView {
  /** As seen on the watch that feeds the verdict. */
  readonly record: RoleRecord | undefined;
  readonly self: string;
  /** Is this candidate able to do the role's work now? */
  readonly fit: boolean;
  /** Is the own heartbeat certain? */
  readonly certain: boolean;
  readonly stopping: boolean;
  /** The switchover annotation as far as it means this role; '' when it does not. */
  readonly asked: string;
  /** This candidate has just given the role up while fit: the others have the first go. */
  readonly refrain: boolean;
  readonly isDead: (identity: string) => boolean;
}

export type RoleReason = 'stopping' | 'unfit' | 'switchover' | 'vacant' | 'holder-dead';

export type RoleStep =
  | { readonly kind: 'wait' }
  | { readonly kind: 'hold'; readonly epoch: number }
  | {
      readonly kind: 'take';
      readonly base: RoleRecord;
      readonly change: RoleChange;
      readonly reason: RoleReason;
    }
  | {
      readonly kind: 'yield';
      readonly base: RoleRecord;
      readonly change: RoleChange;
      readonly reason: RoleReason;
    }
  /** The switchover annotation was removed: the next one shall act again. */
  | { readonly kind: 'rearm'; readonly base: RoleRecord; readonly change: RoleChange };

export function decideRole(view: RoleView): RoleStep {
  const { record } = view;
  if (record === undefined) return { kind: 'wait' };
  return record.holder === view.self ? asHolder(view, record) : asCandidate(view, record);
}

function asHolder(view: RoleView, base: RoleRecord): RoleStep {
  if (view.stopping) return { kind: 'yield', base, change: { holder: null }, reason: 'stopping' };
  if (!view.fit) return { kind: 'yield', base, change: { holder: null }, reason: 'unfit' };
  if (view.asked === base.switchover) return { kind: 'hold', epoch: base.epoch };
  return view.asked === ''
    ? { kind: 'rearm', base, change: { switchover: '' } }
    : { kind: 'yield', base, change: { holder: null, switchover: view.asked }, reason: 'switchover' };
}

function asCandidate(view: RoleView, base: RoleRecord): RoleStep {
  const able = view.fit && view.certain && !view.stopping;
  if (!able) return { kind: 'wait' };
  if (base.holder === undefined) {
    return view.refrain
      ? { kind: 'wait' }
      : { kind: 'take', base, change: taking(base, view.self), reason: 'vacant' };
  }
  return view.isDead(base.holder)
    ? { kind: 'take', base, change: taking(base, view.self), reason: 'holder-dead' }
    : { kind: 'wait' };
}

/** For Events: why a role moved. */
export function explain(reason: RoleReason): string {
  switch (reason) {
    case 'stopping':
      return 'its pod is being stopped';
    case 'unfit':
      return 'its engine does not serve';
    case 'switchover':
      return 'a hand-over was asked for';
    case 'vacant':
      return 'nobody held it';
    case 'holder-dead':
      return 'its holder gave no sign of life';
    default:
      return assertNever(reason);
  }
}
