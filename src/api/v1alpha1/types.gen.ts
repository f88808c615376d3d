// Generated from crds/spacecluster.dev_spaceclusters.yaml by `npm run generate`; do not edit.

export interface SpaceClusterSpec {
  readonly vip: {
    readonly address: string;
    readonly cidr: string;
    readonly managePool: boolean;
    readonly subnetCheck: 'Enforce' | 'Warn';
  };
  readonly workers: { readonly replicas: number };
  readonly mysql: {
    readonly durability: 'Preferred' | 'Required';
    readonly storage: { readonly size: string; readonly storageClassName?: string };
  };
  readonly postgresql: {
    /** Seconds. */
    readonly soloAfter: string;
    readonly storage: { readonly size: string; readonly storageClassName?: string };
  };
  readonly cassandra: {
    readonly replicas: number;
    readonly storage: { readonly size: string; readonly storageClassName?: string };
  };
  readonly failureDetection: { readonly profile: 'Auto' | 'Fast' | 'Safe' | 'Relaxed' };
  readonly antiAffinity: 'Required' | 'Preferred';
  readonly requirements: {
    readonly cpu?: string;
    readonly memory?: string;
    readonly disk?: string;
    readonly maxLatencyMs?: number;
  };
  readonly tls: { readonly secretName?: string };
  readonly images: {
    readonly mysql: string;
    readonly postgresql: string;
    readonly cassandra: string;
    readonly haproxy: string;
  };
  readonly resources: {
    readonly mysql?: ComponentResources;
    readonly postgresql?: ComponentResources;
    readonly cassandra?: ComponentResources;
    readonly loadBalancer?: ComponentResources;
    readonly worker?: ComponentResources;
    readonly agent?: ComponentResources;
  };
  readonly deletionPolicy: 'Retain' | 'Delete';
  readonly paused: boolean;
}

export interface ComponentResources {
  readonly requests?: { readonly cpu?: string; readonly memory?: string };
  readonly limits?: { readonly cpu?: string; readonly memory?: string };
}

export interface SpaceClusterStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly vip?: { readonly address?: string; readonly holder?: string; readonly node?: string; readonly epoch?: number };
  readonly mysql?: {
    readonly primary?: string;
    readonly standby?: string;
    readonly inSync?: boolean;
    readonly epoch?: number;
    readonly lastFailover?: {
      readonly at: string;
      readonly reason: string;
      readonly detectMs?: number;
      readonly promoteMs?: number;
      readonly totalMs?: number;
    };
  };
  readonly postgresql?: {
    readonly members?: readonly { readonly name: string; readonly node?: string; readonly ready: boolean; readonly role?: string }[];
    readonly links?: readonly { readonly from: string; readonly to: string; readonly state: string }[];
  };
  readonly cassandra?: {
    readonly members?: readonly { readonly name: string; readonly node?: string; readonly rack: string; readonly ready: boolean; readonly state?: string }[];
  };
  readonly workers?: {
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly selector?: string;
    readonly members?: readonly { readonly name: string; readonly node?: string; readonly ready: boolean }[];
  };
  readonly nodes?: readonly { readonly name: string; readonly status: 'UP' | 'DOWN' | 'UNKNOWN'; readonly roles: readonly string[] }[];
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}
