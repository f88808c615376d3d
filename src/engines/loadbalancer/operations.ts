// Does what decide() says.
import { isConflict, isNotFound } from '../../errors.ts';
import { Pods } from '../../kube/resources.ts';
import type { EngineContext } from '../engine.ts';
import { decide } from './decide.ts';
import type { PairObserved } from './gather.ts';

export async function operate(observed: PairObserved, context: EngineContext): Promise<void> {
  const step = decide(observed);
  if (step.kind === 'none') return;
  const { cluster, kube, log, signal } = context;
  const { name, uid } = step.balancer;
  log.info('renewing a balancer of an outdated template', { pod: name });
  try {
    await kube.delete(Pods, cluster.metadata.namespace, name, {
      signal,
      ...(uid === undefined ? {} : { uid }),
    });
  } catch (error) {
    // It has gone already; what stands there now is judged anew.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
