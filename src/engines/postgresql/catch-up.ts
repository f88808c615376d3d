// Has this member applied what its peer had when they met (pure)? Asked after each start of its server, before it serves (P2).
import { slotTo } from './names.ts';
import { linkFrom } from './link.ts';
import type { ChangeGap, MemberState } from './observation.ts';

/** Plain data, carried from one look to the next. */
export interface CatchUp {
  /** The run of the own server and the life of the peer that this is about. */
  readonly of: string;
  /** The end of the peer's WAL at the first look at which the link ran with all tables. */
  readonly target: bigint;
  readonly reached: boolean;
}

export function catchUp(
  before: CatchUp | undefined,
  own: MemberState,
  peer: MemberState,
  gap: ChangeGap,
): CatchUp | undefined {
  const of = `${own.started}/${peer.systemIdentifier}`;
  const known = before?.of === of ? before : undefined;
  if (known?.reached === true) return known;
  const link = linkFrom(peer, own);
  const slot = peer.slots.find(({ name }) => name === slotTo(own.systemIdentifier));
  const complete =
    link?.pending === 0 && link.tables.length === peer.tables.length && gap.missing.length === 0;
  if (link?.running !== true || !complete || slot === undefined) return known;
  // `confirmed` counts what is applied and kept here, not what was received.
  const target = known?.target ?? peer.wal;
  return { of, target, reached: slot.confirmed >= target };
}
