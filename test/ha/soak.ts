// make soak MINUTES=n SEED=s: draws faults from the catalogue under load until the time is over, and checks the same after each. The
// same seed draws the same faults in the same order. An interrupted soak of the same commit goes on behind the last that passed;
// FROM=n begins at the n-th instead, to look at it again, and notes nothing.
import { FAULTS } from './faults.ts';
import type { Fault } from './faults.ts';
import { Ground } from './ground.ts';
import { addNote, readNotes } from './notes.ts';
import { play } from './play.ts';
import { describePlayed, wrong } from './verdict.ts';

const FABRIC = { namespace: 'soak-ha', name: 'soak', address: '10.77.0.141' };

/** Mulberry32: small, and the same everywhere. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const minutes = Number(process.env['MINUTES'] ?? 60);
const seed = Number(process.env['SEED'] ?? 1);
const folder = process.env['PROOF'] ?? 'build/proof';
const notes = `${folder}/soak-${process.env['COMMIT'] ?? 'now'}-seed-${seed}.tsv`;
const again = process.env['FROM'];
const noted = again === undefined ? readNotes(notes) : [];
const from = Number(again ?? noted.length + 1);
if (!(minutes > 0) || !Number.isInteger(seed) || !(from >= 1)) {
  process.stderr.write('MINUTES must be a number above 0, SEED a whole number, FROM one from 1 on\n');
  process.exit(2);
}
const next = random(seed);
const draw = (): Fault => FAULTS[Math.floor(next() * FAULTS.length)] as Fault;
for (let skipped = 1; skipped < from; skipped += 1) draw();

process.stdout.write(`soak of ${minutes} minutes, seed ${seed}, from fault ${from} on\n`);
const ground = await Ground.open(FABRIC);
/** Of the faults themselves: making the fabric does not count. */
let played = noted.reduce((sum, { what }) => sum + Number(/(\d+) s$/.exec(what)?.[1] ?? 0), 0);
for (let count = from; played < minutes * 60; count += 1) {
  const fault = draw();
  const began = Date.now();
  let told: string;
  let found: readonly string[];
  try {
    const outcome = await play(ground, fault);
    told = describePlayed(outcome);
    found = wrong(outcome);
  } catch (error) {
    [told, found] = [fault.name, [String(error)]];
  }
  process.stdout.write(`${count}. ${told}\n`);
  if (found.length > 0) {
    process.stderr.write(`seed ${seed}, fault ${count}, ${fault.name}: ${found.join('; ')}\n`);
    process.exit(1);
  }
  const took = Math.round((Date.now() - began) / 1_000);
  played += took;
  if (again === undefined) addNote(notes, `${count} ${took} s`, told);
}
process.stdout.write(`nothing lost in ${Math.floor(played / 60)} minutes, seed ${seed}\n`);
await ground.remove();
ground.close();
