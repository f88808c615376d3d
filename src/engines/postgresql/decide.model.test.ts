// The model of two members under random faults: crashes, hangs, lost volumes, lost links, in any order.
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { World } from './decide.model.ts';
import type { Ordinal } from './decide.model.ts';
import { serves } from './decide.ts';
import { slotTo } from './names.ts';
import { pairRecord } from './testing.ts';

type Event =
  | {
      readonly kind: 'step' | 'replicate' | 'write' | 'crash' | 'hang' | 'start' | 'wipe' | 'loseSlots';
      readonly who: Ordinal;
    }
  | { readonly kind: 'cut' | 'heal' | 'loseRecord' };

function happen(world: World, event: Event): void {
  switch (event.kind) {
    case 'step':
      world.step(event.who);
      return;
    case 'replicate':
      world.replicate(event.who);
      return;
    case 'write':
      world.write(event.who);
      return;
    case 'crash':
      world.alive[event.who] = false;
      world.hung[event.who] = false;
      return;
    case 'hang':
      world.hang(event.who);
      return;
    case 'start':
      world.start(event.who);
      return;
    case 'wipe':
      world.wipe(event.who);
      return;
    case 'loseSlots':
      world.loseSlots(event.who);
      return;
    case 'cut':
      world.connected = false;
      return;
    case 'heal':
      world.connected = true;
      return;
    case 'loseRecord':
      // Only while no volume was lost that it names: then the data directories know all that it knew.
      if (
        world.record.copies.every(({ serverUuid }) =>
          world.volumes.some(({ system, pair }) => system === serverUuid && pair !== undefined),
        )
      ) {
        world.record = pairRecord([]);
      }
  }
}

const who = fc.constantFrom<Ordinal>(0, 1);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('step' as const), who }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('replicate' as const), who }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), who }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('crash' as const, 'hang' as const, 'start' as const, 'start' as const),
      who,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('wipe' as const, 'loseSlots' as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'heal' as const, 'heal' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('loseRecord' as const) }) },
);

/** Everything is mended; both go on until neither has anything to do. */
function settle(world: World): void {
  world.connected = true;
  for (const each of [0, 1] as const) world.start(each);
  let quiet = 0;
  for (let round = 0; round < 60 && quiet < 3; round += 1) {
    const steps = ([0, 1] as const).map((each) => {
      const step = world.step(each);
      world.replicate(each);
      return step;
    });
    quiet = steps.every((step) => step === 'settled') ? quiet + 1 : 0;
  }
}

describe('two members under faults', () => {
  test('one pair is founded, no acknowledged row is lost, and both serve the same rows when all is mended', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(event, { maxLength: 200, size: 'max' }), (paired, events) => {
        const world = new World();
        if (paired) settle(world);
        for (const each of events) happen(world, each);
        settle(world);
        const [first, second] = world.volumes;
        expect(world.founded).toBe(1);
        expect([0, 1].map((each) => serves(world.observe(each === 0 ? 0 : 1)))).toEqual([true, true]);
        // P7, P3: one link and one slot each, of the lives that are.
        expect([[...first.links.keys()], [...second.slots.keys()]]).toEqual([
          [second.system],
          [slotTo(first.system)],
        ]);
        expect([[...second.links.keys()], [...first.slots.keys()]]).toEqual([
          [first.system],
          [slotTo(second.system)],
        ]);
        expect(first.rows).toEqual(second.rows);
        expect([...world.acknowledged].filter((row) => !first.rows.has(row))).toEqual([]);
      }),
      { numRuns: Number(process.env['SPC_MODEL_RUNS'] ?? 300) },
    );
  });
});
