// The workers' word on themselves. Pure.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { selectorLabels } from '../../api/v1alpha1/names.ts';
import type { Assessment } from '../engine.ts';
import type { RenewalWish } from '../shared/renewal.ts';
import type { WorkersObserved } from './gather.ts';

export function assess({ workers }: WorkersObserved, cluster: SpaceCluster): Assessment {
  const ready = workers.filter((worker) => worker.ready);
  const nodes = new Set(ready.map((worker) => worker.node));
  const missing = workers.filter((worker) => !worker.ready).map((worker) => worker.pod);
  return {
    ready: ready.length > 0,
    faultTolerant: nodes.size > 1,
    ...verdict(workers.length, ready.length, nodes.size, missing),
    status: {
      workers: {
        replicas: workers.length,
        readyReplicas: ready.length,
        selector: Object.entries(selectorLabels(cluster.metadata.name, 'worker'))
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
        members: workers.map(({ pod, node, ready }) => ({
          name: pod,
          ready,
          ...(node === undefined ? {} : { node }),
        })),
      },
    },
  };
}

/** The coordinator last, so that its role moves once. */
export function renewal({ coordinator }: WorkersObserved): RenewalWish {
  return { last: coordinator === undefined ? [] : [coordinator], hold: undefined };
}

function verdict(
  wanted: number,
  ready: number,
  nodes: number,
  missing: readonly string[],
): Pick<Assessment, 'reason' | 'message'> {
  if (ready === 0) return { reason: 'NoneReady', message: `none of ${wanted} workers is ready` };
  if (missing.length > 0) {
    return {
      reason: 'SomeDown',
      message: `${ready} of ${wanted} workers are ready; not ready: ${missing.join(', ')}`,
    };
  }
  return {
    reason: 'Serving',
    message: `${ready} of ${wanted} workers are ready${nodes > 1 ? '' : ', all on one node'}`,
  };
}
