// Tells people what happened to an object, as Kubernetes Events (events.k8s.io/v1), without flooding the API server.
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KubeClient } from './client.ts';
import { EventBudget } from './event-budget.ts';
import { microTime } from './lease.ts';
import { Events } from './resources.ts';
import type { KubeEvent, KubeObject } from './types.ts';

export interface Occurrence {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, stable: why. */
  readonly reason: string;
  /** CamelCase, stable: what was done or failed. */
  readonly action: string;
  /** For people. Free of counters and times, so that repeats are recognised; never a secret. */
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly kube: Pick<KubeClient, 'create' | 'mergePatch'>;
  /** Who tells: `spacecluster.dev/operator`. */
  readonly controller: string;
  /** Which of them: the pod's name. */
  readonly instance: string;
  readonly log: Logger;
  /** Monotonic milliseconds; a test gives its own. */
  readonly now?: () => number;
}

const WRITE_TIMEOUT_MS = 5_000;
/** Beyond this many waiting writes (the API server is away) Events are dropped: they are not worth the memory. */
const MAX_WAITING = 100;
/** Bytes; the API server refuses longer notes. */
const MAX_NOTE = 1_024;
/** Leaves room in the 253 characters of a name for the suffix. */
const MAX_NAME = 230;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #budget = new EventBudget();
  #waiting = 0;
  #last = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Returns at once and never throws; the Event is written behind, in order, or dropped. */
  record(regarding: KubeObject, occurrence: Occurrence): void {
    if (this.#waiting >= MAX_WAITING) return;
    const at = microTime(Date.now());
    const object = regarding.metadata.uid ?? `${regarding.kind}/${regarding.metadata.name}`;
    const key = JSON.stringify([object, occurrence]);
    const name = eventName(regarding, at);
    const now = this.#options.now?.() ?? performance.now();
    const decision = this.#budget.decide(object, key, name, now);
    if (decision.kind === 'drop') return;
    this.#last = this.#behind(this.#last, key, () =>
      decision.kind === 'create'
        ? this.#create(regarding, occurrence, name, at)
        : this.#count(regarding, decision.name, decision.count, at),
    );
  }

  /** Resolves when what was recorded so far is written or given up. */
  async flush(): Promise<void> {
    await this.#last;
  }

  async #behind(previous: Promise<void>, key: string, write: () => Promise<void>): Promise<void> {
    this.#waiting += 1;
    await previous;
    try {
      await write();
    } catch (error) {
      this.#budget.forget(key);
      this.#options.log.debug('an Event was not written', { error: messageOf(error) });
    } finally {
      this.#waiting -= 1;
    }
  }

  async #create(regarding: KubeObject, occurrence: Occurrence, name: string, at: string): Promise<void> {
    const { kube, controller, instance } = this.#options;
    await kube.create(Events, eventOf(regarding, occurrence, { name, at, controller, instance }), {
      timeoutMs: WRITE_TIMEOUT_MS,
    });
  }

  async #count(regarding: KubeObject, name: string, count: number, at: string): Promise<void> {
    const series = { series: { count, lastObservedTime: at } };
    await this.#options.kube.mergePatch(Events, namespaceOf(regarding), name, series, {
      timeoutMs: WRITE_TIMEOUT_MS,
    });
  }
}

function eventOf(
  regarding: KubeObject,
  occurrence: Occurrence,
  meta: {
    readonly name: string;
    readonly at: string;
    readonly controller: string;
    readonly instance: string;
  },
): KubeEvent {
  const { name, namespace, uid, resourceVersion } = regarding.metadata;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: meta.name, namespace: namespaceOf(regarding) },
    eventTime: meta.at,
    type: occurrence.type,
    reason: occurrence.reason,
    action: occurrence.action,
    note: cut(occurrence.note),
    regarding: {
      apiVersion: regarding.apiVersion,
      kind: regarding.kind,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    reportingController: meta.controller,
    reportingInstance: meta.instance,
  };
}

function cut(note: string): string {
  return note.slice(0, new TextEncoder().encodeInto(note, new Uint8Array(MAX_NOTE)).read);
}

/** Events about objects without a namespace stand in `default`, where kubectl looks for them. */
function namespaceOf(regarding: KubeObject): string {
  return regarding.metadata.namespace ?? 'default';
}

/** `NAME.HEX`, as kubectl and others expect it; the time in microseconds makes it unique. */
function eventName(regarding: KubeObject, at: string): string {
  const micros = BigInt(Date.parse(at)) * 1_000n + BigInt(at.slice(-4, -1));
  return `${regarding.metadata.name.slice(0, MAX_NAME)}.${micros.toString(16)}`;
}
