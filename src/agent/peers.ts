// What an agent sees of its cluster: every heartbeat and role record, by one ordered watch that feeds the dead-rule.
import { ANNOTATIONS, ROLE_LABEL } from '../api/v1alpha1/names.ts';
import { messageOf } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { Leases } from '../kube/resources.ts';
import type { Lease } from '../kube/types.ts';
import { Reflector, URGENT_BACKOFF } from '../kube/reflector.ts';
import type { Logger } from '../log.ts';
import type { Identity } from './identity.ts';
import { holderIdentity } from './identity.ts';
import { decodeRole, podOf } from './role-record.ts';
import type { RoleRecord } from './role-record.ts';
import { LONGEST_DURATION_MS } from './timing.ts';
import {
  isDead,
  leaseGone,
  nextExpiry,
  ownEchoed,
  ownFailed,
  ownSent,
  promised,
  seen,
  silentFor,
  startObservation,
} from './verdict.ts';
import type { Observation } from './verdict.ts';
import { monotonicNow } from './wake.ts';

const LIST_TIMEOUT_MS = 3_000;

export interface PeersOptions {
  readonly kube: KubeClient;
  readonly identity: Identity;
  readonly log: Logger;
  readonly now?: () => number;
}

/** A pod of the cluster that beats, as last seen. */
export interface Member {
  readonly pod: string;
  /** `POD/UID`. */
  readonly identity: string;
  readonly component: string;
  readonly node: string;
  readonly dead: boolean;
  /** The verdict's own clock: milliseconds since its last sign of life. */
  readonly silentMs: number;
}

/**
 * One watch over all Leases of the cluster, because its order is what makes a verdict sound: when an own renewal comes
 * back on it, every older change of any Lease has been seen. For the same reason a role is taken over `record()`, not
 * over a later read: verdict and version then belong to one moment (M4).
 */
export class Peers {
  readonly #self: string;
  readonly #ownLease: string;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #namespace: string;
  readonly #leases: Reflector<Lease>;
  readonly #listeners = new Set<() => void>();
  #onEcho: (token: string) => void = () => undefined;
  #observation: Observation;
  #watching = new AbortController();

  constructor({ kube, identity, log, now = monotonicNow }: PeersOptions) {
    this.#self = holderIdentity(identity);
    this.#ownLease = identity.pod;
    this.#log = log;
    this.#now = now;
    this.#observation = startObservation(now());
    const query = {
      namespace: identity.namespace,
      labelSelector: `app.kubernetes.io/instance=${identity.cluster}`,
    };
    this.#namespace = identity.namespace;
    this.#leases = new Reflector({
      kube,
      type: Leases,
      query,
      log,
      backoff: URGENT_BACKOFF,
      listTimeoutMs: LIST_TIMEOUT_MS,
    });
    this.#leases.subscribe(({ type, object }) => {
      if (type === 'DELETED') this.#observation = leaseGone(this.#observation, object.metadata.name);
      else this.#take(object);
      for (const listener of this.#listeners) listener();
    });
  }

  /** Follows until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#watching = new AbortController();
      await this.#leases.run(AbortSignal.any([signal, this.#watching.signal]));
    }
  }

  /** Settles at the first complete list. */
  get synced(): Promise<void> {
    return this.#leases.hasSynced;
  }

  /** Called after every change that was seen. Must not throw. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** The dead-rule's word on `POD/UID`. Never true of oneself. */
  isDead(identity: string): boolean {
    return identity !== this.#self && isDead(this.#observation, identity);
  }

  /** Does another pod of the same name beat in its place? It may still run where its node has been cut off. */
  isReplaced(identity: string): boolean {
    const successor = this.lease(podOf(identity))?.spec?.holderIdentity;
    return successor !== undefined && successor !== '' && successor !== identity;
  }

  /** Milliseconds since the last sign of life of `POD/UID`. */
  silentFor(identity: string): number {
    return silentFor(this.#observation, identity, this.#now());
  }

  /** A promise not to take from `identity` for one duration: its wait starts anew. */
  promised(identity: string): void {
    this.#observation = promised(this.#observation, identity, this.#now());
  }

  /** A role's record as last seen; undefined while it is missing or unreadable (then nobody may take it). */
  record(role: string): RoleRecord | undefined {
    const lease = this.lease(role);
    if (lease === undefined) return undefined;
    try {
      return decodeRole(lease);
    } catch (error) {
      this.#log.error('role record unreadable', { role, error: messageOf(error) });
      return undefined;
    }
  }

  /** The Lease as last seen, for conditional writes. */
  lease(name: string): Lease | undefined {
    return this.#leases.store.get(this.#namespace, name);
  }

  /** Every pod that beats or did until it fell silent; released ones are not listed. In the order of their names. */
  members(): readonly Member[] {
    return this.#leases.store
      .list()
      .flatMap((lease) => {
        const identity = lease.spec?.holderIdentity;
        if (isRole(lease) || identity === undefined || identity === '') return [];
        return [
          {
            pod: lease.metadata.name,
            identity,
            component: lease.metadata.labels?.['app.kubernetes.io/component'] ?? '',
            node: lease.metadata.annotations?.[ANNOTATIONS.node] ?? '',
            dead: this.isDead(identity),
            silentMs: this.silentFor(identity),
          },
        ];
      })
      .toSorted((a, b) => (a.pod < b.pod ? -1 : 1));
  }

  /** For the heartbeat: in how many milliseconds a renewal may be the one that a verdict waits for. */
  untilExpiry(): number {
    const now = this.#now();
    return (nextExpiry(this.#observation, now) ?? Number.POSITIVE_INFINITY) - now;
  }

  /** For the heartbeat: a renewal leaves now. */
  ownSent(token: string): void {
    this.#observation = ownSent(this.#observation, token, this.#now());
  }

  /** For the heartbeat: a renewal failed, or its outcome is unknown. */
  ownFailed(): void {
    this.#observation = ownFailed(this.#observation, this.#now());
  }

  /** For the heartbeat: called with the token of every own renewal that comes back. */
  onEcho(listener: (token: string) => void): void {
    this.#onEcho = listener;
  }

  /** For the heartbeat: confirmed renewals do not come back, so the watch is dead without knowing it. */
  restartWatch(): void {
    this.#log.warn('own renewals do not come back on the watch: starting it anew');
    this.#watching.abort();
  }

  #take(lease: Lease): void {
    const { name } = lease.metadata;
    if (isRole(lease)) return;
    const identity = lease.spec?.holderIdentity;
    const facts = {
      durationMs: (lease.spec?.leaseDurationSeconds ?? LONGEST_DURATION_MS / 1_000) * 1_000,
      node: lease.metadata.annotations?.[ANNOTATIONS.node] ?? '',
    };
    const holder = identity === '' ? undefined : identity;
    this.#observation = seen(this.#observation, name, holder, facts, this.#now());
    const token = lease.spec?.renewTime;
    if (name === this.#ownLease && holder === this.#self && token !== undefined) {
      this.#observation = ownEchoed(this.#observation, token);
      this.#onEcho(token);
    }
  }
}

function isRole(lease: Lease): boolean {
  return lease.metadata.labels?.[ROLE_LABEL] !== undefined;
}
