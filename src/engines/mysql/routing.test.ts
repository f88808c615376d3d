import { expect, test } from '@jest/globals';
import { routingOf } from './routing.ts';
import type { RunningEngine } from './member-state.ts';
import { ALONE, CLOSED, FOLLOWING, HELD, OTHER, standbyWith, VIEW } from './testing.ts';
import type { View } from './view.ts';

const STANDBY_ENGINE = OTHER.engine as RunningEngine;
const online = standbyWith({ online: true });
const receivesNoMore = { ...FOLLOWING, sourceUuid: '', io: 'connecting', ioError: 'gone' } as const;

function following(change: Partial<RunningEngine>): View {
  return { ...OTHER, engine: { ...STANDBY_ENGINE, ...change } };
}

test.each<[what: string, view: View, rw: number | undefined, ro: boolean]>([
  ['the open primary takes writes, its standby the reads', { ...VIEW, peer: online }, 3, false],
  ['reads fall back to a primary that is alone', { ...VIEW, record: ALONE }, 3, true],
  ['a standby in step takes reads', OTHER, undefined, true],
  ['and goes on with it when the primary is gone', following({ replica: receivesNoMore }), undefined, true],
  ['not when it cannot apply', following({ replica: { ...FOLLOWING, sqlError: 'no' } }), undefined, false],
  ['not when it was withdrawn', { ...OTHER, record: { ...HELD, copies: [] } }, undefined, false],
  [
    'being promoted it keeps its reads: its one change is the rw endpoint',
    { ...VIEW, engine: { ...CLOSED, online: true, replica: { ...FOLLOWING, io: 'off' } } },
    undefined,
    true,
  ],
  ['who hands over takes nothing', { ...VIEW, handingOver: 'asked' }, undefined, false],
  ['nor does who is being stopped', { ...VIEW, stopping: true }, undefined, false],
  ['nor a server that lets nobody in', { ...VIEW, engine: CLOSED }, undefined, false],
])('%s', (_, view, rw, ro) => {
  expect(routingOf(view)).toMatchObject({ rw, ro });
});
