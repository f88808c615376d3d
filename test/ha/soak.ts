// make soak MINUTES=n SEED=s: draws faults from the catalogue under load until the time is over, and checks the same after each. The
// same seed draws the same faults in the same order; FROM=n goes on at the n-th.
import { FAULTS } from './faults.ts';
import { Ground } from './ground.ts';
import { play } from './play.ts';
import type { Played } from './play.ts';
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
const from = Number(process.env['FROM'] ?? 1);
if (!(minutes > 0) || !Number.isInteger(seed) || !(from >= 1)) {
  process.stderr.write('MINUTES must be a number above 0, SEED a whole number, FROM one from 1 on\n');
  process.exit(2);
}
const next = random(seed);
const end = Date.now() + minutes * 60_000;
process.stdout.write(`soak of ${minutes} minutes, seed ${seed}\n`);
const ground = await Ground.open(FABRIC);
let count = 0;
while (Date.now() < end) {
  const fault = FAULTS[Math.floor(next() * FAULTS.length)];
  if (fault === undefined) continue;
  count += 1;
  if (count < from) continue;
  let played: Played;
  try {
    played = await play(ground, fault);
  } catch (error) {
    process.stderr.write(`seed ${seed}, fault ${count}, ${fault.name}: ${String(error)}\n`);
    process.exit(1);
  }
  process.stdout.write(`${count}. ${describePlayed(played)}\n`);
  const found = wrong(played);
  if (found.length > 0) {
    process.stderr.write(`seed ${seed}, fault ${count}, ${fault.name}: ${found.join('; ')}\n`);
    process.exit(1);
  }
}
process.stdout.write(`faults ${from} to ${count}, nothing lost, seed ${seed}\n`);
await ground.remove();
ground.close();
