// What a member's agent can be told to do next: decide.ts chooses one, operations.ts carries it out.
import type { RoleChange, RoleRecord } from '../../agent/role-record.ts';

export type Step =
  /** Nothing is wrong; something else has to happen first. */
  | { readonly kind: 'wait'; readonly reason: string; readonly message: string }
  /** Only a human can mend this. */
  | { readonly kind: 'blocked'; readonly reason: string; readonly message: string }
  | { readonly kind: 'prepare' }
  | { readonly kind: 'setPassword' }
  | { readonly kind: 'reload' }
  /** The one conditional write that makes this member the pair's first. */
  | { readonly kind: 'found'; readonly base: RoleRecord }
  /** Brings the pair's record in line with what the data directories say. */
  | { readonly kind: 'record'; readonly base: RoleRecord; readonly change: RoleChange }
  /** Notes in the data directory which pair it belongs to. */
  | { readonly kind: 'mark'; readonly pair: string }
  | { readonly kind: 'fetchChanges'; readonly names: readonly string[] }
  | { readonly kind: 'subscribe'; readonly publisher: string; readonly copyData: boolean }
  | { readonly kind: 'reconnect'; readonly subscription: string }
  | { readonly kind: 'enable'; readonly subscription: string }
  | { readonly kind: 'refresh'; readonly subscription: string }
  | { readonly kind: 'dropSubscription'; readonly subscription: string }
  | { readonly kind: 'dropSlot'; readonly slot: string }
  /** The copy is complete, both links run: becomes a member of the pair. */
  | { readonly kind: 'join'; readonly base: RoleRecord; readonly change: RoleChange; readonly pair: string }
  /** Hands over to the peer, by its slot here, what only this member has, and leaves the pair. */
  | {
      readonly kind: 'retire';
      readonly slot: string;
      readonly base: RoleRecord;
      readonly change: RoleChange;
    }
  /** May serve from now on, until the server ends. */
  | { readonly kind: 'admit'; readonly solo: boolean }
  | { readonly kind: 'settled' };

export function wait(reason: string, message: string): Step {
  return { kind: 'wait', reason, message };
}

export function blocked(reason: string, message: string): Step {
  return { kind: 'blocked', reason, message };
}
