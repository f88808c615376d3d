// The five parts of a SpaceCluster, in the order in which they are shown.
import { cassandra } from '../engines/cassandra/index.ts';
import { loadBalancer } from '../engines/loadbalancer/index.ts';
import { mysql } from '../engines/mysql/index.ts';
import { postgresql } from '../engines/postgresql/index.ts';
import { worker } from '../engines/worker/index.ts';
import type { Engine } from '../engines/engine.ts';

export const engines: readonly Engine[] = [loadBalancer, mysql, postgresql, cassandra, worker];
