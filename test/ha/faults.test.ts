// Every fault of the catalogue on a real fabric, under load from outside: nothing acknowledged is lost, one holder a role, and
// the fabric is whole again by itself. SPC_HA=all plays them all, another value those whose name it matches, none those of
// continuous integration. SPC_HA_PASSED is a file that notes those that passed: they are not played again. SPC_HA_KEEP leaves
// the fabric for the next run.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FAULTS } from './faults.ts';
import type { Fault } from './faults.ts';
import { Ground } from './ground.ts';
import { addNote, readNotes } from './notes.ts';
import { play } from './play.ts';
import { describePlayed, wrong } from './verdict.ts';

const FABRIC = { namespace: 'it-ha', name: 'ha', address: '10.77.0.140' };
const PLAY_MS = 900_000;
const asked = process.env['SPC_HA'] ?? '';
const notes = process.env['SPC_HA_PASSED'];
const passed = notes === undefined ? [] : readNotes(notes).map(({ what }) => what);
const isAsked = ({ name, ci }: Fault): boolean =>
  asked === '' ? ci === true : asked === 'all' || new RegExp(asked).test(name);
const chosen = FAULTS.filter((fault) => isAsked(fault) && !passed.includes(fault.name));

let ground: Ground | undefined;

beforeAll(async () => {
  if (chosen.length > 0) ground = await Ground.open(FABRIC);
}, PLAY_MS);

afterAll(async () => {
  if (process.env['SPC_HA_KEEP'] === undefined) await ground?.remove();
  ground?.close();
}, PLAY_MS);

describe('nothing acknowledged is lost, and all heals', () => {
  it('has nothing left to play, or a fabric to play on', () =>
    expect(ground === undefined).toBe(chosen.length === 0));

  // Not it.each, which takes an empty list for a mistake.
  for (const fault of chosen) {
    it(
      fault.name,
      async () => {
        if (ground === undefined) throw new Error('there is no fabric');
        const played = await play(ground, fault);
        process.stderr.write(`${describePlayed(played)}\n`);
        expect(wrong(played)).toEqual([]);
        if (notes !== undefined) addNote(notes, fault.name, describePlayed(played));
      },
      PLAY_MS,
    );
  }
});
