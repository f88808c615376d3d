// The operator's caches: one list-watch a kind for all clusters together, and the view of a single cluster out of them.
import { ROLE_LABEL } from '../api/v1alpha1/names.ts';
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import { SpaceClusters } from '../api/v1alpha1/index.ts';
import type { ClusterView } from '../engines/engine.ts';
import type { KubeClient, ListOptions } from '../kube/client.ts';
import { Reflector } from '../kube/reflector.ts';
import {
  ConfigMaps,
  EndpointSlices,
  IPAddressPools,
  L2Advertisements,
  Leases,
  Nodes,
  PodDisruptionBudgets,
  Pods,
  RoleBindings,
  Roles,
  Secrets,
  ServiceAccounts,
  ServiceL2Statuses,
  Services,
  StatefulSets,
} from '../kube/resources.ts';
import type { KubeObject, Node, ResourceType, Service, ServiceL2Status } from '../kube/types.ts';
import type { Logger } from '../log.ts';

const INSTANCE = 'app.kubernetes.io/instance';
const INDEX = 'cluster';
/** Only what belongs to a SpaceCluster is kept: caching every Secret of a big cluster is how operators run out of memory. */
const OURS: ListOptions = { labelSelector: 'app.kubernetes.io/managed-by=spacecluster' };
/** Role records change at a hand-over; heartbeats change twice a second and concern the agents only. */
const ROLE_RECORDS: ListOptions = { labelSelector: ROLE_LABEL };

export type OnError = (where: 'list' | 'watch' | 'handler', resource: string) => void;

export class Caches {
  readonly clusters: Reflector<SpaceCluster>;
  readonly #pods;
  readonly #statefulSets;
  readonly #leases;
  readonly #slices;
  readonly #secrets;
  readonly #configMaps;
  readonly #services;
  readonly #nodes: Reflector<Node>;
  readonly #announcements: Reflector<ServiceL2Status>;
  /** Must be filled before anything is decided. */
  readonly required: readonly Reflector<KubeObject>[];
  /** Kinds whose absence (no MetalLB yet) must not keep the operator from starting. */
  readonly optional: readonly Reflector<KubeObject>[];
  readonly #byType: ReadonlyMap<string, Reflector<KubeObject>>;

  constructor(kube: KubeClient, log: Logger, onError: OnError) {
    const reflect = <T extends KubeObject>(type: ResourceType<T>, query: ListOptions = OURS): Reflector<T> =>
      new Reflector<T>({ kube, type, query, log, onError, indexers: { [INDEX]: clusterOf } });
    this.clusters = reflect(SpaceClusters, {});
    this.#pods = reflect(Pods);
    this.#statefulSets = reflect(StatefulSets);
    this.#leases = reflect(Leases, ROLE_RECORDS);
    this.#slices = reflect(EndpointSlices);
    this.#secrets = reflect(Secrets);
    this.#configMaps = reflect(ConfigMaps);
    this.#services = reflect(Services);
    this.#nodes = reflect(Nodes, {});
    this.#announcements = reflect(ServiceL2Statuses, {});
    const others = [ServiceAccounts, Roles, RoleBindings, PodDisruptionBudgets].map((type) =>
      reflect<KubeObject>(type),
    );
    const pools = [reflect<KubeObject>(IPAddressPools), reflect<KubeObject>(L2Advertisements)];
    this.required = erased([
      this.clusters,
      this.#pods,
      this.#statefulSets,
      this.#leases,
      this.#slices,
      this.#secrets,
      this.#configMaps,
      this.#services,
      this.#nodes,
      ...others,
    ]);
    this.optional = erased([this.#announcements, ...pools]);
    this.#byType = new Map(this.#all.map((reflector) => [reflector.type.plural, reflector]));
  }

  get #all(): readonly Reflector<KubeObject>[] {
    return [...this.required, ...this.optional];
  }

  /** Before the caches run: `enqueue` gets `NAMESPACE/NAME` of every cluster that a change may concern. */
  onChange(enqueue: (key: string) => void): void {
    for (const reflector of this.#all) {
      reflector.subscribe((change) => {
        for (const key of this.#concerned(reflector, change.object)) enqueue(key);
      });
    }
  }

  view(cluster: SpaceCluster): ClusterView {
    const key = clusterKey(cluster);
    return {
      pods: this.#pods.store.byIndex(INDEX, key),
      statefulSets: this.#statefulSets.store.byIndex(INDEX, key),
      roleLeases: this.#leases.store.byIndex(INDEX, key),
      slices: this.#slices.store.byIndex(INDEX, key),
      secret: (name) => this.#secrets.store.get(cluster.metadata.namespace, name),
      configMap: (name) => this.#configMaps.store.get(cluster.metadata.namespace, name),
    };
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#services.store.get(namespace, name);
  }

  nodes(): readonly Node[] {
    return this.#nodes.store.list();
  }

  /** What MetalLB's speakers report; undefined where it has no such objects. */
  announcements(): readonly ServiceL2Status[] | undefined {
    return this.#announcements.synced ? this.#announcements.store.list() : undefined;
  }

  /** For the applier: an object that is cached need not be read. */
  lookup(
    type: ResourceType<KubeObject>,
    namespace: string | undefined,
    name: string,
  ): KubeObject | undefined {
    return this.#byType.get(type.plural)?.store.get(namespace, name);
  }

  #concerned(reflector: Reflector<KubeObject>, object: KubeObject): readonly string[] {
    if (reflector.type.kind === SpaceClusters.kind)
      return [`${object.metadata.namespace}/${object.metadata.name}`];
    if (reflector.type.kind === ServiceL2Statuses.kind) {
      const labels = object.metadata.labels ?? {};
      return this.#clusterOfService(
        labels['metallb.io/service-namespace'],
        labels['metallb.io/service-name'],
      );
    }
    // A node concerns every cluster, and beats every few minutes only: the periodic look takes it up.
    return reflector.type.kind === Nodes.kind ? [] : clusterOf(object);
  }

  #clusterOfService(namespace: string | undefined, name: string | undefined): readonly string[] {
    const service = name === undefined ? undefined : this.#services.store.get(namespace, name);
    return service === undefined ? [] : clusterOf(service);
  }
}

/** `NAMESPACE/NAME` of the cluster that an object's labels name. */
function clusterOf(object: KubeObject): readonly string[] {
  const instance = object.metadata.labels?.[INSTANCE];
  return instance === undefined ? [] : [`${object.metadata.namespace}/${instance}`];
}

export function clusterKey(cluster: SpaceCluster): string {
  return `${cluster.metadata.namespace}/${cluster.metadata.name}`;
}

/** Reflectors of several kinds in one list: run, subscribed to and read as plain objects. */
function erased(reflectors: readonly unknown[]): readonly Reflector<KubeObject>[] {
  return reflectors as readonly Reflector<KubeObject>[];
}
