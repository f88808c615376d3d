// PostgreSQL, two writable members, as one of the five parts. The agents do the work; the operator makes objects and reads reports.
import type { Engine } from '../engine.ts';
import { operate } from './replace.ts';
import { presets, specs } from './specs.ts';
import { assess, observe, renewal } from './status.ts';
import type { ObservedPair } from './status.ts';

export const postgresql: Engine<ObservedPair> = {
  component: 'postgresql',
  condition: 'PostgreSQLReady',
  specs,
  presets,
  gather: async ({ cluster, view }) => Promise.resolve(observe(cluster, view)),
  operate,
  renewal,
  assess,
};
