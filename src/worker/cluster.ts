// The worker's side of the cluster: its own heartbeat, and its view of all other members. Serving does not depend on it: with
// the API server away a worker goes on, it only no longer knows who is up.
import type { EndpointSlice } from '../kube/types.ts';
import { Heartbeat } from '../agent/heartbeat.ts';
import type { Identity } from '../agent/identity.ts';
import { Peers } from '../agent/peers.ts';
import { podOf } from '../agent/role-record.ts';
import { SpaceClusters } from '../api/v1alpha1/index.ts';
import { names } from '../api/v1alpha1/names.ts';
import type { KubeClient } from '../kube/client.ts';
import { Reflector } from '../kube/reflector.ts';
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
  /** The MySQL role has a new holder or epoch. */
  readonly onPrimaryMoved: () => void;
}

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #peers: Peers;
  readonly #heartbeat: Heartbeat;
  readonly #ringSlices: Reflector<EndpointSlice>;
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
    this.#ringSlices = new Reflector({
      kube,
      type: EndpointSlices,
      query: {
        namespace,
        labelSelector: `kubernetes.io/service-name=${names(identity.cluster).services.cassandraMembers}`,
      },
      log,
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
    this.#peers.onChange(() => {
      this.#noticePrimary();
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

  #noticePrimary(): void {
    const record = this.#peers.record(names(this.#options.identity.cluster).roleLeases.mysql);
    if (record?.holder === undefined) return;
    const primary = `${record.holder} ${record.epoch}`;
    if (primary === this.#primary) return;
    const known = this.#primary !== '';
    this.#primary = primary;
    if (known) this.#options.onPrimaryMoved();
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
