// How long the event loop of a process is held up. By itself, for the module it needs costs an agent 0.7 MB.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Registry } from './metrics.ts';

const NANOSECONDS = 1e9;
const RESOLUTION_MS = 20;

/** `nodejs_eventloop_*`, since the last scrape. */
export function addEventLoopMetrics(registry: Registry): void {
  const lag = registry.gauge('nodejs_eventloop_lag_seconds', 'Mean event loop lag since the last scrape.');
  const lagP99 = registry.gauge(
    'nodejs_eventloop_lag_p99_seconds',
    'Event loop lag since the last scrape, p99.',
  );
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  registry.onScrape(() => {
    lag.set(Number.isNaN(delay.mean) ? 0 : delay.mean / NANOSECONDS);
    lagP99.set(delay.percentile(99) / NANOSECONDS);
    delay.reset();
  });
}
