// What is seen of the workers: their pods, out of the caches.
import { names } from '../../api/v1alpha1/names.ts';
import type { EngineContext } from '../engine.ts';
import { workerPods } from './specs.ts';

export interface WorkerSeen {
  readonly pod: string;
  readonly node: string | undefined;
  readonly ready: boolean;
}

export interface WorkersObserved {
  /** Every worker that the spec asks for, in order, whether its pod exists or not. */
  readonly workers: readonly WorkerSeen[];
  /** The pod that holds the coordinator's role. */
  readonly coordinator: string | undefined;
}

export function gather({ cluster, view }: EngineContext): Promise<WorkersObserved> {
  const pods = new Map(view.pods.map((pod) => [pod.metadata.name, pod]));
  const { coordinator } = names(cluster.metadata.name).roleLeases;
  const role = view.roleLeases.find(({ metadata }) => metadata.name === coordinator);
  return Promise.resolve({
    coordinator: role?.spec?.holderIdentity?.split('/')[0],
    workers: workerPods(cluster).map((name) => {
      const pod = pods.get(name);
      return {
        pod: name,
        node: pod?.spec?.nodeName,
        ready:
          pod?.metadata.deletionTimestamp === undefined &&
          (pod?.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
      };
    }),
  });
}
