import { describe, expect, test } from '@jest/globals';
import { catchUp } from './catch-up.ts';
import { slotTo } from './names.ts';
import { NO_GAP } from './observation.ts';
import type { MemberState } from './observation.ts';
import { memberState, SYSTEMS } from './testing.ts';

function peer(wal: bigint, confirmed: bigint): MemberState {
  return memberState(1, { wal, slots: [{ name: slotTo(SYSTEMS[0]), active: true, confirmed, lost: false }] });
}

describe('catching up', () => {
  test('is reached when all that the peer had at the first look is applied, however much came later', () => {
    const first = catchUp(undefined, memberState(0), peer(900n, 500n), NO_GAP);
    expect(first).toMatchObject({ target: 900n, reached: false });
    const second = catchUp(first, memberState(0), peer(5_000n, 899n), NO_GAP);
    expect(second).toMatchObject({ target: 900n, reached: false });
    expect(catchUp(second, memberState(0), peer(6_000n, 900n), NO_GAP)).toMatchObject({ reached: true });
  });

  test('is asked again after each start of the server, and of a rebuilt peer', () => {
    const reached = catchUp(undefined, memberState(0), peer(900n, 900n), NO_GAP);
    expect(reached?.reached).toBe(true);
    expect(catchUp(reached, memberState(0, { started: '2' }), peer(2_000n, 900n), NO_GAP)?.reached).toBe(
      false,
    );
  });

  test('has no target while tables are missing, copied, or changes are to be fetched', () => {
    const [link] = memberState(0).subscriptions;
    if (link === undefined) throw new Error('no link');
    const copying = memberState(0, { subscriptions: [{ ...link, pending: 1 }] });
    const broken = memberState(0, { subscriptions: [{ ...link, running: false }] });
    const behind = memberState(0, { subscriptions: [{ ...link, tables: [] }] });
    for (const own of [copying, broken, behind]) {
      expect(catchUp(undefined, own, peer(900n, 900n), NO_GAP)).toBeUndefined();
    }
    const gap = { missing: ['x'], conflicting: [] };
    expect(catchUp(undefined, memberState(0), peer(900n, 900n), gap)).toBeUndefined();
  });
});
