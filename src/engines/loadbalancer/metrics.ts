// What a balancer's agent tells of itself, in Prometheus' text format.
import type { Heartbeat } from '../../agent/heartbeat.ts';
import { monotonicNow } from '../../agent/wake.ts';
import { Registry } from '../../runtime/metrics.ts';
import type { Serving } from './serving.ts';
import type { VipRole } from './vip-role.ts';

export function balancerMetrics(heartbeat: Heartbeat, vip: VipRole, serving: Serving): () => string {
  const registry = new Registry();
  const holder = registry.gauge('spacecluster_vip_holder', '1 where this balancer holds the Web IP.');
  const epoch = registry.gauge('spacecluster_vip_epoch', "Epoch of the Web IP's role.");
  const up = registry.gauge('spacecluster_haproxy_serving', '1 while the HAProxy beside this agent serves.');
  const certain = registry.gauge(
    'spacecluster_lease_certain_seconds',
    'For how long the own Lease may still be relied on; negative when it may not.',
  );
  const duration = registry.gauge(
    'spacecluster_lease_duration_seconds',
    'Duration written in the own Lease: 3 at level Fast, 5 at Safe, 15 at Relaxed.',
  );
  registry.onScrape(() => {
    holder.set(vip.holds() ? 1 : 0);
    epoch.set(vip.epoch());
    up.set(serving.serving() ? 1 : 0);
    // Before the first renewal there is no end to count from.
    certain.set(Math.max((heartbeat.certainUntil() - monotonicNow()) / 1_000, -3_600));
    duration.set(heartbeat.timing().durationMs / 1_000);
  });
  return () => registry.render();
}
