import { describe, expect, it } from '@jest/globals';
import { Registry } from './metrics.ts';
import { addEventLoopMetrics } from './event-loop-metrics.ts';
import { addProcessMetrics, requestObserver } from './process-metrics.ts';

describe('Registry', () => {
  it('renders counters and gauges, sorted and escaped labels', () => {
    const registry = new Registry();
    const counter = registry.counter('calls_total', 'Calls.\nTwo lines.');
    counter.inc();
    counter.inc({ b: '2', a: 'say "hi"\\\n' }, 2);
    const gauge = registry.gauge('depth', 'Depth.');
    gauge.set(3);
    gauge.set(4, { q: 'x' });
    gauge.remove({ q: 'x' });
    expect(registry.render()).toBe(
      [
        '# HELP calls_total Calls.\\nTwo lines.',
        '# TYPE calls_total counter',
        'calls_total 1',
        'calls_total{a="say \\"hi\\"\\\\\\n",b="2"} 2',
        '# HELP depth Depth.',
        '# TYPE depth gauge',
        'depth 3',
        '',
      ].join('\n'),
    );
  });

  it('renders cumulative histograms', () => {
    const registry = new Registry();
    const histogram = registry.histogram('took_seconds', 'Time.', [0.1, 1]);
    for (const value of [0.05, 0.5, 5]) histogram.observe(value, { verb: 'get' });
    expect(registry.render().split('\n').slice(2, -1)).toEqual([
      'took_seconds_bucket{verb="get",le="0.1"} 1',
      'took_seconds_bucket{verb="get",le="1"} 2',
      'took_seconds_bucket{verb="get",le="+Inf"} 3',
      'took_seconds_sum{verb="get"} 5.55',
      'took_seconds_count{verb="get"} 3',
    ]);
  });

  it('refuses a wrong name, and one made twice', () => {
    const registry = new Registry();
    registry.gauge('a', '');
    expect(() => registry.counter('a', '')).toThrow(RangeError);
    expect(() => registry.counter('a-b', '')).toThrow(RangeError);
  });
});

it('tells of the process and of requests, in lines that a scraper takes', () => {
  const registry = new Registry();
  addProcessMetrics(registry);
  addEventLoopMetrics(registry);
  const observe = requestObserver(registry);
  const call = {
    verb: 'update',
    method: 'PUT',
    group: '',
    resource: 'spaceclusters',
    durationMs: 12,
  } as const;
  observe({ ...call, subresource: 'status', namespace: 'a', name: 'b', status: 200 });
  observe({ ...call, subresource: undefined, namespace: 'a', name: 'b', status: 0 });
  const text = registry.render();
  expect(text).toContain(
    'rest_client_requests_total{code="200",method="PUT",resource="spaceclusters/status",verb="update"} 1',
  );
  expect(text).toContain('code="<error>"');
  expect(text).toMatch(/process_resident_memory_bytes \d{7,}/);
  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(/^(# (HELP|TYPE) .*|[a-z_]\w*(\{[^}]*\})? -?\d[\d.e+-]*)$/);
  }
});
