// What the rest of the project may ask of the API server. The one implementation is http-client.ts.
import type { KubeObject, ResourceType } from './types.ts';

export interface ListResult<T> {
  readonly items: readonly T[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds until the call is given up (default 10,000). */
  readonly timeoutMs?: number;
}

export interface ApplyOptions extends CallOptions {
  readonly fieldManager: string;
  /** Take over fields that another manager owns. Never for roles and slices. */
  readonly force: boolean;
  readonly subresource?: 'status' | 'scale';
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions extends ListOptions {
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
}

export interface ExecTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/**
 * Raw JSON in, raw JSON out. Every method throws `ApiError` when the server refuses and `ApiUnreachableError` when no
 * answer came (the write may then have been carried out; `isOutcomeUnknown` in status.ts judges both classes).
 * Reads are repeated when the server asks for it, writes never. `namespace` is undefined for cluster-wide kinds.
 */
export interface KubeClient {
  get<T extends KubeObject>(
    type: ResourceType<T>,
    namespace: string | undefined,
    name: string,
    options?: CallOptions,
  ): Promise<T>;
  list<T extends KubeObject>(
    type: ResourceType<T>,
    query?: ListOptions,
    options?: CallOptions,
  ): Promise<ListResult<T>>;
  create<T extends KubeObject>(type: ResourceType<T>, object: T, options?: CallOptions): Promise<T>;
  /** PUT; conditional when `object.metadata.resourceVersion` is set. */
  replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options?: CallOptions & { readonly subresource?: 'status' },
  ): Promise<T>;
  /** JSON merge patch (RFC 7396). */
  mergePatch<T extends KubeObject>(
    type: ResourceType<T>,
    namespace: string | undefined,
    name: string,
    patch: object,
    options?: CallOptions & { readonly subresource?: 'status' | 'scale' },
  ): Promise<T>;
  /** Server-side apply. */
  apply<T extends KubeObject>(type: ResourceType<T>, object: T, options: ApplyOptions): Promise<T>;
  delete<T extends KubeObject>(
    type: ResourceType<T>,
    namespace: string | undefined,
    name: string,
    options?: CallOptions & {
      readonly uid?: string;
      readonly gracePeriodSeconds?: number;
      readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
    },
  ): Promise<void>;
  /**
   * Ends when the server closes the watch or `signal` is aborted; throws `ApiError` 410 when the resourceVersion is too
   * old, and `ApiUnreachableError` when the server stays silent for longer than its bookmarks allow.
   */
  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Runs a command in a container. It must bear being run twice: when the call is given up, what it started may go on. */
  exec(target: ExecTarget, options?: CallOptions): Promise<ExecResult>;
  /** GET of a path that is no object: `/readyz`, `/version`, `/apis`. */
  raw(path: string, options?: CallOptions): Promise<{ readonly status: number; readonly body: string }>;
}
