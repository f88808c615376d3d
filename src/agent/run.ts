// Starts an engine's agent: who we are, the API server, the SpaceCluster, and SIGTERM as an orderly end.
import { SpaceClusters } from '../api/v1alpha1/index.ts';
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import { loadKubeConfig } from '../kube/config.ts';
import { createKubeClient } from '../kube/http-client.ts';
import { createLogger } from '../log.ts';
import type { AgentProgram } from './agent.ts';
import { Follower } from './follow.ts';
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
    const cluster = new ClusterFollower();
    const query = { namespace: identity.namespace, fieldSelector: `metadata.name=${identity.cluster}` };
    const follower = new Follower(kube, SpaceClusters, query, cluster, log);
    const followed = follower.run(following.signal);
    await Promise.race([cluster.found, aborted(stop.signal)]);
    if (!stop.signal.aborted) {
      await program({
        identity,
        kube,
        log,
        cluster: () => cluster.current(),
        onClusterChange: (listener) => {
          cluster.onChange(listener);
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

/** The SpaceCluster as last seen. Its deletion changes nothing here: the pod goes when its owner is gone. */
class ClusterFollower {
  readonly #found = Promise.withResolvers<SpaceCluster>();
  readonly #listeners = new Set<() => void>();
  #last: SpaceCluster | undefined;

  get found(): Promise<SpaceCluster> {
    return this.#found.promise;
  }

  current(): SpaceCluster {
    if (this.#last === undefined) throw new RangeError('the SpaceCluster has not been seen yet');
    return this.#last;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  replace(items: readonly SpaceCluster[]): void {
    for (const item of items) this.changed(item);
  }

  changed(object: SpaceCluster): void {
    this.#last = object;
    this.#found.resolve(object);
    for (const listener of this.#listeners) listener();
  }

  deleted(): void {}
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
