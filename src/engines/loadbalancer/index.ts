// The load-balancer pair, as the reconciler sees it.
import type { Engine } from '../engine.ts';
import { gather } from './gather.ts';
import type { PairObserved } from './gather.ts';
import { operate } from './operations.ts';
import { presets, specs } from './specs.ts';
import { assess } from './status.ts';

export { clusterWideObjects } from './metallb.ts';

export const loadBalancer: Engine<PairObserved> = {
  component: 'loadbalancer',
  condition: 'LoadBalancerReady',
  specs,
  presets,
  gather,
  operate,
  assess,
};
