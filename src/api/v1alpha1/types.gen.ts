// Generated from crds/spacecluster.dev_spaceclusters.yaml by `npm run generate`; do not edit.

/** What is wanted. Only `vip` has to be given. */
export interface SpaceClusterSpec {
  /** The Web IP, announced on the local network by MetalLB in layer 2 mode. */
  readonly vip: {
    /** The address, IPv4. */
    readonly address: string;
    /** The subnet of the nodes that carry the load balancers; the address must be inside it. */
    readonly cidr: string;
    /** Make an IPAddressPool of exactly this address and an L2Advertisement for it. Only inside the CIDRs that the operator's settings allow (chart value `vip.allowedCIDRs`). */
    readonly managePool: boolean;
    /** What to do when a node that can carry a load balancer is outside `cidr`. */
    readonly subnetCheck: 'Enforce' | 'Warn';
  };
  /** The application servers. */
  readonly workers: {
    /** How many. `kubectl scale` changes it. */
    readonly replicas: number;
  };
  /** The MySQL pair, one active and one standby. */
  readonly mysql: {
    /** Preferred: when the standby is lost the primary goes on alone. Required: writes then wait for a standby. */
    readonly durability: 'Preferred' | 'Required';
    /** The volume of each member. */
    readonly storage: StorageSpec;
  };
  /** The PostgreSQL pair, both members writable. */
  readonly postgresql: {
    /** How long a member that is not caught up waits for a dead peer before it serves alone. A whole number and `s`, `m` or `h`, from 5s to 24h. */
    readonly soloAfter: string;
    /** The volume of each member. */
    readonly storage: StorageSpec;
  };
  /** The Cassandra ring, the file store of device images. */
  readonly cassandra: {
    /** Members, spread over up to three racks. Fewer than three cannot lose a node. */
    readonly replicas: number;
    /** The volume of each member. */
    readonly storage: StorageSpec;
  };
  /** The load balancer pair. */
  readonly loadBalancer?: {
    /** The class of the Web IP's Service, where MetalLB was installed with one. Cannot be changed. */
    readonly loadBalancerClass?: string;
  };
  /** How soon a silent member is taken for dead. */
  readonly failureDetection: {
    /** Fast: 3 s. Safe: 5 s. Relaxed: 15 s. Auto: Fast, and slower when the API server answers slowly. */
    readonly profile: 'Auto' | 'Fast' | 'Safe' | 'Relaxed';
  };
  /** Must members of one part be on different nodes, or should they? */
  readonly antiAffinity: 'Required' | 'Preferred';
  /** What each node that is to carry a part must have. Not checked where not set. */
  readonly requirements: {
    /** A quantity of cores, such as "4". */
    readonly cpu?: string;
    /** A quantity of bytes, such as 16Gi. */
    readonly memory?: string;
    /** A quantity of bytes of the node's own (ephemeral) disk, such as 50Gi. */
    readonly disk?: string;
    /** The round trip between the members of a pair, milliseconds. Kept for later; nothing measures it yet. */
    readonly maxLatencyMs?: number;
  };
  /** The certificate of the Web IP. */
  readonly tls: {
    /** A Secret of type kubernetes.io/tls in the cluster's namespace. An own CA signs one when not set. */
    readonly secretName?: string;
  };
  /** The engines' images. A newer version is an upgrade; an older one is refused. */
  readonly images: {
    /** Image reference with a version tag. */
    readonly mysql: string;
    /** Image reference with a version tag. */
    readonly postgresql: string;
    /** Image reference with a version tag. */
    readonly cassandra: string;
    /** Image reference with a version tag. */
    readonly haproxy: string;
    /** The image of the fabric's own agents and workers. When not set, the one that the operator had when the cluster was made: an upgrade of the operator changes no running pod. */
    readonly spacecluster?: string;
  };
  /** Requests and limits by part, over the operator's own defaults. */
  readonly resources: {
    /** Requests and limits of one container. */
    readonly mysql?: ComponentResources;
    /** Requests and limits of one container. */
    readonly postgresql?: ComponentResources;
    /** Requests and limits of one container. */
    readonly cassandra?: ComponentResources;
    /** Requests and limits of one container. */
    readonly loadBalancer?: ComponentResources;
    /** Requests and limits of one container. */
    readonly worker?: ComponentResources;
    /** Requests and limits of one container. */
    readonly agent?: ComponentResources;
  };
  /** Retain: deleting the SpaceCluster keeps volumes, Secrets, the CA and the state record, and applying it again adopts them. Delete: all of it goes. */
  readonly deletionPolicy: 'Retain' | 'Delete';
  /** The operator leaves the cluster as it is; the parts go on, failover too. */
  readonly paused: boolean;
}

