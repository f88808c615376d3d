// Within small bounds nothing is left to chance: every two faults, each on either member, at every distance of a failover's
// length, short and long. The random schedules (pair.model.test.ts) go beyond.
import { expect, test } from '@jest/globals';
import { FAULTS, HEALED_ROUNDS, healthy, isToldOf, Play, violation } from './pair.play.ts';
import type { Action, Move } from './pair.play.ts';

/** Rounds of 100 ms between the two: from the same moment to after a takeover for a silent holder. */
const DISTANCES = [0, 1, 3, 10, 35];
/** Rounds after the second, so that it plays out. */
const TAIL = 45;
/** How long a fault lasts, in 20 ms: less than any deadline, and longer than a heartbeat does. */
const LENGTHS = [10, 200];
const NODES = [0, 1];

function* schedules(
  first: Action,
): Generator<{ readonly moves: readonly [Move, Move]; readonly distance: number }> {
  for (const second of FAULTS)
    for (const [node, other] of NODES.flatMap((a) => NODES.map((b) => [a, b] as const)))
      for (const amount of LENGTHS)
        for (const distance of DISTANCES)
          yield {
            moves: [
              { action: first, node, amount },
              { action: second, node: other, amount },
            ],
            distance,
          };
}

test.each(FAULTS)(
  '%s, then any other',
  async (first) => {
    for (const { moves, distance } of schedules(first)) {
      const play = new Play();
      await play.settle(60);
      const wrong: unknown[] = [];
      for (const [move, rounds] of [
        [moves[0], distance],
        [moves[1], TAIL],
      ] as const) {
        await play.move(move);
        for (let round = 0; round < rounds; round += 1) {
          await play.round(0);
          wrong.push(violation(play.pair));
        }
      }
      await play.settle(HEALED_ROUNDS);
      const end = healthy(play.pair) || isToldOf(play.pair) ? 'healed' : 'not healed';
      expect([JSON.stringify(moves), distance, wrong.find((each) => each !== undefined), end]).toEqual([
        JSON.stringify(moves),
        distance,
        undefined,
        'healed',
      ]);
    }
  },
  120_000,
);
