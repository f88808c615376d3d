import { describe, expect, it } from '@jest/globals';
import { TimeoutError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { sleep } from '../kube/wait.ts';
import { Manager } from './manager.ts';
import type { Runnable, Source } from './manager.ts';

const nothing = (): void => undefined;
const log: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => log };

/** Parts that write down when they begin and end. */
function parts(lateMs = 0): {
  readonly seen: string[];
  readonly source: Source;
  readonly runnable: Runnable;
  readonly fill: () => void;
} {
  const seen: string[] = [];
  const { promise: hasSynced, resolve } = Promise.withResolvers<void>();
  const until = async (name: string, signal: AbortSignal, late: number): Promise<void> => {
    seen.push(`${name} begins`);
    await sleep(60_000, signal);
    await new Promise((done) => setTimeout(done, late));
    seen.push(`${name} ends`);
  };
  return {
    seen,
    fill: resolve,
    source: { hasSynced, synced: false, run: (signal) => until('cache', signal, 0) },
    runnable: { name: 'work', run: (signal) => until('work', signal, lateMs) },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('Manager', () => {
  it('works only on full caches, and empties them last', async () => {
    const { seen, source, runnable, fill } = parts(20);
    const stop = new AbortController();
    const run = new Manager({ log, sources: [source], runnables: [runnable] }).run(stop.signal);
    await turn();
    expect(seen).toEqual(['cache begins']);
    fill();
    await turn();
    expect(seen).toEqual(['cache begins', 'work begins']);
    stop.abort();
    await run;
    expect(seen).toEqual(['cache begins', 'work begins', 'work ends', 'cache ends']);
  });

  it('works only while leading', async () => {
    const { seen, source, runnable, fill } = parts();
    fill();
    const stop = new AbortController();
    const election = {
      run: async (signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>) => {
        seen.push('candidate');
        await sleep(20, signal);
        await lead(signal);
        seen.push('released');
      },
    };
    const run = new Manager({ log, sources: [source], runnables: [runnable], election }).run(stop.signal);
    await turn();
    expect(seen).toEqual(['cache begins', 'candidate']);
    await sleep(30, stop.signal);
    stop.abort();
    await run;
    expect(seen).toEqual(['cache begins', 'candidate', 'work begins', 'work ends', 'released', 'cache ends']);
  });

  it('does not give up a Lease over work that will not end', async () => {
    const { seen, source, runnable, fill } = parts(300);
    fill();
    const stop = new AbortController();
    const election = {
      run: async (signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>) => {
        await lead(signal);
        seen.push('released');
      },
    };
    const manager = new Manager({ log, sources: [source], runnables: [runnable], election, graceMs: 20 });
    const run = manager.run(stop.signal);
    await turn();
    stop.abort();
    await expect(run).rejects.toThrow(TimeoutError);
    expect(seen).not.toContain('released');
  });

  it('stops everything when one part fails', async () => {
    const { seen, source, runnable, fill } = parts();
    fill();
    const broken: Runnable = { name: 'broken', run: () => Promise.reject(new RangeError('broken')) };
    const manager = new Manager({ log, sources: [source], runnables: [runnable, broken] });
    await expect(manager.run(new AbortController().signal)).rejects.toThrow('broken');
    expect(seen).toContain('cache ends');
  });
});
