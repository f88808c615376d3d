// The client of one role's record: as last seen on the watch, as read now, and written conditionally, never blindly twice.
import { ApiError, ApiUnreachableError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { Leases } from '../kube/resources.ts';
import type { Lease } from '../kube/types.ts';
import type { Identity } from './identity.ts';
import type { Peers } from './peers.ts';
import { RenewTimes } from './renew-times.ts';
import { decodeRole, encodeRole } from './role-record.ts';
import type { RoleChange, RoleRecord } from './role-record.ts';

/**
 * `conflict`: the record is no longer the one that was to be replaced; nothing was written.
 * `unknown`: no answer, or a server failure; it may have been written, may be later, or never (M5).
 */
export type WriteOutcome =
  | { readonly kind: 'done'; readonly record: RoleRecord }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'unknown'; readonly error: Error };

export interface RoleClientOptions {
  readonly kube: KubeClient;
  readonly identity: Identity;
  readonly peers: Peers;
  /** Name of the role's Lease. */
  readonly role: string;
}

/** Records kept to write over: the versions last seen, read and written. */
const REMEMBERED = 4;

export class RoleClient {
  readonly #options: RoleClientOptions;
  readonly #times = new RenewTimes();
  readonly #known = new Map<string, Lease>();

  constructor(options: RoleClientOptions) {
    this.#options = options;
  }

  /** The record as last seen on the watch: the one to take over after a verdict, being of the same moment (M4). */
  current(): RoleRecord | undefined {
    const lease = this.#options.peers.lease(this.#options.role);
    if (lease !== undefined) this.#remember(lease);
    return this.#options.peers.record(this.#options.role);
  }

  /** The record as it is in the store now. */
  async read(signal?: AbortSignal): Promise<RoleRecord> {
    const { kube, identity, role } = this.#options;
    const lease = await kube.get(Leases, identity.namespace, role, signal === undefined ? {} : { signal });
    this.#remember(lease);
    return decodeRole(lease);
  }

  /**
   * One conditional write over `base`, which must have come from this client.
   * @throws ApiError when the server refuses for another reason than a newer version
   */
  async write(base: RoleRecord, change: RoleChange, signal?: AbortSignal): Promise<WriteOutcome> {
    const lease = this.#known.get(base.resourceVersion);
    // What is not remembered has been replaced several times since.
    if (lease === undefined) return { kind: 'conflict' };
    const next = encodeRole(lease, change, this.#times.next());
    try {
      const written = await this.#options.kube.replace(Leases, next, signal === undefined ? {} : { signal });
      this.#remember(written);
      return { kind: 'done', record: decodeRole(written) };
    } catch (error) {
      if (error instanceof ApiUnreachableError) return { kind: 'unknown', error };
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 409) return { kind: 'conflict' };
      if (error.status >= 500) return { kind: 'unknown', error };
      throw error;
    }
  }

  #remember(lease: Lease): void {
    const version = lease.metadata.resourceVersion ?? '';
    this.#known.delete(version);
    this.#known.set(version, lease);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(oldest);
    }
  }
}
