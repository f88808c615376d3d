// Every fault of the catalogue on a real fabric, under load from outside: nothing acknowledged is lost, one holder a role, and
// the fabric is whole again by itself. SPC_HA=all plays them all, another value those whose name it matches, none those of
// continuous integration. SPC_HA_KEEP leaves the fabric for the next run.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FAULTS } from './faults.ts';
import { Ground } from './ground.ts';
import { play } from './play.ts';
import { describePlayed, wrong } from './verdict.ts';

const FABRIC = { namespace: 'it-ha', name: 'ha', address: '10.77.0.140' };
const PLAY_MS = 900_000;
const asked = process.env['SPC_HA'] ?? '';
const chosen = FAULTS.filter(({ name, ci }) =>
  asked === '' ? ci === true : asked === 'all' || new RegExp(asked).test(name),
);

let ground: Ground | undefined;

beforeAll(async () => {
  ground = await Ground.open(FABRIC);
}, PLAY_MS);

afterAll(async () => {
  if (process.env['SPC_HA_KEEP'] === undefined) await ground?.remove();
  ground?.close();
}, PLAY_MS);

describe('nothing acknowledged is lost, and all heals', () => {
  it.each(chosen.map((fault) => [fault.name, fault] as const))(
    '%s',
    async (_name, fault) => {
      if (ground === undefined) throw new Error('there is no fabric');
      const played = await play(ground, fault);
      process.stderr.write(`${describePlayed(played)}\n`);
      expect(wrong(played)).toEqual([]);
    },
    PLAY_MS,
  );
});
