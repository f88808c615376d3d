// The one implementation of KubeClient: raw JSON over the pooled transport, every call reported to an observer.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, ApiUnreachableError, messageOf } from '../errors.ts';
import type { CallOptions, KubeClient, ListResult, WatchEvent, WatchOptions } from './client.ts';
import type { KubeConfig } from './config.ts';
import { exec } from './exec.ts';
import { lines } from './lines.ts';
import { collectionPath, groupOf, objectPath, withQuery, writableCollection } from './paths.ts';
import { Pods } from './resources.ts';
import { apiError, watchError } from './status.ts';
import { createTransport } from './transport.ts';
import type { HttpRequest, Lane, Transport, WriteGuard } from './transport.ts';
import type { KubeObject, ResourceType } from './types.ts';

/** As in RBAC rules. A server-side apply is a `patch`; where it makes the object it needs `create` as well. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** One finished call. Of a watch: its opening. */
export interface RequestRecord {
  readonly verb: Verb;
  readonly method: HttpRequest['method'];
  /** '' for the core group; undefined for a path that is no object. */
  readonly group: string | undefined;
  /** Plural, or the raw path. */
  readonly resource: string;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly durationMs: number;
}

export interface KubeClientOptions {
  /** @default 'spacecluster' */
  readonly userAgent?: string;
  /** Sees every call: metrics, and the test that compares the verbs used with the RBAC rules. Must not throw. */
  readonly observe?: (record: RequestRecord) => void;
}

export interface HttpKubeClient extends KubeClient {
  /** The same client, whose writes ask `guard` just before they leave: a leader that may have lost writes nothing (L1). */
  guarded(guard: WriteGuard): KubeClient;
  /** Ends all connections. Calls and watches under way fail. */
  close(): void;
}

const CALL_TIMEOUT_MS = 10_000;
const PAGE_SIZE = 500;
/** The server sends a bookmark about once a minute; a watch silent for longer is taken for broken. */
const WATCH_INACTIVITY_MS = 100_000;
/** How often a read is repeated when the server asks to come back later (429, 503 with Retry-After). */
const MAX_READ_RETRIES = 3;

export function createKubeClient(config: KubeConfig, options: KubeClientOptions = {}): HttpKubeClient {
  const transport = createTransport(config, { userAgent: options.userAgent ?? 'spacecluster' });
  return {
    ...clientOver(transport, config, options, undefined),
    guarded: (guard) => clientOver(transport, config, options, guard),
    close: () => {
      transport.close();
    },
  };
}

interface Target {
  readonly verb: Verb;
  readonly type?: ResourceType<KubeObject>;
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly subresource?: string | undefined;
  readonly path: string;
  readonly body?: object;
  readonly contentType?: string;
}

const METHODS: Readonly<Record<Verb, HttpRequest['method']>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
};

