// The worker's side of the cluster: its own heartbeat, and its view of all other members. Serving does not depend on it: with
// the API server away a worker goes on, it only no longer knows who is up.
import type { EndpointSlice } from '../kube/types.ts';
import { Heartbeat } from '../agent/heartbeat.ts';
import type { Identity } from '../agent/identity.ts';
import { Peers } from '../agent/peers.ts';
import { podOf } from '../agent/role-record.ts';
import { SpaceClusters } from '../api/v1alpha1/index.ts';
import { ANNOTATIONS, names } from '../api/v1alpha1/names.ts';
import type { KubeClient, ListOptions } from '../kube/client.ts';
import { Reflector, URGENT_BACKOFF } from '../kube/reflector.ts';
import { readyEndpoint } from '../kube/ready-endpoint.ts';
import { EndpointSlices } from '../kube/resources.ts';
import type { Logger } from '../log.ts';
import type { FabricFacts, RingPod } from './applications/fabric/nodes.ts';
import type { RingMember } from './database/cassandra.ts';

export interface ClusterOptions {
  readonly kube: KubeClient;
  readonly identity: Identity;
  readonly log: Logger;
  /** The ring as the driver sees it; undefined while it is not reached. */
  readonly ring: () => readonly RingMember[] | undefined;
  /** The MySQL primary serves at this address: told at first, and each time it has moved. */
  readonly onPrimary: (address: string) => void;
}

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #peers: Peers;
  readonly #heartbeat: Heartbeat;
  readonly #ringSlices: Reflector<EndpointSlice>;
  readonly #primarySlice: Reflector<EndpointSlice>;
  readonly #cluster;
  #primary = '';

  constructor(options: ClusterOptions) {
    const { kube, identity, log } = options;
    this.#options = options;
    const { namespace } = identity;
    this.#peers = new Peers({ kube, identity, log });
    this.#cluster = new Reflector({
      kube,
      type: SpaceClusters,
      query: { namespace, fieldSelector: `metadata.name=${identity.cluster}` },
      log,
    });
    const slicesOf = (service: string): ListOptions => ({
      namespace,
      labelSelector: `kubernetes.io/service-name=${service}`,
    });
    const { cassandraMembers, mysqlRw } = names(identity.cluster).services;
    this.#ringSlices = new Reflector({ kube, type: EndpointSlices, query: slicesOf(cassandraMembers), log });
    this.#primarySlice = new Reflector({
      kube,
      type: EndpointSlices,
      query: slicesOf(mysqlRw),
      log,
      backoff: URGENT_BACKOFF,
    });
    this.#primarySlice.subscribe(({ type, object }) => {
      if (type !== 'DELETED') this.#noticePrimary(object);
    });
    this.#heartbeat = new Heartbeat({
      kube,
      identity,
      peers: this.#peers,
      log,
      beat: 'member',
      profile: () =>
        this.#cluster.store.get(namespace, identity.cluster)?.spec.failureDetection.profile ?? 'Auto',
    });
  }

  /**
   * Beats and watches until `signal` is aborted.
   * @throws LeaseLostError when a newer pod of this name beats: this one must end
   */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#cluster.run(signal),
      this.#ringSlices.run(signal),
      this.#primarySlice.run(signal),
      this.#peers.run(signal),
      this.#heartbeat.run(signal),
    ]);
  }

  /** Says that this worker is gone, so that nobody waits for its Lease to run out. After everything else has ended. */
  release(): Promise<void> {
    return this.#heartbeat.release();
  }

  facts(): FabricFacts {
    const { roleLeases } = names(this.#options.identity.cluster);
    return {
      beating: this.#peers.members(),
      vipHolder: this.#holder(roleLeases.vip),
      mysqlPrimary: this.#holder(roleLeases.mysql),
      ring: ringPods(this.#ringSlices.store.list(), this.#options.ring()),
    };
  }

  #holder(role: string): string | undefined {
    const holder = this.#peers.record(role)?.holder;
    return holder === undefined ? undefined : podOf(holder);
  }

  /**
   * The primary puts itself there once it is open. Followed here rather than by the Service's address: the node's kube-proxy does so
   * up to a second later, and up to a minute after an outage of the API server. An empty slice says nothing new.
   */
  #noticePrimary(slice: EndpointSlice): void {
    const [address] = readyEndpoint(slice)?.addresses ?? [];
    if (address === undefined) return;
    const primary = `${address} ${slice.metadata.annotations?.[ANNOTATIONS.epoch]}`;
    if (primary === this.#primary) return;
    this.#primary = primary;
    this.#options.onPrimary(address);
  }
}

/** The members' pods and nodes from their endpoints, with the driver's word on each address. */
export function ringPods(
  slices: readonly EndpointSlice[],
  ring: readonly RingMember[] | undefined,
): readonly RingPod[] {
  return slices.flatMap((slice) =>
    (slice.endpoints ?? []).flatMap((endpoint) => {
      const [address] = endpoint.addresses;
      const pod = endpoint.targetRef?.name;
      if (address === undefined || pod === undefined) return [];
      const up =
        ring === undefined ? undefined : ring.some((member) => member.address === address && member.up);
      return [{ pod, node: endpoint.nodeName ?? '', up }];
    }),
  );
}
