// What a process tells about itself and its calls to the API server, under the names that dashboards know.
import { readdirSync } from 'node:fs';
import type { RequestRecord } from '../kube/http-client.ts';
import type { Registry } from './metrics.ts';

const MICROSECONDS = 1e6;

/** `process_*` and `nodejs_heap_*`, read at each scrape. */
export function addProcessMetrics(registry: Registry): void {
  const cpu = registry.gauge('process_cpu_seconds_total', 'User and system CPU time spent, in seconds.');
  const memory = registry.gauge('process_resident_memory_bytes', 'Resident memory, in bytes.');
  const heap = registry.gauge('nodejs_heap_size_used_bytes', 'Used JavaScript heap, in bytes.');
  const started = registry.gauge(
    'process_start_time_seconds',
    'Start of the process, in seconds since 1970.',
  );
  const files = registry.gauge('process_open_fds', 'Open file descriptors.');
  registry.onScrape(() => {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    cpu.set((user + system) / MICROSECONDS);
    memory.set(rss);
    heap.set(heapUsed);
    started.set(performance.timeOrigin / 1_000);
    files.set(openFiles());
  });
}

/** `rest_client_*`: feeds the API client's observer. */
export function requestObserver(registry: Registry): (record: RequestRecord) => void {
  const total = registry.counter(
    'rest_client_requests_total',
    'Requests to the API server, by code and verb.',
  );
  const seconds = registry.histogram(
    'rest_client_request_duration_seconds',
    'Duration of requests to the API server, by verb.',
  );
  return ({ verb, method, resource, subresource, status, durationMs }) => {
    const path = subresource === undefined ? resource : `${resource}/${subresource}`;
    const code = status === 0 ? '<error>' : String(status);
    total.inc({ code, method, verb, resource: path });
    seconds.observe(durationMs / 1_000, { verb });
  };
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
