// Every Kubernetes object of the PostgreSQL pair (pure).
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { memberTlsSecret, names, podName, PORTS, workloadName } from '../../api/v1alpha1/names.ts';
import type {
  Container,
  KubeObject,
  PodSpec,
  PolicyRule,
  ServicePort,
  Volume,
  VolumeMount,
} from '../../kube/types.ts';
import type { SpecInput } from '../engine.ts';
import {
  configMap,
  disruptionBudget,
  podService,
  routedService,
  serviceAccount,
  volumeClaim,
} from '../shared/objects.ts';
import {
  agentContainer,
  resources,
  restricted,
  RUN_DIR,
  spread,
  statefulSet,
  TOKEN_VOLUME,
} from '../shared/pods.ts';
import { emptySlice, heartbeatLease } from '../shared/presets.ts';
import { passwd, pgHba, pgIdent, postgresqlConf } from './config.ts';
import { membersService, memberService, ORDINALS, pairRecord, PATHS, POSTGRES_UID } from './names.ts';
import { firstRecord } from './record.ts';
import { startScript, stopScript } from './scripts.ts';

const PORT: ServicePort = { name: 'postgresql', port: PORTS.postgresql, protocol: 'TCP' };

/** Seconds for the agent to withdraw the member and for a fast shutdown to send what the peer lacks. */
const GRACE_SECONDS = 60;

export function specs(input: SpecInput): readonly KubeObject[] {
  const { cluster } = input;
  const name = cluster.metadata.name;
  return [
    configMap(cluster, configName(name), 'postgresql', {
      'postgresql.conf': postgresqlConf(cluster),
      'pg_hba.conf': pgHba(),
      'pg_ident.conf': pgIdent(cluster),
      passwd: passwd(),
      'start.sh': startScript(),
      'stop.sh': stopScript(),
    }),
    ...serviceAccount(cluster, 'postgresql', agentRights(name)),
    podService(cluster, membersService(name), 'postgresql', [{ ...PORT, targetPort: 'postgresql' }], {
      headless: true,
      publishNotReadyAddresses: true,
    }),
    ...services(name).map((service) => routedService(cluster, service, 'postgresql', [PORT])),
    disruptionBudget(cluster, 'postgresql'),
    statefulSet(cluster, 'postgresql', {
      replicas: ORDINALS.length,
      serviceName: membersService(name),
      pod: pod(input),
      claims: [volumeClaim(cluster, 'postgresql', cluster.spec.postgresql.storage)],
    }),
  ];
}

/** Heartbeats, the pair's record, and the slices of the Services. The record of an earlier life is taken up (R3). */
export function presets(
  cluster: SpaceCluster,
  state: Readonly<Record<string, string>>,
): readonly KubeObject[] {
  const name = cluster.metadata.name;
  return [
    ...ORDINALS.map((ordinal) => heartbeatLease(cluster, 'postgresql', podName(name, 'postgresql', ordinal))),
    firstRecord(cluster, state),
    ...services(name).map((service) =>
      emptySlice(cluster, 'postgresql', service, [{ name: PORT.name ?? '', port: PORT.port }]),
    ),
  ];
}

function configName(cluster: string): string {
  return `${workloadName(cluster, 'postgresql')}-config`;
}

function services(cluster: string): readonly string[] {
  return [names(cluster).services.postgresql, ...ORDINALS.map((ordinal) => memberService(cluster, ordinal))];
}

/** L3: writes only to what the pair owns, by name; reads what the dead-rule and the routing need. */
function agentRights(cluster: string): readonly PolicyRule[] {
  const pods = ORDINALS.map((ordinal) => podName(cluster, 'postgresql', ordinal));
  return [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'list', 'watch'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [...pods, pairRecord(cluster)],
      verbs: ['update'],
    },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
    {
      apiGroups: ['discovery.k8s.io'],
      resources: ['endpointslices'],
      resourceNames: services(cluster),
      verbs: ['update', 'patch'],
    },
    {
      apiGroups: ['spacecluster.dev'],
      resources: ['spaceclusters'],
      verbs: ['get', 'list', 'watch'],
    },
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  ];
}

const RUN: VolumeMount = { name: 'run', mountPath: RUN_DIR };
const CONFIG: VolumeMount = { name: 'config', mountPath: PATHS.config, readOnly: true };
const TLS: VolumeMount = { name: 'tls', mountPath: PATHS.tls, readOnly: true };

function pod(input: SpecInput): PodSpec {
  const { cluster } = input;
  const name = cluster.metadata.name;
  return {
    serviceAccountName: workloadName(name, 'postgresql'),
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      fsGroup: POSTGRES_UID,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    affinity: spread(cluster, 'postgresql'),
    initContainers: [
      agentContainer(input, 'postgresql', {
        mounts: [RUN, CONFIG, TLS, { name: 'credentials', mountPath: PATHS.credentials, readOnly: true }],
      }),
    ],
    containers: [server(cluster)],
    volumes: volumes(name),
  };
}

function server(cluster: SpaceCluster): Container {
  return {
    name: 'postgresql',
    image: cluster.spec.images.postgresql,
    imagePullPolicy: 'IfNotPresent',
    command: ['/bin/bash', `${PATHS.config}/start.sh`],
    ports: [{ name: 'postgresql', containerPort: PORTS.postgresql, protocol: 'TCP' }],
    securityContext: { ...restricted(POSTGRES_UID), runAsGroup: POSTGRES_UID },
    resources: resources(cluster.spec.resources.postgresql, { requests: { cpu: '100m', memory: '256Mi' } }),
    // Ready = in step and serving, which the agent knows. No liveness probe: a restart never mends a database that is busy.
    readinessProbe: {
      httpGet: { path: '/readyz', port: PORTS.agent },
      periodSeconds: 2,
      failureThreshold: 1,
      timeoutSeconds: 2,
    },
    lifecycle: { preStop: { exec: { command: ['/bin/bash', `${PATHS.config}/stop.sh`] } } },
    volumeMounts: [
      { name: 'data', mountPath: PATHS.volume },
      RUN,
      CONFIG,
      TLS,
      // Peer authentication asks for the name of the agent's UID.
      { name: 'config', mountPath: '/etc/passwd', subPath: 'passwd', readOnly: true },
    ],
  };
}

function volumes(cluster: string): readonly Volume[] {
  // Readable by the group: the server and the agent share it, and libpq takes a key of root's that the group may read.
  const secretMode = 0o440;
  return [
    { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    { name: 'config', configMap: { name: configName(cluster), defaultMode: 0o444 } },
    { name: 'tls', secret: { secretName: memberTlsSecret(cluster, 'postgresql'), defaultMode: secretMode } },
    {
      name: 'credentials',
      secret: {
        secretName: names(cluster).secrets.postgresql,
        defaultMode: secretMode,
        items: [{ key: 'password', path: 'password' }],
      },
    },
    TOKEN_VOLUME,
  ];
}
