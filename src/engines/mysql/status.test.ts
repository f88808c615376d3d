// What the operator says of the pair.
import { describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import { lossToken } from '../../agent/role-notes.ts';
import type { PairObserved } from './gather.ts';
import { assess } from './status.ts';
import { ANNOTATIONS } from '../../api/v1alpha1/names.ts';

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

  it('tells how the role last moved', () => {
    const handover = {
      epoch: 4,
      at: '2026-11-22T20:00:00Z',
      reason: 'why',
      from: 'demo-mysql-0',
      to: 'demo-mysql-1',
      detectMs: 3_000,
      promoteMs: 200,
      routeMs: 50,
    };
    const { epoch: _, ...told } = handover;
    expect(assess(recorded({ notes: { handover } }), sampleCluster()).status.mysql?.lastFailover).toEqual({
      ...told,
      totalMs: 3_250,
    });
  });

  describe('when no running member is a recorded copy', () => {
    const stranded = [
      { member: 'demo-mysql-1', upTo: '' },
      { member: 'demo-mysql-0', upTo: '2026-11-22T20:00:00Z' },
    ];
    const lost = recorded({ holder: undefined, copies: copies.slice(1), notes: { stranded } });
    const token = lossToken({ epoch: 4, copies: copies.slice(1) }, 'demo-mysql-0');

    it('names what is wanted, what may be lost, and what accepts it', () => {
      const { reason, ready, message } = assess(lost, sampleCluster());
      expect([reason, ready]).toEqual(['NoRecordedCopy', false]);
      expect(message).toContain('wanted: demo-mysql-1 with d.');
      expect(message).toContain(
        `demo-mysql-0 has all until 2026-11-22T20:00:00Z: what came later would be lost with ${ANNOTATIONS.forcePrimary}=demo-mysql-0 and ${ANNOTATIONS.acceptDataLoss}=${token}`,
      );
      expect(message).toContain('demo-mysql-1 has no data: everything would be lost');
      expect(message).not.toContain('another was given');
    });

    it('says that a token is not this one', () => {
      const { metadata, ...cluster } = sampleCluster();
      const annotations = { [ANNOTATIONS.forcePrimary]: 'demo-mysql-0', [ANNOTATIONS.acceptDataLoss]: 'old' };
      const { message } = assess(lost, { ...cluster, metadata: { ...metadata, annotations } });
      expect(message).toContain(`${token} (another was given)`);
    });

    it('is over when somebody holds the role', () => {
      expect(assess(recorded({ notes: { stranded } }), sampleCluster()).reason).toBe('Serving');
    });
  });
});
