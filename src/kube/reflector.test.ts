// When the reflector lists, watches and pauses, on a scripted server; that it misses nothing is shown in test/integration.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ApiError, ApiUnreachableError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import { Reflector } from './reflector.ts';
import { ConfigMaps } from './resources.ts';
import type { ConfigMap, KubeObject } from './types.ts';
import { sleep } from './wait.ts';

const nothing = (): void => undefined;
const log: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => log };

type Turn =
  | { readonly list: 'ok' | Error }
  /** The watch lives `ms`, tells its events at the start, then ends (`end`), fails, or (`stay`) stays. */
  | {
      readonly watch: 'end' | 'stay' | Error;
      readonly ms?: number;
      readonly events?: readonly WatchEvent<ConfigMap>[];
    };

const stop = new AbortController();
let calls: string[];
let errors: string[];

beforeEach(() => {
  jest.useFakeTimers();
  calls = [];
  errors = [];
});
afterEach(() => {
  stop.abort();
  jest.useRealTimers();
});

function made(name: string, resourceVersion: string): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'ns', uid: name, resourceVersion },
  };
}

/** Plays the turns in order; the last one is repeated. Times are noted in virtual milliseconds. */
function scripted(turns: readonly Turn[]): {
  reflector: Reflector<ConfigMap>;
  run: (ms: number) => Promise<void>;
} {
  const abort = new AbortController();
  const left = [...turns];
  const begin = performance.now();
  const take = (what: string): Turn => {
    // A timer of 0 ms takes one: round that away.
    calls.push(`${Math.round((performance.now() - begin) / 100) * 100} ${what}`);
    const turn = left[0];
    if (turn === undefined) throw new RangeError('no turns');
    if (left.length > 1) left.shift();
    return turn;
  };
  const kube: Pick<KubeClient, 'list' | 'watch'> = {
    list: async () => {
      const turn = take('list');
      await Promise.resolve();
      if (!('list' in turn)) throw new RangeError('not the turn of a list');
      if (turn.list !== 'ok') throw turn.list;
      return { items: [], resourceVersion: '100' };
    },
    watch: async function* watch<T extends KubeObject>(_type: unknown, options: { resourceVersion: string }) {
      const turn = take(`watch ${options.resourceVersion}`);
      if (!('watch' in turn)) throw new RangeError('not the turn of a watch');
      for (const event of turn.events ?? []) yield event as unknown as WatchEvent<T>;
      await sleep(turn.watch === 'stay' ? 1e9 : (turn.ms ?? 0), abort.signal);
      if (typeof turn.watch !== 'string') throw turn.watch;
    },
  };
  const reflector = new Reflector({
    kube,
    type: ConfigMaps,
    log,
    onError: (where) => {
      errors.push(where);
    },
  });
  jest.spyOn(Math, 'random').mockReturnValue(0);
  return {
    reflector,
    run: async (ms) => {
      const running = reflector.run(abort.signal);
      await jest.advanceTimersByTimeAsync(ms);
      abort.abort();
      await jest.advanceTimersByTimeAsync(1);
      await running;
    },
  };
}

const away = new ApiUnreachableError('refused');
const gone = new ApiError(410, 'Expired', 'too old');

describe('Reflector', () => {
  it('has synced after the first list, and goes on from bookmarks and events', async () => {
    const { reflector, run } = scripted([
      { list: 'ok' },
      { watch: 'end', ms: 300_000, events: [{ type: 'ADDED', object: made('a', '105') }] },
      { watch: 'end', ms: 300_000, events: [{ type: 'BOOKMARK', resourceVersion: '110' }] },
      { watch: 'stay' },
    ]);
    const synced = reflector.hasSynced.then(() => calls.length);
    await run(700_000);
    expect(await synced).toBe(1);
    expect(calls).toEqual(['0 list', '0 watch 100', '300000 watch 105', '600000 watch 110']);
    expect(errors).toEqual([]);
  });

  it('pauses longer and longer while the server is away, keeping its place', async () => {
    const { run } = scripted([{ list: 'ok' }, { watch: away }]);
    await run(20_000);
    expect(calls.map((call) => Number(call.split(' ')[0]))).toEqual([
      0, 0, 800, 2_400, 5_600, 10_600, 15_600,
    ]);
    expect(calls.slice(1).every((call) => call.endsWith('watch 100'))).toBe(true);
  });

  it('starts with the shortest pause again after a watch was healthy', async () => {
    const { run } = scripted([
      { list: 'ok' },
      { watch: away },
      { watch: away },
      { watch: away, ms: 130_000 },
      { watch: 'stay' },
    ]);
    await run(200_000);
    expect(calls.at(-1)).toBe('133200 watch 100');
  });

  it('lists anew, at once, when its place is too old', async () => {
    const { run } = scripted([{ list: 'ok' }, { watch: gone, ms: 5_000 }, { list: 'ok' }, { watch: 'stay' }]);
    await run(10_000);
    expect(calls).toEqual(['0 list', '0 watch 100', '5000 list', '5000 watch 100']);
  });

  it.each([
    [
      'refuses every place',
      [
        { list: 'ok' },
        { watch: gone },
        { list: 'ok' },
        { watch: gone },
        { list: 'ok' },
        { watch: gone },
        { list: 'ok' },
        { watch: 'stay' },
      ],
    ],
    ['ends every watch at once', [{ list: 'ok' }, { watch: 'end' }]],
    [
      'ends every watch after one event',
      [{ list: 'ok' }, { watch: 'end', events: [{ type: 'BOOKMARK', resourceVersion: '101' }] }],
    ],
  ] satisfies [string, Turn[]][])('does not run hot when the server %s', async (_what, turns) => {
    const { run } = scripted(turns);
    await run(60_000);
    expect(calls.length).toBeLessThan(20);
    expect(errors.length).toBeGreaterThan(2);
  });

  it('waits as long as the server asks', async () => {
    const { run } = scripted([
      { list: new ApiError(429, 'TooManyRequests', 'later', 20_000) },
      { list: 'ok' },
      { watch: 'stay' },
    ]);
    await run(30_000);
    expect(calls).toEqual(['0 list', '20000 list', '20000 watch 100']);
  });

  it('outlives a handler that throws', async () => {
    const { reflector, run } = scripted([
      { list: 'ok' },
      {
        watch: 'stay',
        events: [
          { type: 'ADDED', object: made('a', '1') },
          { type: 'ADDED', object: made('b', '2') },
        ],
      },
    ]);
    const seen: string[] = [];
    reflector.subscribe(() => {
      throw new TypeError('a bug');
    });
    reflector.subscribe((change) => {
      seen.push(change.object.metadata.name);
    });
    await run(10);
    expect(seen).toEqual(['a', 'b']);
    expect(errors).toEqual(['handler', 'handler']);
  });
});
