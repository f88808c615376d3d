// List and watch with the patience of a failover, not of a controller: gaps of milliseconds, and a restart on demand.
import { messageOf } from '../errors.ts';
import type { KubeClient, ListOptions } from '../kube/client.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import type { Logger } from '../log.ts';
import { Wake } from './wake.ts';

export interface Sink<T> {
  /** The whole truth at one moment: what is not in it is gone. */
  replace(items: readonly T[]): void;
  changed(object: T): void;
  deleted(object: T): void;
}

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 2_000;
/** A watch that lived so long was healthy: the next back-off starts from the beginning. */
const HEALTHY_MS = 5_000;

/** Follows the objects of one query until `signal` is aborted. Never throws; back-off is short, with jitter. */
export class Follower<T extends KubeObject> {
  readonly #kube: KubeClient;
  readonly #type: ResourceType<T>;
  readonly #query: ListOptions;
  readonly #sink: Sink<T>;
  readonly #log: Logger;
  #restart = new AbortController();

  constructor(kube: KubeClient, type: ResourceType<T>, query: ListOptions, sink: Sink<T>, log: Logger) {
    this.#kube = kube;
    this.#type = type;
    this.#query = query;
    this.#sink = sink;
    this.#log = log.with({ watch: type.plural });
  }

  /** Drops the watch, which may be a dead connection that has not been noticed, and lists anew. */
  restart(reason: string): void {
    this.#log.warn('watch restarted', { reason });
    this.#restart.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const pause = new Wake();
    let backoff = BACKOFF_FIRST_MS;
    while (!signal.aborted) {
      this.#restart = new AbortController();
      const startedAt = performance.now();
      try {
        await this.#once(AbortSignal.any([signal, this.#restart.signal]));
      } catch (error) {
        if (signal.aborted) return;
        this.#log.debug('watch ended', { error: messageOf(error) });
      }
      if (performance.now() - startedAt > HEALTHY_MS) backoff = BACKOFF_FIRST_MS;
      await pause.wait(backoff * (0.5 + Math.random()), signal);
      backoff = Math.min(backoff * 2, BACKOFF_MAX_MS);
    }
  }

  async #once(signal: AbortSignal): Promise<void> {
    const list = await this.#kube.list(this.#type, this.#query, { signal, timeoutMs: BACKOFF_MAX_MS });
    this.#sink.replace(list.items);
    let { resourceVersion } = list;
    while (!signal.aborted) {
      const openedAt = performance.now();
      for await (const event of this.#kube.watch(this.#type, { ...this.#query, resourceVersion, signal })) {
        if (event.type === 'BOOKMARK') {
          ({ resourceVersion } = event);
          continue;
        }
        resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
        if (event.type === 'DELETED') this.#sink.deleted(event.object);
        else this.#sink.changed(event.object);
      }
      // The server ends every watch in time; one that ended at once has something wrong with it.
      if (performance.now() - openedAt < HEALTHY_MS) return;
    }
  }
}
