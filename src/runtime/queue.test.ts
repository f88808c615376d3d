import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';
import { WorkQueue } from './queue.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('WorkQueue', () => {
  it('is first in, first out, each key once', async () => {
    const queue = new WorkQueue();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.length).toBe(3);
    expect([await queue.next(), await queue.next(), await queue.next()]).toEqual(['a', 'b', 'c']);
  });

  it('hands a key added during its work out again, afterwards', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    await queue.next();
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(await queue.next()).toBe('a');
    queue.done('a');
    expect(queue.length).toBe(0);
  });

  it('delays, and lets the shorter delay win', async () => {
    const queue = new WorkQueue();
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 5_000);
    jest.advanceTimersByTime(99);
    expect(queue.length).toBe(0);
    jest.advanceTimersByTime(1);
    expect(await queue.next()).toBe('a');
    queue.done('a');
    jest.advanceTimersByTime(10_000);
    expect(queue.length).toBe(0);
  });

  it('backs off key by key, up to a bound, until the key is forgotten', () => {
    const queue = new WorkQueue({ firstBackoffMs: 5, maxBackoffMs: 60 });
    const pauses = (key: string, times: number): number[] =>
      Array.from({ length: times }, () => queue.addRateLimited(key));
    expect(pauses('a', 6)).toEqual([5, 10, 20, 40, 60, 60]);
    expect(pauses('b', 1)).toEqual([5]);
    queue.forget('a');
    expect(pauses('a', 2)).toEqual([5, 10]);
  });

  it('ends waiting workers when it is closed, and takes nothing more', async () => {
    const queue = new WorkQueue();
    const waiting = queue.next();
    queue.addAfter('b', 10);
    queue.close();
    expect(await waiting).toBeUndefined();
    queue.add('a');
    jest.advanceTimersByTime(100);
    expect(await queue.next()).toBeUndefined();
    expect(queue.length).toBe(0);
  });

  it('never has a key in two hands, and loses none that was added', async () => {
    const keys = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key: keys }),
      fc.record({ do: fc.constant('after' as const), key: keys, ms: fc.nat({ max: 50 }) }),
      fc.record({ do: fc.constant('fail' as const), key: keys }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('done' as const), fails: fc.boolean() }),
      fc.record({ do: fc.constant('time' as const), ms: fc.nat({ max: 100 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const queue = new WorkQueue();
        const hands: string[] = [];
        /** Added, and not yet seen by a worker that began afterwards. */
        const owed = new Set<string>();
        let idle = 0;
        const got = (key: string | undefined): void => {
          idle -= 1;
          if (key === undefined) return;
          expect(hands).not.toContain(key);
          hands.push(key);
          owed.delete(key);
        };
        for (const action of steps) {
          switch (action.do) {
            case 'add':
              owed.add(action.key);
              queue.add(action.key);
              break;
            case 'after':
              owed.add(action.key);
              queue.addAfter(action.key, action.ms);
              break;
            case 'fail':
              owed.add(action.key);
              queue.addRateLimited(action.key);
              break;
            case 'take':
              idle += 1;
              void queue.next().then(got);
              break;
            case 'done': {
              const key = hands.shift();
              if (key !== undefined) queue.done(key);
              break;
            }
            case 'time':
              await jest.advanceTimersByTimeAsync(action.ms);
          }
          await Promise.resolve();
        }
        for (let round = 0; round < 20; round += 1) {
          await jest.advanceTimersByTimeAsync(120_000);
          for (const key of hands.splice(0)) queue.done(key);
          while (idle < 3) {
            idle += 1;
            void queue.next().then(got);
          }
          await Promise.resolve();
        }
        expect([...owed]).toEqual([]);
        queue.close();
      }),
      { numRuns: 200 },
    );
  });

  it('serves every key although some are added all the time', async () => {
    const queue = new WorkQueue();
    queue.add('busy');
    queue.add('quiet');
    const served: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      const key = (await queue.next()) ?? '';
      served.push(key);
      queue.add('busy');
      queue.done(key);
    }
    expect(served).toEqual(['busy', 'quiet', 'busy', 'busy']);
  });
});
