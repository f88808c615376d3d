// The application workers, as the reconciler sees them.
import type { Engine } from '../engine.ts';
import { gather } from './gather.ts';
import type { WorkersObserved } from './gather.ts';
import { presets, specs } from './specs.ts';
import { assess, renewal } from './status.ts';

export const worker: Engine<WorkersObserved> = {
  component: 'worker',
  condition: 'WorkersReady',
  specs,
  presets,
  gather,
  // Kubernetes starts and ends workers; there is nothing to do that the StatefulSet does not.
  operate: () => Promise.resolve(),
  renewal,
  assess,
};
