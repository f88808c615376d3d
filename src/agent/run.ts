// Starts an engine's agent: who we are, the API server, the SpaceCluster, and SIGTERM as an orderly end.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { SpaceClusters } from '../api/v1alpha1/index.ts';
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import { loadKubeConfig } from '../kube/config.ts';
import { createKubeClient } from '../kube/http-client.ts';
import { Reflector } from '../kube/reflector.ts';
import { createLogger } from '../log.ts';
import type { AgentModule } from './agent.ts';
import { readIdentity } from './identity.ts';
import { Wake } from './wake.ts';

/** So long the API server has to show the SpaceCluster before the one that was kept is gone by. */
const KEPT_AFTER_MS = 700;

/** Runs `program` until SIGTERM or SIGINT, and until it has then given up what it holds. */
export async function startAgent(
  { program, clusterFile }: AgentModule,
  env: NodeJS.ProcessEnv,
): Promise<void> {
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
    let kept = clusterFile === undefined ? undefined : readKept(clusterFile);
    const listeners = new Set<() => void>();
    clusters.subscribe(({ type, object }) => {
      // A deletion changes nothing here: the pod goes when its owner is gone.
      if (type === 'DELETED') return;
      last = object;
      found.resolve();
      if (clusterFile !== undefined) kept = keep(clusterFile, object, kept);
      for (const listener of listeners) listener();
    });
    const followed = clusters.run(following.signal);
    const patience = kept === undefined ? [] : [new Wake().wait(KEPT_AFTER_MS, stop.signal)];
    await Promise.race([found.promise, aborted(stop.signal), ...patience]);
    if (last === undefined && kept !== undefined) {
      log.warn(
        'the API server does not answer: going by the SpaceCluster as an earlier agent of this pod saw it',
      );
    }
    if (!stop.signal.aborted) {
      await program({
        identity,
        kube,
        log,
        cluster: () => {
          const known = last ?? kept;
          if (known === undefined) throw new RangeError('the SpaceCluster has not been seen yet');
          return known;
        },
        clusterSeen: () => last !== undefined,
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

/** What an agent needs of a SpaceCluster: not its status, which changes often. */
function keep(file: string, cluster: SpaceCluster, before: SpaceCluster | undefined): SpaceCluster {
  const { name, namespace, uid } = cluster.metadata;
  const { apiVersion, kind, spec } = cluster;
  const kept: SpaceCluster = { apiVersion, kind, metadata: { name, namespace, uid }, spec };
  const text = JSON.stringify(kept);
  if (text === JSON.stringify(before)) return kept;
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
  return kept;
}

function readKept(file: string): SpaceCluster | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SpaceCluster;
  } catch {
    return undefined;
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
