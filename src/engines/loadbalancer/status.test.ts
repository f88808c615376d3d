import { describe, expect, test } from '@jest/globals';
import { decide } from './decide.ts';
import type { BalancerFacts, PairObserved } from './gather.ts';
import { assess } from './status.ts';

function balancer(ordinal: number, change: Partial<BalancerFacts> = {}): BalancerFacts {
  return {
    name: `demo-lb-${ordinal}`,
    uid: `u${ordinal}`,
    node: `n${ordinal + 1}`,
    ready: true,
    current: true,
    ending: false,
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

describe('renewing pods of an outdated template', () => {
  const restarted = (observed: PairObserved): string | undefined => {
    const step = decide(observed);
    return step.kind === 'restart' ? step.balancer.name : undefined;
  };

  test('the standby first, then the holder', () => {
    expect(restarted(SOUND)).toBeUndefined();
    expect(restarted(pair({ current: false }, { current: false }))).toBe('demo-lb-1');
    expect(restarted(pair({ current: false }, {}))).toBe('demo-lb-0');
  });

  test('none while the other does not serve, is missing or ends', () => {
    expect(restarted(pair({ current: false }, { ready: false }))).toBeUndefined();
    expect(restarted(pair({ current: false }, { uid: undefined }))).toBeUndefined();
    expect(restarted(pair({ current: false }, { ending: true }))).toBeUndefined();
  });

  test('one that does not serve anyway is renewed first: it may be what is wrong', () => {
    expect(restarted(pair({ current: false, ready: false }, { current: false }))).toBe('demo-lb-0');
    expect(restarted(pair({ current: false, ready: false }, { ready: false }))).toBe('demo-lb-0');
  });
});
