// Pure builders of pods: restricted security, anti-affinity inside a part, the agent as a native sidecar, the StatefulSet.
import type { ComponentResources, SpaceCluster } from '../../api/v1alpha1/index.ts';
import { ANNOTATIONS, PORTS, selectorLabels, workloadName } from '../../api/v1alpha1/names.ts';
import type { Component } from '../../api/v1alpha1/names.ts';
import type {
  Affinity,
  Container,
  EnvVar,
  PersistentVolumeClaim,
  PodSpec,
  StatefulSet,
  Volume,
  VolumeMount,
} from '../../kube/types.ts';
import type { SpecInput } from '../engine.ts';
import { askedOf } from './asked.ts';
import { ownedMeta } from './objects.ts';

/** The agent's UID: its own, so that it can neither read nor signal the engine's processes. */
export const AGENT_UID = 65532;

/** Directory shared by an engine and its agent: sockets, the deadline file. Group-writable through fsGroup. */
export const RUN_DIR = '/run/spacecluster';

/** Where the pod's API token is mounted, in the agent's (or worker's) container only. */
const TOKEN_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A container under the `restricted` Pod Security Standard. */
export function restricted(uid: number): NonNullable<Container['securityContext']> {
  return {
    runAsUser: uid,
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** Members of one part on different nodes; `Preferred` only when the user says so. */
export function spread(cluster: SpaceCluster, component: Component): Affinity {
  const term = {
    topologyKey: 'kubernetes.io/hostname',
    labelSelector: { matchLabels: selectorLabels(cluster.metadata.name, component) },
  };
  return cluster.spec.antiAffinity === 'Required'
    ? { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    : {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
        },
      };
}

/** The pod's own identity, by the downward API. `src/agent/identity.ts` reads it. */
export function identityEnv(cluster: SpaceCluster): readonly EnvVar[] {
  const field = (name: string, fieldPath: string): EnvVar => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  return [
    field('POD_NAME', 'metadata.name'),
    field('POD_UID', 'metadata.uid'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    field('POD_IP', 'status.podIP'),
    field('NODE_NAME', 'spec.nodeName'),
    { name: 'SPACECLUSTER', value: cluster.metadata.name },
  ];
}

/** The projected API token: mounted only where it is needed, so that an engine's container has none (L3). */
export const TOKEN_VOLUME: Volume = {
  name: 'token',
  projected: {
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    ],
  },
};

export const TOKEN_MOUNT: VolumeMount = { name: 'token', mountPath: TOKEN_DIR, readOnly: true };

/**
 * Keeps an agent small (4 MB less): its little JavaScript is interpreted, its young heap is small, the garbage collector needs
 * no helper threads and may be called (src/runtime/memory.ts), the C library has no heap for each thread.
 */
const SMALL: readonly EnvVar[] = [
  { name: 'NODE_OPTIONS', value: '--jitless --v8-pool-size=0 --max-semi-space-size=1 --expose-gc' },
  { name: 'MALLOC_ARENA_MAX', value: '1' },
];

/** The agent, as a native sidecar (an init container that keeps running; KEP-753): it starts before and ends after the engine. */
export function agentContainer(
  input: SpecInput,
  engine: 'mysql' | 'postgresql' | 'loadbalancer',
  options: { readonly mounts: readonly VolumeMount[]; readonly env?: readonly EnvVar[] },
): Container {
  return {
    name: 'agent',
    image: input.productImage,
    imagePullPolicy: 'IfNotPresent',
    restartPolicy: 'Always',
    args: ['agent', engine],
    env: [...identityEnv(input.cluster), ...SMALL, ...(options.env ?? [])],
    ports: [{ name: 'agent', containerPort: PORTS.agent, protocol: 'TCP' }],
    securityContext: restricted(AGENT_UID),
    // Far more than it uses: on a busy node a failover must not wait for its share of the processor.
    resources: resources(input.cluster.spec.resources.agent, { requests: { cpu: '100m', memory: '72Mi' } }),
    volumeMounts: [...options.mounts, TOKEN_MOUNT],
  };
}

/** The user's word on resources, over a default. */
export function resources(
  asked: ComponentResources | undefined,
  fallback: ComponentResources,
): NonNullable<Container['resources']> {
  const requests = { ...fallback.requests, ...asked?.requests };
  const limits = { ...fallback.limits, ...asked?.limits };
  return {
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
}

export interface StatefulSetOptions {
  readonly name?: string;
  readonly replicas: number;
  /** Headless Service that gives the pods their DNS names. */
  readonly serviceName: string;
  readonly pod: PodSpec;
  readonly claims?: readonly PersistentVolumeClaim[];
  /** Extra labels on the pods (the Cassandra rack). They become part of the selector. */
  readonly podLabels?: Readonly<Record<string, string>>;
}

/**
 * A part's StatefulSet: all pods at once (OrderedReady deadlocks on a full restart), restarted by the operator only
 * (OnDelete; in which order: renewal.ts), volumes kept.
 */
export function statefulSet(
  cluster: SpaceCluster,
  component: Component,
  options: StatefulSetOptions,
): StatefulSet {
  const name = options.name ?? workloadName(cluster.metadata.name, component);
  const labels = { ...selectorLabels(cluster.metadata.name, component), ...options.podLabels };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMeta(cluster, name, component),
    spec: {
      replicas: options.replicas,
      serviceName: options.serviceName,
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'OnDelete' },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels: { ...labels, 'app.kubernetes.io/managed-by': 'spacecluster' },
          annotations: { [ANNOTATIONS.asked]: askedOf(cluster, component, options.pod) },
        },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...options.pod,
        },
      },
      ...(options.claims === undefined ? {} : { volumeClaimTemplates: options.claims }),
    },
  };
}
