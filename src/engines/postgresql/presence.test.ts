import { expect, test } from '@jest/globals';
import { presence, UNKNOWN_PRESENCE } from './presence.ts';
import type { Seen } from './observation.ts';
import { memberState, up } from './testing.ts';

const GONE: Seen = { kind: 'absent', problem: 'no answer' };

function after(...seen: readonly Seen[]): boolean {
  let last = UNKNOWN_PRESENCE;
  for (const each of seen) last = presence(last, each, true);
  return last.interrupted;
}

test.each<[string, readonly Seen[], boolean]>([
  ['always answered', [up(memberState(0)), up(memberState(0))], false],
  ['hung and went on', [up(memberState(0)), GONE, up(memberState(0))], true],
  ['hung when its agent began, and went on', [GONE, up(memberState(0))], true],
  ['was started anew', [up(memberState(0)), GONE, up(memberState(0, { started: '2' }))], false],
  ['hung, and still hangs', [up(memberState(0)), GONE], false],
  ['hung once and answers since', [up(memberState(0)), GONE, up(memberState(0)), up(memberState(0))], true],
])('a server that %s', (_, seen, expected) => {
  expect(after(...seen)).toBe(expected);
});

test('a server that hung while its peer did not serve has missed nothing', () => {
  const hung = presence(presence(UNKNOWN_PRESENCE, up(memberState(0)), false), GONE, false);
  expect(presence(hung, up(memberState(0)), false).interrupted).toBe(false);
  // It was waiting for a peer that has stopped to serve meanwhile.
  const waiting = presence(hung, up(memberState(0)), true);
  expect(waiting.interrupted).toBe(true);
  expect(presence(waiting, up(memberState(0)), false).interrupted).toBe(false);
});
