// What a role's record says beside the protocol: what people asked for and what became of it, and how the role last moved.
import { createHash } from 'node:crypto';
import type { Copy } from './role-record.ts';

/** A member that would have to go on without being a recorded copy, by its own agent's word. */
export interface Stranded {
  readonly member: string;
  /** RFC 3339: it has all that was committed until then; '' when it has nothing. */
  readonly upTo: string;
}

/** How the role came to its holder; milliseconds are of the new holder's clock. */
export interface Handover {
  readonly epoch: number;
  /** RFC 3339, when the role was taken. */
  readonly at: string;
  readonly reason: string;
  /** Pods; '' when unknown. */
  readonly from: string;
  readonly to: string;
  /** Since the last sign of life of a dead holder, or since the role was given up. */
  readonly detectMs: number;
  readonly promoteMs: number;
  readonly routeMs: number;
}

/** All optional: a record that was never annotated has none of it. Texts are '' or missing when there is nothing to say. */
export interface RoleNotes {
  /** Members that wait for a human, while no recorded copy takes the role. */
  readonly stranded?: readonly Stranded[];
  /** The token by which the role was forced onto a member that was no recorded copy, until a standby is in sync again. */
  readonly forced?: string;
  /** The value of the replace-member annotation that was acted on last: a value acts once. */
  readonly replaced?: string;
  /** The data directory that is to be made anew: it is never recorded again. */
  readonly condemned?: string;
  /** Why the role was last given up. */
  readonly released?: string;
  readonly handover?: Handover;
}

/**
 * What a human has to repeat to make `member` the holder although no record says that it has everything. It is of this very
 * record, so that it acts once, and of this member, so that it accepts this member's loss and no other.
 */
export function lossToken(
  record: { readonly epoch: number; readonly copies: readonly Copy[] },
  member: string,
): string {
  const text = JSON.stringify([record.epoch, record.copies, member]);
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
