// The Cassandra ring, as the reconciler sees it.
import type { Engine } from '../engine.ts';
import { gather } from './gather.ts';
import type { RingObserved } from './gather.ts';
import { operate } from './operations.ts';
import { specs } from './specs.ts';
import { assess, renewal } from './status.ts';

export const cassandra: Engine<RingObserved> = {
  component: 'cassandra',
  condition: 'CassandraReady',
  specs,
  // No agent, no Leases: gossip and the drivers are the ring's failure detection.
  presets: () => [],
  gather,
  operate,
  renewal,
  assess,
};
