// Reads what preflight judges by. Only reads, and each list once: it runs again until preflight passes.
import { objectLabels } from '../../api/v1alpha1/names.ts';
import { SpaceClusters } from '../../api/v1alpha1/index.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { isNotFound } from '../../errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import {
  ConfigurationStates,
  IPAddressPools,
  L2Advertisements,
  Namespaces,
  Nodes,
  PersistentVolumeClaims,
  Pods,
  Secrets,
  ServiceCIDRs,
  Services,
  StorageClasses,
} from '../../kube/resources.ts';
import type { KubeObject, Pod, ResourceType, Secret } from '../../kube/types.ts';
import type { MetalLBFacts, PreflightFacts } from './facts.ts';

export interface PreflightSettings {
  readonly allowedCIDRs: readonly string[];
  readonly metallbNamespace: string;
}

/** @throws what KubeClient throws; a kind or object that is not there is a fact, no error */
export async function gatherPreflight(
  kube: KubeClient,
  cluster: SpaceCluster,
  settings: PreflightSettings,
  signal: AbortSignal,
): Promise<PreflightFacts> {
  const { namespace, uid } = cluster.metadata;
  const all = async <T extends KubeObject>(type: ResourceType<T>): Promise<readonly T[]> =>
    (await kube.list(type, {}, { signal })).items;
  const [space, nodes, services, ranges, storageClasses, metallb, clusters, pods, claims, tlsSecret] =
    await Promise.all([
      kube.get(Namespaces, undefined, namespace, { signal }),
      all(Nodes),
      all(Services),
      all(ServiceCIDRs),
      all(StorageClasses),
      gatherMetalLB(kube, settings.metallbNamespace, signal),
      all(SpaceClusters),
      own(kube, cluster, Pods, signal),
      own(kube, cluster, PersistentVolumeClaims, signal),
      tlsSecretOf(kube, cluster, signal),
    ]);
  return {
    cluster,
    allowedCIDRs: settings.allowedCIDRs,
    namespace: space,
    nodes,
    services,
    serviceCIDRs: ranges.flatMap(({ spec }) => spec?.cidrs ?? []),
    storageClasses,
    metallb,
    otherClusters: clusters.filter(({ metadata }) => metadata.uid !== uid),
    pods,
    claims,
    tlsSecret,
  };
}

async function gatherMetalLB(
  kube: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<MetalLBFacts> {
  const inNamespace = <T extends KubeObject>(type: ResourceType<T>): Promise<readonly T[] | undefined> =>
    whenServed(async () => (await kube.list(type, { namespace }, { signal })).items);
  const [pools, advertisements, states, speakers] = await Promise.all([
    inNamespace(IPAddressPools),
    inNamespace(L2Advertisements),
    inNamespace(ConfigurationStates),
    kube.list(Pods, { namespace }, { signal }),
  ]);
  if (pools === undefined || advertisements === undefined) return { installed: false };
  return {
    installed: true,
    namespace,
    pools,
    advertisements,
    states,
    speakers: speakers.items.filter(isSpeaker),
  };
}

/** MetalLB's plain manifests and its chart label the pods differently. */
function isSpeaker({ metadata }: Pod): boolean {
  return [metadata.labels?.['component'], metadata.labels?.['app.kubernetes.io/component']].includes(
    'speaker',
  );
}

/** Objects of this kind that carry the cluster's labels. */
async function own<T extends KubeObject>(
  kube: KubeClient,
  { metadata }: SpaceCluster,
  type: ResourceType<T>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const labelSelector = Object.entries(objectLabels(metadata.name))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return (await kube.list(type, { namespace: metadata.namespace, labelSelector }, { signal })).items;
}

async function tlsSecretOf(
  kube: KubeClient,
  { metadata, spec }: SpaceCluster,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  const name = spec.tls.secretName;
  if (name === undefined) return undefined;
  return whenServed(() => kube.get(Secrets, metadata.namespace, name, { signal }));
}

/** 404 is the API server's word for an object, and for a kind, that it does not have. */
async function whenServed<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
