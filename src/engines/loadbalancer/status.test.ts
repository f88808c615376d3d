import { describe, expect, test } from '@jest/globals';
import type { BalancerFacts, PairObserved } from './gather.ts';
import { assess, renewal } from './status.ts';

function balancer(ordinal: number, change: Partial<BalancerFacts> = {}): BalancerFacts {
  return {
    name: `demo-lb-${ordinal}`,
    uid: `u${ordinal}`,
    node: `n${ordinal + 1}`,
    ready: true,
    ...change,
  };
}

const SOUND: PairObserved = {
  balancers: [balancer(0), balancer(1)],
  holder: 'demo-lb-0/u0',
  routedTo: { pod: 'demo-lb-0', uid: 'u0' },
};

function pair(
  zero: Partial<BalancerFacts>,
  one: Partial<BalancerFacts>,
  change: Partial<PairObserved> = {},
): PairObserved {
  return { ...SOUND, balancers: [balancer(0, zero), balancer(1, one)], ...change };
}

describe("the pair's word on itself", () => {
  test.each<[string, PairObserved, boolean, boolean]>([
    ['Serving', SOUND, true, true],
    ['Starting', pair({ ready: false }, { ready: false, uid: undefined }), false, false],
    ['NoHolder', { ...SOUND, holder: undefined }, false, false],
    ['NoHolder', { ...SOUND, holder: 'demo-lb-0/an-older-pod' }, false, false],
    ['NotRouted', { ...SOUND, routedTo: undefined }, false, false],
    ['NotRouted', { ...SOUND, routedTo: { pod: 'demo-lb-1', uid: 'u1' } }, false, false],
    ['HolderNotServing', pair({ ready: false }, {}), false, false],
    ['NoStandby', pair({}, { ready: false }), true, false],
    ['OneNode', pair({}, { node: 'n1' }), true, false],
  ])('%s', (reason, observed, ready, faultTolerant) => {
    expect(assess(observed)).toMatchObject({ reason, ready, faultTolerant });
  });
});

describe('renewing', () => {
  test('takes the holder last, and nobody while the Web IP leads nowhere', () => {
    expect(renewal(SOUND)).toEqual({ last: ['demo-lb-0'], hold: undefined });
    expect(renewal({ ...SOUND, routedTo: undefined }).hold).toContain('leads to no holder');
    expect(renewal({ ...SOUND, holder: 'demo-lb-0/an-older-pod' }).hold).toBeDefined();
  });
});
