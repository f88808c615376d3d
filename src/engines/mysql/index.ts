// The MySQL pair, as the reconciler sees it.
import type { Engine } from '../engine.ts';
import { gather } from './gather.ts';
import type { PairObserved } from './gather.ts';
import { presets } from './presets.ts';
import { specs } from './specs.ts';
import { assess, renewal } from './status.ts';

export const mysql: Engine<PairObserved> = {
  component: 'mysql',
  condition: 'MySQLReady',
  specs,
  presets,
  gather,
  // The agents bootstrap, replicate and fail over by themselves: the operator is not on that path.
  operate: () => Promise.resolve(),
  renewal,
  assess,
};