/** The volume of each member. */
export interface StorageSpec {
  /** A quantity such as 10Gi, at least 128Mi. It may grow, where the class allows it, and never shrinks. */
  readonly size: string;
  /** The class of the volumes; the cluster's default class when not set. Cannot be changed. */
  readonly storageClassName?: string;
}

/** Requests and limits of one container. */
export interface ComponentResources {
  /** Amounts of cpu and memory. */
  readonly requests?: {
    /** Cores, such as 500m. */
    readonly cpu?: string;
    /** Bytes, such as 1Gi. */
    readonly memory?: string;
  };
  /** Amounts of cpu and memory. */
  readonly limits?: {
    /** Cores, such as 500m. */
    readonly cpu?: string;
    /** Bytes, such as 1Gi. */
    readonly memory?: string;
  };
}

/** What was found. Written by the operator. */
export interface SpaceClusterStatus {
  /** The generation of the spec that the conditions speak of; -1 until the operator has seen the object. */
  readonly observedGeneration: number;
  readonly conditions?: readonly Condition[];
  readonly vip?: {
    /** The address that is announced. */
    readonly address?: string;
    /** Pod that holds the role. */
    readonly holder?: string;
    /** Node that the pod is on. */
    readonly node?: string;
    /** Raised by every hand-over. */
    readonly epoch?: number;
  };
  readonly mysql?: {
    /** Pod of the writable member. */
    readonly primary?: string;
    /** Pod of the other member. */
    readonly standby?: string;
    /** Does the standby hold every acknowledged commit? */
    readonly inSync?: boolean;
    /** Raised by every hand-over. */
    readonly epoch?: number;
    /** The last hand-over, by failure or on request. */
    readonly lastFailover?: {
      readonly at: string;
      readonly reason: string;
      /** Pod that held the role before. */
      readonly from?: string;
      /** Pod that took it. */
      readonly to?: string;
      /** Milliseconds since the last sign of life of a holder that died, or since the role was given up. */
      readonly detectMs?: number;
      /** Milliseconds from taking the role to opening mysqld. */
      readonly promoteMs?: number;
      /** Milliseconds from opening mysqld to being the endpoint of NAME-mysql-rw. */
      readonly routeMs?: number;
      /** The sum, milliseconds. */
      readonly totalMs?: number;
    };
  };
  readonly postgresql?: {
    readonly members?: readonly {
      /** Pod that holds the role. */
      readonly name: string;
      /** Node that the pod is on. */
      readonly node?: string;
      readonly ready: boolean;
      readonly role?: string;
    }[];
    /** The replication links, one each way. */
    readonly links?: readonly {
      /** Pod that sends. */
      readonly from: string;
      /** Pod that applies. */
      readonly to: string;
      readonly state: string;
      /** The last comparison of all rows over this link. */
      readonly lastAudit?: {
        readonly at: string;
        readonly tables: number;
        /** Rows of the sender that were compared with those of the receiver. */
        readonly rows: number;
        /** Of those, rows that were missing, older or different at the receiver. */
        readonly differing: number;
        /** Of those, rows that were brought in line. */
        readonly repaired: number;
        /** Of those, rows that still are behind. */
        readonly left: number;
        /** How long it took. */
        readonly seconds: number;
      };
    }[];
  };
  readonly cassandra?: {
    readonly members?: readonly {
      /** Pod that holds the role. */
      readonly name: string;
      /** Node that the pod is on. */
      readonly node?: string;
      readonly rack: string;
      readonly ready: boolean;
      readonly state?: string;
      /** When its weekly repair is due. Absent while a repair that was asked for is still to be done. */
      readonly nextRepair?: string;
    }[];
  };
  readonly workers?: {
    /** Worker pods that exist. */
    readonly replicas?: number;
    readonly readyReplicas?: number;
    /** Label selector of the worker pods, for the scale subresource. */
    readonly selector?: string;
    readonly members?: readonly {
      /** Pod that holds the role. */
      readonly name: string;
      /** Node that the pod is on. */
      readonly node?: string;
      readonly ready: boolean;
    }[];
  };
  /** The Kubernetes nodes that carry parts of this cluster. */
  readonly nodes?: readonly {
    /** Node. */
    readonly name: string;
    readonly status: 'UP' | 'DOWN' | 'UNKNOWN';
    readonly roles: readonly string[];
  }[];
}

/** One statement about the cluster, in the Kubernetes form. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
  /** When `status` last changed. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}
