// The decider, case by case, for the member that does not hold the role.
import { describe, expect, it } from '@jest/globals';
import { decide } from './decide.ts';
import type { PeerReport, RunningEngine } from './member-state.ts';
import { A, B, copyB, HELD, FOLLOWING, OTHER, short, table } from './testing.ts';
import type { View } from './view.ts';

describe('a standby', () => {
  const engine = OTHER.engine as RunningEngine;
  const unrecorded = { ...HELD, holder: 'm-1/u', copies: [copyB] };
  const apart = (change: Partial<RunningEngine>): View => ({
    ...OTHER,
    record: unrecorded,
    engine: { ...engine, replica: undefined, ...change },
  });
  table([
    ['in step has nothing to do', OTHER, 'wait'],
    ['lets clients read once it is recorded', { ...OTHER, engine: { ...engine, online: false } }, 'let-in'],
    ['follows the primary', apart({}), 'follow'],
    [
      'starts again where it was',
      apart({ replica: { ...FOLLOWING, sourceUuid: B, io: 'off', retrieved: `${B}:1-4` } }),
      'start-replica',
    ],
    [
      'lets a connection come about',
      apart({ replica: { ...FOLLOWING, sourceUuid: B, io: 'connecting', retrieved: `${B}:1-4` } }),
      'wait',
    ],
    [
      'applies first (M10)',
      apart({ replica: { ...FOLLOWING, io: 'off', sql: false, retrieved: `${B}:1-5` } }),
      'start-applying',
    ],
    ['waits for the word of the primary', { ...apart({}), peer: undefined }, 'wait'],
    [
      'which must be of this epoch',
      { ...apart({}), peer: { ...(OTHER.peer as PeerReport), epoch: 2 } },
      'wait',
    ],
    [
      'does nothing while an own taking is of unknown outcome',
      { ...apart({}), pending: [{ kind: 'take', base: '1', copies: undefined }] },
      'wait',
    ],
    ['is cloned when it is empty', apart({ executed: '' }), 'clone'],
    [
      'is cloned when the logs it misses are gone',
      { ...apart({ executed: `${A}:1-3` }), peer: primaryWith({ purged: `${A}:1-5` }) },
      'clone',
    ],
    [
      'is not cloned while it counts (S4)',
      { ...apart({ executed: '' }), record: { ...HELD, holder: 'm-1/u' } },
      'wait',
    ],
    ['removes what it was before once it counts (M9)', { ...OTHER, leftovers: ['data-old'] }, 'remove'],
    ['and not sooner', { ...OTHER, record: unrecorded, leftovers: ['data-old'] }, 'wait'],
  ]);

  it('saves what only it has before it is cloned (M9)', () => {
    expect(decide(apart({ executed: `${A}:1-11,${B}:1-4` }))).toMatchObject({
      kind: 'clone',
      errant: `${A}:10-11`,
    });
  });

  it('does not take for errant what the primary has not committed yet', () => {
    expect(short(decide(apart({ executed: `${A}:1-9,${B}:1-5` })))).toBe('follow');
  });

  function primaryWith(change: Partial<RunningEngine>): PeerReport {
    const peer = OTHER.peer as PeerReport;
    return { ...peer, engine: { ...(peer.engine as RunningEngine), ...change } };
  }
});

describe('a standby whose password was rotated', () => {
  const following = OTHER.engine as RunningEngine;
  const refused = (ioRefused: boolean): View => ({
    ...OTHER,
    record: { ...HELD, holder: 'm-1/u' },
    engine: {
      ...following,
      replica: { ...FOLLOWING, sourceHost: 'm-1', sourceUuid: B, retrieved: '', io: 'connecting', ioRefused },
    },
  });
  table([
    ['is refused, and logs in anew by its Secret', refused(true), 'follow'],
    ['only does not get through, and waits', refused(false), 'wait'],
  ]);
});
