// What preflight judges by: everything it wants to know of the Kubernetes cluster, read once and then plain data.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import type {
  ConfigurationState,
  IPAddressPool,
  L2Advertisement,
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  Secret,
  Service,
  StorageClass,
} from '../../kube/types.ts';

export interface PreflightFacts {
  readonly cluster: SpaceCluster;
  /** Networks inside which `vip.managePool` is allowed (a setting of the operator). */
  readonly allowedCIDRs: readonly string[];
  /** The namespace that the SpaceCluster is in. */
  readonly namespace: Namespace;
  readonly nodes: readonly Node[];
  /** Of all namespaces. */
  readonly services: readonly Service[];
  /** The ranges that Services get their cluster IPs from. */
  readonly serviceCIDRs: readonly string[];
  readonly storageClasses: readonly StorageClass[];
  readonly metallb: MetalLBFacts;
  /** All other SpaceClusters, of all namespaces. */
  readonly otherClusters: readonly SpaceCluster[];
  /** This cluster's own pods: what runs already. Empty before the first start. */
  readonly pods: readonly Pod[];
  /** This cluster's own claims, an earlier life's included. */
  readonly claims: readonly PersistentVolumeClaim[];
  /** The Secret that `tls.secretName` names; undefined when it names none, or when there is no such Secret. */
  readonly tlsSecret: Secret | undefined;
}

export type MetalLBFacts =
  | { readonly installed: false }
  | {
      readonly installed: true;
      readonly namespace: string;
      readonly pools: readonly IPAddressPool[];
      readonly advertisements: readonly L2Advertisement[];
      /** One per component; undefined where this version of MetalLB has none (before 0.15.3). */
      readonly states: readonly ConfigurationState[] | undefined;
      readonly speakers: readonly Pod[];
    };
