import { describe, expect, test } from '@jest/globals';
import {
  isDead,
  leaseGone,
  nextExpiry,
  ownEchoed,
  ownFailed,
  ownSent,
  promised,
  seen,
  startObservation,
} from './verdict.ts';
import type { Observation } from './verdict.ts';

const D = 3_000;

type Step = readonly [
  at: number,
  what: 'peer' | 'other' | 'sent' | 'echo' | 'fail' | 'promise' | 'release' | 'gone' | 'successor',
];

/** Peer P on node a, other O on node b, observer B on node c: three nodes, as in the demo. */
function play(steps: readonly Step[]): Observation {
  let now = 0;
  let observation = startObservation(0);
  let token = 0;
  const life = (lease: string, identity: string | undefined, node: string): void => {
    observation = seen(observation, lease, identity, { durationMs: D, node }, now);
  };
  for (const [at, what] of steps) {
    now = at;
    switch (what) {
      case 'peer':
        life('p', 'p/1', 'a');
        break;
      case 'successor':
        life('p', 'p/2', 'a');
        break;
      case 'other':
        life('o', 'o/1', 'b');
        break;
      case 'release':
        life('p', undefined, 'a');
        break;
      case 'gone':
        observation = leaseGone(observation, 'p');
        break;
      case 'sent':
        token += 1;
        observation = ownSent(observation, String(token), now);
        break;
      case 'echo':
        life('b', 'b/1', 'c');
        observation = ownEchoed(observation, String(token));
        break;
      case 'fail':
        observation = ownFailed(observation, now);
        break;
      case 'promise':
        observation = promised(observation, 'p/1', now);
        break;
    }
  }
  return observation;
}

