// Starts an engine's agent: who we are, the API server, the SpaceCluster, and SIGTERM as an orderly end.
import { SpaceClusters } from '../api/v1alpha1/index.ts';
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import { loadKubeConfig } from '../kube/config.ts';
import { createKubeClient } from '../kube/http-client.ts';
import { Reflector } from '../kube/reflector.ts';
import { createLogger } from '../log.ts';
import type { AgentProgram } from './agent.ts';
import { readIdentity } from './identity.ts';

/** Runs `program` until SIGTERM or SIGINT, and until it has then given up what it holds. */
export async function startAgent(program: AgentProgram, env: NodeJS.ProcessEnv): Promise<void> {
  const identity = readIdentity(env);
  const log = createLogger(env['SPC_LOG_LEVEL'] ?? 'info', { pod: identity.pod });
  const stop = new AbortController();
  const onSignal = (): void => {
    stop.abort();
  };
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
  const kube = createKubeClient(await loadKubeConfig(env), { userAgent: 'spacecluster-agent' });
  const following = new AbortController();
  try {
    const query = { namespace: identity.namespace, fieldSelector: `metadata.name=${identity.cluster}` };
    const clusters = new Reflector({ kube, type: SpaceClusters, query, log });
    const found = Promise.withResolvers<void>();
    let last: SpaceCluster | undefined;
    const listeners = new Set<() => void>();
    clusters.subscribe(({ type, object }) => {
      // A deletion changes nothing here: the pod goes when its owner is gone.
      if (type === 'DELETED') return;
      last = object;
      found.resolve();
      for (const listener of listeners) listener();
    });
    const followed = clusters.run(following.signal);
    await Promise.race([found.promise, aborted(stop.signal)]);
    if (!stop.signal.aborted) {
      await program({
        identity,
        kube,
        log,
        cluster: () => {
          if (last === undefined) throw new RangeError('the SpaceCluster has not been seen yet');
          return last;
        },
        onClusterChange: (listener) => {
          listeners.add(listener);
        },
        signal: stop.signal,
      });
    }
    following.abort();
    await followed;
  } finally {
    following.abort();
    kube.close();
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener(
    'abort',
    () => {
      resolve();
    },
    { once: true },
  );
  await promise;
}
