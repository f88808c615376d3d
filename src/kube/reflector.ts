// Keeps a store equal to a list of the API server's objects: list, then watch, for ever, through any outage.
import { ApiError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KubeClient, ListOptions } from './client.ts';
import { Store } from './store.ts';
import type { Change, Indexers, Reader } from './store.ts';
import type { KubeObject, ResourceType } from './types.ts';
import { Backoff, sleep } from './wait.ts';
import type { BackoffOptions } from './wait.ts';

export interface ReflectorOptions<T extends KubeObject> {
  readonly kube: Pick<KubeClient, 'list' | 'watch'>;
  readonly type: ResourceType<T>;
  readonly query?: ListOptions;
  readonly indexers?: Indexers<T>;
  readonly log: Logger;
  /** Pauses between failures. A failover cannot wait for the long ones. */
  readonly backoff?: BackoffOptions;
  /** Milliseconds for each page of a list. @default 60,000 */
  readonly listTimeoutMs?: number;
  /** Counts what went wrong: `list` and `watch` at the API server, `handler` is a bug of ours. */
  readonly onError?: (where: 'list' | 'watch' | 'handler', resource: string) => void;
}

export type Handler<T> = (change: Change<T>) => void;

/** After an outage nobody shall act on what was long ago: client-go's 30 s, and as much again at random, would be a minute. */
const BACKOFF: BackoffOptions = { firstMs: 800, maxMs: 5_000 };
/** For a watch that a failover waits for. */
export const URGENT_BACKOFF: BackoffOptions = { firstMs: 100, maxMs: 2_000 };
/** A watch that lived so long was healthy: the next failure starts from the shortest pause. */
const HEALTHY_MS = 120_000;
/** A watch that ends within this time is a failure, not the ordinary end: without a pause it would become a hot loop. */
const INSTANT_MS = 1_000;

export class Reflector<T extends KubeObject> {
  readonly type: ResourceType<T>;
  /** Resolves when the first list has been handed to the handlers. */
  readonly hasSynced: Promise<void>;
  readonly #options: ReflectorOptions<T>;
  readonly #store: Store<T>;
  readonly #handlers: Handler<T>[] = [];
  readonly #backoff: Backoff;
  readonly #markSynced: () => void;
  #synced = false;
  /** Where the watch goes on from; undefined when the list must be read (again). */
  #resourceVersion: string | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff ?? BACKOFF);
    this.type = options.type;
    this.#store = new Store(options.indexers);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.hasSynced = promise;
    this.#markSynced = resolve;
  }

  get store(): Reader<T> {
    return this.#store;
  }

  get synced(): boolean {
    return this.#synced;
  }

  /** Before `run`. The handler maps a change to keys and returns; it is called in order, right after the store has changed. */
  subscribe(handler: Handler<T>): void {
    this.#handlers.push(handler);
  }

  /** Runs until `signal` is aborted. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const failure = await this.#round(signal);
      if (signal.aborted || failure === undefined) continue;
      const pause = Math.max(this.#backoff.next(), failure.retryAfterMs ?? 0);
      this.#options.onError?.(failure.where, this.type.plural);
      this.#options.log.warn(`${failure.where} of ${this.type.plural} failed, trying again`, {
        error: failure.message,
        pauseMs: Math.round(pause),
      });
      await sleep(pause, signal);
    }
  }

  async #round(signal: AbortSignal): Promise<Failure | undefined> {
    if (this.#resourceVersion === undefined) {
      try {
        await this.#relist(signal);
      } catch (error) {
        return failureOf('list', error);
      }
    }
    return this.#watch(signal, this.#resourceVersion ?? '');
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { kube, type, query, listTimeoutMs: timeoutMs = 60_000 } = this.#options;
    const { items, resourceVersion } = await kube.list(type, query, { signal, timeoutMs });
    this.#emit(this.#store.replace(items));
    this.#resourceVersion = resourceVersion;
    if (!this.#synced) {
      this.#synced = true;
      this.#markSynced();
    }
  }

  async #watch(signal: AbortSignal, from: string): Promise<Failure | undefined> {
    const { kube, type, query } = this.#options;
    const start = performance.now();
    let failure: Failure | undefined;
    try {
      for await (const event of kube.watch(type, { ...query, resourceVersion: from, signal })) {
        if (event.type === 'BOOKMARK') {
          this.#resourceVersion = event.resourceVersion;
          continue;
        }
        this.#emit(
          event.type === 'DELETED' ? this.#store.remove(event.object) : this.#store.put(event.object),
        );
        this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
      }
    } catch (error) {
      // What the server refuses (410: too old; also a version from before its store was restored) is mended by a new list;
      // a broken connection is not worth one.
      if (error instanceof ApiError && error.status !== 429) this.#resourceVersion = undefined;
      failure = failureOf('watch', error);
    }
    const lived = performance.now() - start;
    if (lived >= HEALTHY_MS) this.#backoff.reset();
    if (lived < INSTANT_MS)
      return failure ?? { where: 'watch', message: 'the server ended the watch at once' };
    return failure?.gone === true ? undefined : failure;
  }

  #emit(changes: readonly Change<T>[]): void {
    for (const change of changes) {
      for (const handler of this.#handlers) {
        try {
          handler(change);
        } catch (error) {
          this.#options.onError?.('handler', this.type.plural);
          this.#options.log.error('a handler of changes threw', { resource: this.type.plural, error });
        }
      }
    }
  }
}

interface Failure {
  readonly where: 'list' | 'watch';
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** 410: only the resourceVersion was too old. */
  readonly gone?: boolean;
}

function failureOf(where: 'list' | 'watch', error: unknown): Failure {
  return error instanceof ApiError
    ? { where, message: error.message, retryAfterMs: error.retryAfterMs, gone: error.status === 410 }
    : { where, message: messageOf(error) };
}
