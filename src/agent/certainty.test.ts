import { describe, expect, test } from '@jest/globals';
import { certainUntil, confirmed, NO_CERTAINTY, refused, sending } from './certainty.ts';

describe('certainty (L5)', () => {
  test('nothing is certain before the first confirmation', () => {
    expect(certainUntil(sending(NO_CERTAINTY, 'a', 100, 2_000))).toBe(Number.NEGATIVE_INFINITY);
  });

  test('counts from the sending, however late the answer', () => {
    expect(certainUntil(confirmed(sending(NO_CERTAINTY, 'a', 100, 2_000), 'a'))).toBe(2_100);
  });

  test('a later renewal under way changes nothing; confirmed, it lengthens', () => {
    const first = confirmed(sending(NO_CERTAINTY, 'a', 100, 2_000), 'a');
    const second = sending(first, 'b', 600, 2_000);
    expect(certainUntil(second)).toBe(2_100);
    expect(certainUntil(confirmed(second, 'b'))).toBe(2_600);
  });

  test('a renewal under way with a shorter deadline binds from its sending: it may have landed', () => {
    const relaxed = confirmed(sending(NO_CERTAINTY, 'a', 0, 10_000), 'a');
    const faster = sending(relaxed, 'b', 1_000, 2_000);
    expect(certainUntil(faster)).toBe(3_000);
    expect(certainUntil(refused(faster, 'b'))).toBe(10_000);
    expect(certainUntil(confirmed(faster, 'b'))).toBe(3_000);
  });

  test('a shorter deadline of unknown outcome still binds after many more failures, until a newer one is confirmed', () => {
    let certainty = sending(confirmed(sending(NO_CERTAINTY, 'a', 0, 10_000), 'a'), 'b', 1_000, 2_000);
    for (let i = 0; i < 50; i += 1) certainty = sending(certainty, `c${i}`, 2_000 + i, 10_000);
    expect(certainUntil(certainty)).toBe(3_000);
    expect(certainty.pending.length).toBeLessThan(10);
    expect(certainUntil(confirmed(certainty, 'c49'))).toBe(12_049);
  });

  test('an unknown token changes nothing', () => {
    const certainty = sending(NO_CERTAINTY, 'a', 0, 2_000);
    expect(confirmed(certainty, 'zz')).toBe(certainty);
  });
});
