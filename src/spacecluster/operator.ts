// Sub-command `operator`: wires client, caches, leader election, controller and health together and runs until SIGTERM.
import { randomUUID } from 'node:crypto';
import { LeaseLostError } from '../errors.ts';
import { loadKubeConfig } from '../kube/config.ts';
import { EventRecorder } from '../kube/events.ts';
import { createKubeClient } from '../kube/http-client.ts';
import { createLogger } from '../log.ts';
import { Controller, controllerMetrics } from '../runtime/controller.ts';
import { startHealthServer } from '../runtime/health.ts';
import { LeaderElection } from '../runtime/leader.ts';
import { Manager } from '../runtime/manager.ts';
import { Registry } from '../runtime/metrics.ts';
import { addEventLoopMetrics } from '../runtime/event-loop-metrics.ts';
import { addProcessMetrics, requestObserver } from '../runtime/process-metrics.ts';
import { queueMetrics } from '../runtime/queue.ts';
import { Caches } from './caches.ts';
import { Reconciler } from './reconciler.ts';
import { readSettings } from './settings.ts';

const LEADER_LEASE = 'spacecluster-operator';
const CONTROLLER = 'spacecluster';
/** Clusters worked on at the same time. */
const WORKERS = 4;

/** @throws LeaseLostError when another replica took over: the process ends, and its successor begins anew */
export async function runOperator(env: NodeJS.ProcessEnv): Promise<void> {
  const settings = readSettings(env);
  const log = createLogger(settings.logLevel);
  const stop = stopSignal();
  const registry = new Registry();
  addProcessMetrics(registry);
  addEventLoopMetrics(registry);
  const version = process.env['SPC_VERSION'] ?? 'dev';
  const kube = createKubeClient(await loadKubeConfig(env), {
    userAgent: `spacecluster/${version}`,
    observe: requestObserver(registry),
  });
  const election = new LeaderElection({
    kube,
    namespace: settings.namespace,
    name: LEADER_LEASE,
    identity: `${settings.podName}/${randomUUID()}`,
    log,
    status: registry.gauge('leader_election_master_status', 'Does this replica lead?'),
  });
  const errors = registry.counter(
    'spacecluster_watch_errors_total',
    'List-watches that failed, by where and what.',
  );
  const caches = new Caches(kube, log, (where, resource) => {
    errors.inc({ where, resource });
  });
  // Whatever this process writes asks first whether it still leads (L1).
  const writer = kube.guarded(election.assertLeader);
  const events = new EventRecorder({
    kube: writer,
    controller: 'spacecluster.dev/operator',
    instance: settings.podName,
    log,
  });
  const reconciler = new Reconciler({ kube: writer, caches, events, settings, log });
  const firstReconcile = once(() => {
    registry
      .gauge('spacecluster_first_reconcile_seconds', 'From the start of the process to its first reconcile.')
      .set(performance.now() / 1_000);
  });
  const controller = new Controller({
    name: CONTROLLER,
    reconcile: (key, signal) => {
      firstReconcile();
      return reconciler.reconcile(key, signal);
    },
    log,
    workers: WORKERS,
    metrics: controllerMetrics(registry)(CONTROLLER),
    queueMetrics: queueMetrics(registry)(CONTROLLER),
  });
  caches.onChange((key) => {
    controller.enqueue(key);
  });
  // Before the Lease is given up: what was recorded last may be written only by who leads.
  const told = {
    name: controller.name,
    run: async (signal: AbortSignal): Promise<void> => {
      await controller.run(signal);
      await events.flush();
    },
  };
  const manager = new Manager({ log, sources: caches.required, runnables: [told], election });
  const health = await startHealthServer({
    port: settings.healthPort,
    registry,
    ready: () => (manager.synced ? [] : ['the caches are not filled yet']),
  });
  log.info('operator starts', { version, image: settings.productImage });
  const optional = new AbortController();
  const following = caches.optional.map((source) => source.run(optional.signal));
  try {
    await manager.run(stop);
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
    log.warn('ending: another replica leads', { error });
    throw error;
  } finally {
    optional.abort();
    await Promise.all(following);
    await health.close();
    kube.close();
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      controller.abort();
    });
  }
  return controller.signal;
}