describe('the dead-rule', () => {
  test.each<{ name: string; steps: readonly Step[]; dead: boolean }>([
    {
      name: 'an own renewal sent one duration after the last change came back',
      steps: [
        [0, 'peer'],
        [2_990, 'other'],
        [3_000, 'sent'],
        [3_010, 'echo'],
      ],
      dead: true,
    },
    {
      name: 'time alone is not enough',
      steps: [
        [0, 'peer'],
        [2_990, 'other'],
        [60_000, 'other'],
      ],
      dead: false,
    },
    {
      name: 'a renewal sent too early does not count, however late it comes back',
      steps: [
        [0, 'peer'],
        [2_999, 'sent'],
        [2_999, 'other'],
        [9_000, 'echo'],
      ],
      dead: false,
    },
    {
      name: "many renewals of one's own are not enough either (counting them fails: counterexample 38)",
      steps: [
        [0, 'peer'],
        [100, 'sent'],
        [110, 'echo'],
        [200, 'sent'],
        [210, 'echo'],
        [300, 'sent'],
        [310, 'echo'],
        [2_900, 'sent'],
        [2_910, 'echo'],
        [2_920, 'other'],
      ],
      dead: false,
    },
    {
      name: 'a change seen before the renewal comes back starts the wait anew',
      steps: [
        [0, 'peer'],
        [2_990, 'other'],
        [3_000, 'sent'],
        [3_005, 'peer'],
        [3_010, 'echo'],
      ],
      dead: false,
    },
    {
      name: 'a change seen after the verdict ends it',
      steps: [
        [0, 'peer'],
        [2_990, 'other'],
        [3_000, 'sent'],
        [3_010, 'echo'],
        [3_020, 'peer'],
      ],
      dead: false,
    },
    {
      name: 'a failed own renewal ends the verdict',
      steps: [
        [0, 'peer'],
        [2_990, 'other'],
        [3_000, 'sent'],
        [3_010, 'echo'],
        [3_500, 'sent'],
        [4_000, 'fail'],
      ],
      dead: false,
    },
    {
      name: 'after an outage of the API server the wait starts anew: it kills nobody',
      steps: [
        [0, 'peer'],
        [500, 'sent'],
        [1_500, 'fail'],
        [30_000, 'fail'],
        [30_500, 'sent'],
        [30_510, 'other'],
        [30_520, 'echo'],
      ],
      dead: false,
    },
    {
      name: 'a renewal given up as failed proves nothing when it comes back later',
      steps: [
        [0, 'peer'],
        [3_000, 'sent'],
        [4_000, 'fail'],
        [9_000, 'other'],
        [9_000, 'echo'],
      ],
      dead: false,
    },
    {
      name: 'a promise ends the verdict',
      steps: [
        [0, 'peer'],
        [2_990, 'other'],
        [3_000, 'sent'],
        [3_010, 'echo'],
        [3_020, 'promise'],
      ],
      dead: false,
    },
    {
      name: 'one duration after the promise it may stand again',
      steps: [
        [0, 'peer'],
        [3_020, 'promise'],
        [6_000, 'other'],
        [6_020, 'sent'],
        [6_030, 'echo'],
      ],
      dead: true,
    },
    {
      name: 'who releases its Lease is gone at once',
      steps: [
        [0, 'peer'],
        [10, 'release'],
      ],
      dead: true,
    },
    {
      name: 'a deleted Lease proves nothing by itself',
      steps: [
        [0, 'peer'],
        [10, 'gone'],
        [20, 'sent'],
        [30, 'echo'],
      ],
      dead: false,
    },
    {
      name: 'a deleted Lease runs out like any other',
      steps: [
        [0, 'peer'],
        [10, 'gone'],
        [2_990, 'other'],
        [3_000, 'sent'],
        [3_010, 'echo'],
      ],
      dead: true,
    },
    {
      name: 'a successor of the same name does not keep its predecessor alive',
      steps: [
        [0, 'peer'],
        [1_000, 'successor'],
        [2_000, 'successor'],
        [2_990, 'other'],
        [3_000, 'sent'],
        [3_010, 'successor'],
        [3_020, 'echo'],
      ],
      dead: true,
    },
    {
      name: 'two of three nodes silent together: one more duration',
      steps: [
        [0, 'peer'],
        [10, 'other'],
        [3_100, 'sent'],
        [3_110, 'echo'],
      ],
      dead: false,
    },
    {
      name: 'two of three nodes silent together: then decided',
      steps: [
        [0, 'peer'],
        [10, 'other'],
        [3_100, 'sent'],
        [3_110, 'echo'],
        [6_000, 'sent'],
        [6_010, 'echo'],
      ],
      dead: true,
    },
    {
      name: 'a node lost long before does not delay the verdict on the next',
      steps: [
        [0, 'other'],
        [60_000, 'peer'],
        [63_000, 'sent'],
        [63_010, 'echo'],
      ],
      dead: true,
    },
    {
      name: 'of a pair of nodes, one may fail (counterexample 16)',
      steps: [
        [0, 'peer'],
        [3_000, 'sent'],
        [3_010, 'echo'],
      ],
      dead: true,
    },
  ])('$name: dead is $dead', ({ steps, dead }) => {
    expect(isDead(play(steps), 'p/1')).toBe(dead);
  });

  test('an identity never seen is granted the longest duration from the start', () => {
    expect(
      isDead(
        play([
          [14_990, 'sent'],
          [15_010, 'echo'],
        ]),
        'p/0',
      ),
    ).toBe(false);
    expect(
      isDead(
        play([
          [15_000, 'sent'],
          [15_010, 'echo'],
        ]),
        'p/0',
      ),
    ).toBe(true);
  });
});

describe('when a renewal is worth sending', () => {
  test.each<{ name: string; steps: readonly Step[]; now: number; at: number | undefined }>([
    { name: 'nobody beats', steps: [], now: 0, at: undefined },
    {
      name: 'the silence that runs out first',
      steps: [
        [0, 'peer'],
        [400, 'other'],
      ],
      now: 500,
      at: D,
    },
    {
      name: 'what has run out is judged by any renewal',
      steps: [
        [0, 'peer'],
        [400, 'other'],
      ],
      now: D,
      at: 400 + D,
    },
    {
      name: 'a failed renewal begins every silence anew',
      steps: [
        [0, 'peer'],
        [700, 'fail'],
      ],
      now: 800,
      at: 700 + D,
    },
    {
      name: 'who has released is waited for no longer',
      steps: [
        [0, 'peer'],
        [100, 'release'],
      ],
      now: 200,
      at: undefined,
    },
  ])('$name', ({ steps, now, at }) => {
    expect(nextExpiry(play(steps), now)).toBe(at);
  });
});
