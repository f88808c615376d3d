// What the operator says of the pair.
import { describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import type { PairObserved } from './gather.ts';
import { assess } from './status.ts';

const copies = ['demo-mysql-0', 'demo-mysql-1'].map((member) => ({ member, serverUuid: 'u', datadir: 'd' }));
const WELL: PairObserved = {
  record: {
    holder: 'demo-mysql-1/b',
    epoch: 4,
    phase: 'open',
    copies,
    switchover: '',
    resourceVersion: '1',
  },
  members: [
    { pod: 'demo-mysql-0', identity: 'demo-mysql-0/a', node: 'n1', ready: true },
    { pod: 'demo-mysql-1', identity: 'demo-mysql-1/b', node: 'n2', ready: true },
  ],
  writers: ['demo-mysql-1'],
};

function recorded(change: Partial<NonNullable<PairObserved['record']>>): PairObserved {
  return { ...WELL, record: { ...(WELL.record as NonNullable<PairObserved['record']>), ...change } };
}

describe('assess', () => {
  it('tells of the pair', () => {
    expect(assess(WELL, sampleCluster())).toMatchObject({
      ready: true,
      faultTolerant: true,
      reason: 'Serving',
      status: { mysql: { primary: 'demo-mysql-1', standby: 'demo-mysql-0', inSync: true, epoch: 4 } },
    });
  });

  it.each<readonly [string, PairObserved, string, boolean, boolean]>([
    ['no record', { ...WELL, record: undefined }, 'Pending', false, false],
    ['nothing initialised', recorded({ epoch: 0, holder: undefined }), 'Bootstrapping', false, false],
    ['nobody holds the role', recorded({ holder: undefined }), 'NoPrimary', false, false],
    ['a holder of an earlier pod', recorded({ holder: 'demo-mysql-1/gone' }), 'NoPrimary', false, false],
    ['a promotion', recorded({ phase: 'promoting' }), 'Promoting', false, false],
    ['a primary that is not routed to', { ...WELL, writers: [] }, 'PrimaryNotServing', false, false],
    ['a primary alone', recorded({ copies: copies.slice(1) }), 'NoStandby', true, false],
    [
      'both on one node',
      { ...WELL, members: WELL.members.map((member) => ({ ...member, node: 'n1' })) },
      'SameNode',
      true,
      false,
    ],
  ])('%s', (_, observed, reason, ready, faultTolerant) => {
    expect(assess(observed, sampleCluster())).toMatchObject({ reason, ready, faultTolerant });
  });
});
