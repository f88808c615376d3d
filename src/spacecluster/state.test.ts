// The record must never forget: not when a Lease is lost, not when it is read half-way (M2, R3).
import { describe, expect, it } from '@jest/globals';
import type { ConfigMap, Lease } from '../kube/types.ts';
import { sampleCluster } from '../../test/unit/sample.ts';
import { nextState } from './state.ts';

const cluster = sampleCluster();
const COPIES = '[{"member":"demo-mysql-0","serverUuid":"u0","datadir":"d0"}]';

function lease(epoch: number, phase: string, holder = 'demo-mysql-0/uid', copies = COPIES): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: 'demo-mysql',
      labels: { 'spacecluster.dev/role': 'mysql' },
      annotations: { 'spacecluster.dev/phase': phase, 'spacecluster.dev/copies': copies },
    },
    spec: { leaseTransitions: epoch, holderIdentity: holder },
  };
}

const read = (state: ConfigMap | undefined) => JSON.parse(state?.data?.['mysql'] ?? 'null');

describe('state record', () => {
  it('is made empty for a new cluster, without an owner', () => {
    const state = nextState(cluster, undefined, []);
    expect(state?.data).toEqual({});
    expect(state?.metadata.ownerReferences).toBeUndefined();
  });

  it('keeps holder, epoch and copies, and is left alone when they are the same', () => {
    const state = nextState(cluster, undefined, [lease(3, 'open')]);
    expect(read(state)).toEqual({
      initialised: true,
      epoch: 3,
      holder: 'demo-mysql-0/uid',
      copies: JSON.parse(COPIES),
    });
    expect(nextState(cluster, state, [lease(3, 'open')])).toBeUndefined();
  });

  it('is initialised only once the role was open, and stays so', () => {
    const promoting = nextState(cluster, undefined, [lease(1, 'promoting')]);
    expect(read(promoting).initialised).toBe(false);
    const open = nextState(cluster, promoting, [lease(1, 'open')]);
    expect(read(nextState(cluster, open, [lease(2, 'promoting')])).initialised).toBe(true);
  });

  it('does not forget when the Lease is lost or made anew', () => {
    const state = nextState(cluster, undefined, [lease(3, 'open')]);
    expect(nextState(cluster, state, [])).toBeUndefined();
    expect(nextState(cluster, state, [lease(0, '', '', '[]')])).toBeUndefined();
    expect(nextState(cluster, state, [lease(2, 'open', 'demo-mysql-1/other')])).toBeUndefined();
  });

  it('keeps what others wrote into it', () => {
    const state = nextState(cluster, undefined, [lease(3, 'open')]);
    if (state === undefined) throw new Error('no state');
    const shared = { ...state, data: { ...state.data, postgresql: 'theirs' } };
    expect(nextState(cluster, shared, [lease(4, 'open')])?.data?.['postgresql']).toBe('theirs');
  });
});
