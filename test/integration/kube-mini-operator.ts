// A whole operator in small, run as a process of its own by kube-outage.test.ts: for each ConfigMap labelled
// `mini=input` it keeps a copy `out-NAME`. What it does, it tells on stdout; its metrics are served.
import { LeaseLostError } from '../../src/errors.ts';
import { loadKubeConfig } from '../../src/kube/config.ts';
import { Applier } from '../../src/kube/apply.ts';
import { createKubeClient } from '../../src/kube/http-client.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import { ConfigMaps } from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/types.ts';
import { createLogger } from '../../src/log.ts';
import { Controller, controllerMetrics } from '../../src/runtime/controller.ts';
import { startHealthServer } from '../../src/runtime/health.ts';
import { LeaderElection } from '../../src/runtime/leader.ts';
import { Manager } from '../../src/runtime/manager.ts';
import { Registry } from '../../src/runtime/metrics.ts';
import { addProcessMetrics, requestObserver } from '../../src/runtime/process-metrics.ts';
import { queueMetrics } from '../../src/runtime/queue.ts';

/** Exit code of a leader that lost its Lease: no failure, to be started again. */
const LOST = 3;
const [namespace = '', identity = ''] = process.argv.slice(2);
const log = createLogger('info', { identity });
const registry = new Registry();
addProcessMetrics(registry);
const kube = createKubeClient(await loadKubeConfig(), { observe: requestObserver(registry) });
const election = new LeaderElection({
  kube,
  namespace,
  name: 'mini-operator',
  identity: `${identity}/${process.pid}`,
  log,
  status: registry.gauge('leader_election_master_status', 'Leading?'),
});
const writer = kube.guarded(election.assertLeader);
const applier = new Applier({ kube: writer, fieldManager: 'mini-operator', log });
const inputs = new Reflector({
  kube,
  type: ConfigMaps,
  query: { namespace, labelSelector: 'mini=input' },
  log,
});
const outputs = new Reflector({
  kube,
  type: ConfigMaps,
  query: { namespace, labelSelector: 'mini=output' },
  log,
});
const controller = new Controller({
  name: 'mini',
  log,
  metrics: controllerMetrics(registry)('mini'),
  queueMetrics: queueMetrics(registry)('mini'),
  reconcile: async (name, signal) => {
    const input = inputs.store.get(namespace, name);
    const output: ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `out-${name}`, namespace, labels: { mini: 'output' } },
      data: input?.data ?? {},
    };
    const done = await (input === undefined
      ? applier.ensureAbsent(output, signal)
      : applier.ensure(output, signal));
    log.info('reconciled', { name, done });
    return {};
  },
});
inputs.subscribe(({ object }) => {
  controller.enqueue(object.metadata.name);
});
outputs.subscribe(({ object }) => {
  controller.enqueue(object.metadata.name.replace(/^out-/, ''));
});
const manager = new Manager({ log, sources: [inputs, outputs], runnables: [controller], election });
const health = await startHealthServer({
  port: 0,
  host: '127.0.0.1',
  registry,
  ready: () => (manager.synced ? [] : ['the caches are not filled yet']),
});
const stop = new AbortController();
process.once('SIGTERM', () => {
  stop.abort();
});
log.info('serving', { port: health.port });
try {
  await manager.run(stop.signal);
  process.exit(0);
} catch (error) {
  log.error('ending', { error });
  process.exit(error instanceof LeaseLostError ? LOST : 1);
}