function clientOver(
  transport: Transport,
  config: KubeConfig,
  options: KubeClientOptions,
  guard: WriteGuard | undefined,
): KubeClient {
  function toRequest(target: Target, lane: Lane, call: CallOptions): HttpRequest {
    const method = METHODS[target.verb];
    return {
      method,
      path: target.path,
      lane,
      signal: call.signal,
      timeoutMs: call.timeoutMs ?? CALL_TIMEOUT_MS,
      ...(target.body === undefined
        ? {}
        : { body: JSON.stringify(target.body), contentType: target.contentType ?? 'application/json' }),
      guard: method === 'GET' ? undefined : guard,
    };
  }

  async function observed<R extends { readonly status: number }>(
    target: Target,
    run: () => Promise<R>,
  ): Promise<R> {
    const start = performance.now();
    let status = 0;
    try {
      const result = await run();
      status = result.status;
      return result;
    } finally {
      options.observe?.({
        verb: target.verb,
        method: METHODS[target.verb],
        group: target.type === undefined ? undefined : groupOf(target.type),
        resource: target.type?.plural ?? target.path,
        subresource: target.subresource,
        namespace: target.namespace,
        name: target.name,
        status,
        durationMs: performance.now() - start,
      });
    }
  }

  /** One call, parsed. Reads are repeated when the server asks for it; writes never are. */
  async function call<R>(target: Target, callOptions: CallOptions = {}): Promise<R> {
    const request = toRequest(target, laneOf(target), callOptions);
    const deadline = performance.now() + request.timeoutMs;
    for (let attempt = 0; ; attempt += 1) {
      const left = { ...request, timeoutMs: deadline - performance.now() };
      const response = await observed(target, () => transport.request(left));
      if (response.status < 300) return parse(target, response.body) as R;
      const error = apiError(what(target), response.status, response.body, response.headers['retry-after']);
      const wait = retryAfter(error, request.method);
      if (wait === undefined || attempt >= MAX_READ_RETRIES || performance.now() + wait >= deadline)
        throw error;
      await sleep(wait, undefined, request.signal === undefined ? {} : { signal: request.signal }).catch(
        () => {
          throw error;
        },
      );
    }
  }

  async function list<T extends KubeObject>(
    type: ResourceType<T>,
    query: Parameters<KubeClient['list']>[1] = {},
    callOptions: CallOptions = {},
  ): Promise<ListResult<T>> {
    const items: T[] = [];
    let next: string | undefined;
    let limit: number | undefined = PAGE_SIZE;
    for (;;) {
      const path = withQuery(collectionPath(type, query.namespace), {
        labelSelector: query.labelSelector,
        fieldSelector: query.fieldSelector,
        limit,
        continue: next,
      });
      let page: RawList<T>;
      try {
        page = await call({ verb: 'list', type, namespace: query.namespace, path }, callOptions);
      } catch (error) {
        // The continue token aged out between pages: start over, in one piece.
        if (!(error instanceof ApiError && error.status === 410 && next !== undefined)) throw error;
        items.length = 0;
        next = undefined;
        limit = undefined;
        continue;
      }
      // The server leaves the kind out of a list's items.
      for (const item of page.items ?? []) {
        items.push({ ...item, apiVersion: type.apiVersion, kind: type.kind });
      }
      next = page.metadata.continue;
      if (next === undefined || next === '') return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  async function* watch<T extends KubeObject>(
    type: ResourceType<T>,
    query: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const path = withQuery(collectionPath(type, query.namespace), {
      labelSelector: query.labelSelector,
      fieldSelector: query.fieldSelector,
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: query.resourceVersion,
      // Spread, so that the watches of many processes do not end together.
      timeoutSeconds: 300 + Math.floor(Math.random() * 300),
    });
    const target: Target = { verb: 'watch', type, namespace: query.namespace, path };
    const request = toRequest(target, 'watches', { signal: query.signal });
    try {
      const answer = await observed(target, () => transport.stream(request, WATCH_INACTIVITY_MS));
      if (answer.status !== 200) {
        const body: string[] = [];
        for await (const line of lines(answer.chunks)) body.push(line);
        throw apiError(what(target), answer.status, body.join('\n'), answer.headers['retry-after']);
      }
      for await (const line of lines(answer.chunks)) {
        if (query.signal.aborted) return;
        yield toEvent(target, parse(target, line) as RawEvent<T>);
      }
    } catch (error) {
      if (!query.signal.aborted) throw error;
    }
  }

  return {
    get: async (type, namespace, name, callOptions) =>
      call({ verb: 'get', type, namespace, name, path: objectPath(type, namespace, name) }, callOptions),
    list,
    create: async (type, object, callOptions) => {
      const { namespace, name } = object.metadata;
      const path = writableCollection(type, namespace, name);
      return call({ verb: 'create', type, namespace, name, path, body: object }, callOptions);
    },
    replace: async (type, object, callOptions) => {
      const { namespace, name } = object.metadata;
      const subresource = callOptions?.subresource;
      const path = objectPath(type, namespace, name, subresource);
      return call({ verb: 'update', type, namespace, name, subresource, path, body: object }, callOptions);
    },
    mergePatch: async (type, namespace, name, patch, callOptions) => {
      const subresource = callOptions?.subresource;
      const path = objectPath(type, namespace, name, subresource);
      const contentType = 'application/merge-patch+json';
      return call(
        { verb: 'patch', type, namespace, name, subresource, path, body: patch, contentType },
        callOptions,
      );
    },
    apply: async (type, object, applyOptions) => {
      const { namespace, name } = object.metadata;
      const { subresource, fieldManager, force } = applyOptions;
      const path = withQuery(objectPath(type, namespace, name, subresource), { fieldManager, force });
      const contentType = 'application/apply-patch+yaml';
      return call(
        { verb: 'patch', type, namespace, name, subresource, path, body: object, contentType },
        applyOptions,
      );
    },
    delete: async (type, namespace, name, callOptions) => {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(callOptions?.uid === undefined ? {} : { preconditions: { uid: callOptions.uid } }),
        ...(callOptions?.gracePeriodSeconds === undefined
          ? {}
          : { gracePeriodSeconds: callOptions.gracePeriodSeconds }),
        ...(callOptions?.propagation === undefined ? {} : { propagationPolicy: callOptions.propagation }),
      };
      const path = objectPath(type, namespace, name);
      await call({ verb: 'delete', type, namespace, name, path, body }, callOptions);
    },
    watch,
    exec: async (target, callOptions = {}) => {
      const { namespace, pod: name } = target;
      // Only begun under the guard: what a command starts outlives the call in any case, so it has to bear being run twice.
      guard?.();
      const timeoutMs = callOptions.timeoutMs ?? CALL_TIMEOUT_MS;
      const seen: Target = { verb: 'get', type: Pods, namespace, name, subresource: 'exec', path: '' };
      const userAgent = options.userAgent ?? 'spacecluster';
      const { result } = await observed(seen, async () => ({
        status: 101,
        result: await exec(config, target, { userAgent, signal: callOptions.signal, timeoutMs }),
      }));
      return result;
    },
    raw: async (path, callOptions = {}) => {
      const target: Target = { verb: 'get', path };
      return observed(target, () => transport.request(toRequest(target, 'calls', callOptions)));
    },
  };
}

interface RawList<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

interface RawEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

function toEvent<T extends KubeObject>(target: Target, event: RawEvent<T>): WatchEvent<T> {
  if (event.type === 'ERROR') throw watchError(what(target), event.object);
  return event.type === 'BOOKMARK'
    ? { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion ?? '' }
    : { type: event.type, object: event.object };
}

/** Milliseconds to wait before a refused read is repeated; undefined when it must not be. */
function retryAfter(error: ApiError, method: HttpRequest['method']): number | undefined {
  if (method !== 'GET') return undefined;
  if (error.status === 429) return error.retryAfterMs ?? 1_000;
  return error.status === 503 ? error.retryAfterMs : undefined;
}

/** Single Leases go over connections of their own, so that nothing else delays a renewal. */
function laneOf(target: Target): Lane {
  const single = target.name !== undefined && target.type?.apiVersion === 'coordination.k8s.io/v1';
  return single ? 'leases' : 'calls';
}

function what(target: Target): string {
  return `${METHODS[target.verb]} ${target.path.split('?')[0]}`;
}

function parse(target: Target, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    // Something that is not the API server answered: the outcome is as open as with no answer.
    throw new ApiUnreachableError(`${what(target)}: the answer is not JSON (${messageOf(error)})`, error);
  }
}
