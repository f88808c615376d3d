// Pure: every Kubernetes object of the workers.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import {
  memberTlsSecret,
  names,
  podName,
  PORTS,
  selectorLabels,
  workloadName,
} from '../../api/v1alpha1/names.ts';
import type {
  Affinity,
  Container,
  KubeObject,
  Lease,
  PodSpec,
  PolicyRule,
  Volume,
} from '../../kube/types.ts';
import type { SpecInput } from '../engine.ts';
import { disruptionBudget, podService, serviceAccount } from '../shared/objects.ts';
import {
  AGENT_UID,
  identityEnv,
  resources,
  restricted,
  statefulSet,
  TOKEN_MOUNT,
  TOKEN_VOLUME,
} from '../shared/pods.ts';
import { heartbeatLease } from '../shared/presets.ts';

/** The worker reads its Secrets from sub-folders of this one (src/worker/settings.ts). */
const SECRETS_DIR = '/etc/spacecluster/secrets';
/** Draining the balancers' requests takes a few seconds; the rest is for requests under way. */
const GRACE_SECONDS = 30;

export function specs(input: SpecInput): readonly KubeObject[] {
  const { cluster } = input;
  const { name } = cluster.metadata;
  const { workers } = names(name).services;
  return [
    ...serviceAccount(cluster, 'worker', rules(cluster)),
    podService(cluster, workers, 'worker', [{ name: 'https', port: PORTS.worker, protocol: 'TCP' }], {
      headless: true,
      // The balancers ask each worker themselves whether it is ready.
      publishNotReadyAddresses: true,
    }),
    disruptionBudget(cluster, 'worker'),
    statefulSet(cluster, 'worker', {
      replicas: cluster.spec.workers.replicas,
      serviceName: workers,
      pod: pod(input),
    }),
  ];
}

/** A heartbeat for each worker; those of workers that were scaled away stay, empty. */
export function presets(cluster: SpaceCluster): readonly Lease[] {
  return workerPods(cluster).map((pod) => heartbeatLease(cluster, 'worker', pod));
}

export function workerPods(cluster: SpaceCluster): readonly string[] {
  return Array.from({ length: cluster.spec.workers.replicas }, (_, ordinal) =>
    podName(cluster.metadata.name, 'worker', ordinal),
  );
}

/** Reads of the fabric; writes to the workers' own heartbeats only. */
function rules(cluster: SpaceCluster): readonly PolicyRule[] {
  return [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'list', 'watch'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: workerPods(cluster),
      verbs: ['update'],
    },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
    {
      apiGroups: ['spacecluster.dev'],
      resources: ['spaceclusters'],
      verbs: ['get', 'list', 'watch'],
    },
  ];
}

function pod(input: SpecInput): PodSpec {
  const { cluster } = input;
  return {
    serviceAccountName: workloadName(cluster.metadata.name, 'worker'),
    affinity: preferSpread(cluster),
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: { fsGroup: AGENT_UID, fsGroupChangePolicy: 'OnRootMismatch' },
    containers: [container(input)],
    volumes: [secretsVolume(cluster), { name: 'tmp', emptyDir: {} }, TOKEN_VOLUME],
  };
}

/** Never required: there may be more workers than nodes. */
function preferSpread(cluster: SpaceCluster): Affinity {
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: { matchLabels: selectorLabels(cluster.metadata.name, 'worker') },
          },
        },
      ],
    },
  };
}

function container({ cluster, productImage }: SpecInput): Container {
  const probe = (path: string) => ({ path, port: PORTS.agent });
  return {
    name: 'worker',
    image: productImage,
    imagePullPolicy: 'IfNotPresent',
    args: ['worker'],
    env: [
      ...identityEnv(cluster),
      { name: 'SPC_SECRETS_DIR', value: SECRETS_DIR },
      // A password hash takes 19 MiB for a moment; in the C library's arenas four of them would stay for good.
      { name: 'MALLOC_MMAP_THRESHOLD_', value: '1048576' },
    ],
    ports: [
      { name: 'https', containerPort: PORTS.worker, protocol: 'TCP' },
      { name: 'health', containerPort: PORTS.agent, protocol: 'TCP' },
    ],
    readinessProbe: { httpGet: probe('/readyz'), periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
    // Generous: it shows a stuck event loop, and nothing else is mended by a restart.
    livenessProbe: {
      httpGet: probe('/healthz'),
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    securityContext: restricted(AGENT_UID),
    resources: resources(cluster.spec.resources.worker, { requests: { cpu: '100m', memory: '160Mi' } }),
    volumeMounts: [
      { name: 'secrets', mountPath: SECRETS_DIR, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
      TOKEN_MOUNT,
    ],
  };
}

/** One folder a Secret, and of each only the keys that the worker needs. */
function secretsVolume(cluster: SpaceCluster): Volume {
  const { name } = cluster.metadata;
  const { secrets } = names(name);
  const folder = (
    secret: string,
    path: string,
    keys: readonly string[],
  ): NonNullable<NonNullable<Volume['projected']>['sources']>[number] => ({
    secret: { name: secret, items: keys.map((key) => ({ key, path: `${path}/${key}` })) },
  });
  return {
    name: 'secrets',
    projected: {
      defaultMode: 0o440,
      sources: [
        folder(secrets.mysql, 'mysql', ['username', 'password', 'database']),
        folder(secrets.postgresql, 'postgresql', ['username', 'password', 'database']),
        folder(secrets.cassandra, 'cassandra', ['username', 'password', 'keyspace']),
        folder(secrets.admin, 'admin', ['username', 'password']),
        folder(secrets.internal, 'session', ['session-key']),
        folder(memberTlsSecret(name, 'worker'), 'tls', ['ca.crt', 'tls.crt', 'tls.key']),
      ],
    },
  };
}
