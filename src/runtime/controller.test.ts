import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ApiError, LeaseLostError, TerminalError, WaitingError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { Controller, controllerMetrics } from './controller.ts';
import type { Reconcile } from './controller.ts';
import { Registry } from './metrics.ts';

const nothing = (): void => undefined;
const log: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => log };

let stop: AbortController;
let registry: Registry;

beforeEach(() => {
  jest.useFakeTimers();
  stop = new AbortController();
  registry = new Registry();
});
afterEach(() => {
  jest.useRealTimers();
});

function start(
  reconcile: Reconcile,
  options: { workers?: number; timeoutMs?: number } = {},
): {
  controller: Controller;
  ended: Promise<void>;
} {
  const controller = new Controller({
    name: 'test',
    reconcile,
    log,
    metrics: controllerMetrics(registry)('test'),
    ...options,
  });
  return { controller, ended: controller.run(stop.signal) };
}

/** Times (virtual ms) at which a reconcile that always fails with `error` is called. */
async function timesOf(error: Error, forMs: number): Promise<number[]> {
  const times: number[] = [];
  const begin = performance.now();
  const { controller } = start(() => {
    times.push(Math.round(performance.now() - begin));
    return Promise.reject(error);
  });
  controller.enqueue('a');
  await jest.advanceTimersByTimeAsync(forMs);
  return times;
}

describe('Controller', () => {
  it('backs off after an error', async () => {
    expect(await timesOf(new ApiError(500, 'InternalError', 'no'), 40)).toEqual([0, 5, 15, 35]);
    expect(registry.render()).toContain('controller_runtime_reconcile_errors_total{controller="test"} 4');
    expect(registry.render()).not.toContain('panics_total{');
  });

  it('counts what is not one of our errors as a bug as well', async () => {
    await timesOf(new TypeError('undefined is not a function'), 4);
    expect(registry.render()).toContain('controller_runtime_reconcile_panics_total{controller="test"} 1');
  });

  it('waits as long as a WaitingError says, which is no error', async () => {
    expect(await timesOf(new WaitingError('NotYet', 'x', 1_000), 3_500)).toEqual([0, 1_000, 2_000, 3_000]);
    const text = registry.render();
    expect(text).toContain('controller_runtime_reconcile_errors_total{controller="test"} 0');
    expect(text).toContain('controller_runtime_reconcile_total{controller="test",result="requeue_after"} 4');
  });

  it('does not repeat what only a human can mend', async () => {
    expect(await timesOf(new TerminalError('Bad', 'x'), 3_600_000)).toEqual([0]);
    expect(registry.render()).toContain('terminal_reconcile_errors_total{controller="test"} 1');
  });

  it('does not repeat under a lost Lease', async () => {
    expect(await timesOf(new LeaseLostError('x'), 3_600_000)).toEqual([0]);
  });

  it('starts the back-off anew after a success', async () => {
    const times: number[] = [];
    const begin = performance.now();
    let calls = 0;
    const { controller } = start(() => {
      times.push(Math.round(performance.now() - begin));
      calls += 1;
      if (calls === 3) return Promise.resolve({ requeueAfterMs: 100 });
      return calls > 5 ? Promise.resolve({}) : Promise.reject(new ApiError(500, 'x', 'x'));
    });
    controller.enqueue('a');
    await jest.advanceTimersByTimeAsync(10_000);
    expect(times).toEqual([0, 5, 15, 115, 120, 130]);
  });

  it('works on several keys at once, and never twice on one', async () => {
    let most = 0;
    const active = new Map<string, number>();
    const { controller } = start(
      async (key) => {
        active.set(key, (active.get(key) ?? 0) + 1);
        expect(active.get(key)).toBe(1);
        most = Math.max(
          most,
          [...active.values()].reduce((a, b) => a + b),
        );
        await new Promise((resolve) => setTimeout(resolve, 10));
        active.set(key, 0);
        return {};
      },
      { workers: 3 },
    );
    for (let i = 0; i < 50; i += 1) {
      for (const key of ['a', 'b', 'c', 'd', 'e']) controller.enqueue(key);
      await jest.advanceTimersByTimeAsync(3);
    }
    expect(most).toBe(3);
  });

  it('aborts a reconcile at its time limit, and tries again', async () => {
    const reasons: boolean[] = [];
    const { controller } = start(
      (_key, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.aborted);
            reject(new ApiError(500, 'x', 'gave up'));
          });
        }),
      { timeoutMs: 50 },
    );
    controller.enqueue('a');
    await jest.advanceTimersByTimeAsync(110);
    expect(reasons).toEqual([true, true]);
    expect(registry.render()).toContain('timeouts_total{controller="test"} 2');
  });

  it('stops only when the work under way has ended', async () => {
    let ended = false;
    const { controller, ended: stopped } = start(async (_key, signal) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', () => setTimeout(resolve, 100));
      });
      ended = true;
      throw new ApiError(500, 'x', 'cut short');
    });
    controller.enqueue('a');
    await jest.advanceTimersByTimeAsync(1);
    stop.abort();
    await jest.advanceTimersByTimeAsync(99);
    expect(ended).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    await stopped;
    expect(ended).toBe(true);
    expect(registry.render()).toContain('reconcile_errors_total{controller="test"} 0');
  });
});
