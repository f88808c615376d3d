// The load-balancer pair, as the reconciler sees it.
import type { Engine } from '../engine.ts';
import { gather } from './gather.ts';
import type { PairObserved } from './gather.ts';
import { presets, specs } from './specs.ts';
import { assess, renewal } from './status.ts';

export { clusterWideObjects } from './metallb.ts';

export const loadBalancer: Engine<PairObserved> = {
  component: 'loadbalancer',
  condition: 'LoadBalancerReady',
  specs,
  presets,
  gather,
  // The agents move the Web IP by themselves.
  operate: () => Promise.resolve(),
  renewal,
  assess,
};
