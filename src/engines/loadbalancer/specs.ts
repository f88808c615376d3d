// Pure: every Kubernetes object of the load-balancer pair.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { memberTlsSecret, names, podName, PORTS, workloadName } from '../../api/v1alpha1/names.ts';
import type {
  Affinity,
  Container,
  KubeObject,
  PodSpec,
  PolicyRule,
  Service,
  ServicePort,
} from '../../kube/types.ts';
import type { SpecInput } from '../engine.ts';
import { configMap, disruptionBudget, ownedMeta, podService, serviceAccount } from '../shared/objects.ts';
import {
  agentContainer,
  resources,
  restricted,
  RUN_DIR,
  spread,
  statefulSet,
  TOKEN_VOLUME,
} from '../shared/pods.ts';
import { emptySlice, heartbeatLease, roleLease } from '../shared/presets.ts';
import { CONTAINER_PORTS, PATHS, staticConfig } from './config.ts';
import { poolName } from './metallb.ts';
import { SUPERVISOR_SCRIPT } from './supervisor-script.ts';

/** User and group of the official image. */
const HAPROXY_UID = 99;

/** An active balancer and a hot standby; more would take no traffic. */
const REPLICAS = 2;

/** Seconds. Enough for the hand-over, and for HAProxy to end what is under way (`hard-stop-after`). */
const GRACE_S = 30;

const SERVICE_PORTS = [
  { name: 'https', port: PORTS.https, target: CONTAINER_PORTS.https },
  { name: 'call-home', port: PORTS.netconfCallHome, target: CONTAINER_PORTS.netconfCallHome },
  { name: 'device-init', port: PORTS.deviceInitiated, target: CONTAINER_PORTS.deviceInitiated },
] as const;

export function memberNames(cluster: SpaceCluster): readonly string[] {
  return Array.from({ length: REPLICAS }, (_, i) => podName(cluster.metadata.name, 'loadbalancer', i));
}

export function specs(input: SpecInput): readonly KubeObject[] {
  const { cluster } = input;
  const { name } = cluster.metadata;
  const workload = workloadName(name, 'loadbalancer');
  return [
    configMap(cluster, workload, 'loadbalancer', {
      'haproxy.cfg': staticConfig(),
      'supervisor.sh': SUPERVISOR_SCRIPT,
    }),
    podService(
      cluster,
      workload,
      'loadbalancer',
      [
        { name: 'status', port: CONTAINER_PORTS.status, protocol: 'TCP' },
        { name: 'agent', port: PORTS.agent, protocol: 'TCP' },
      ],
      { headless: true, publishNotReadyAddresses: true },
    ),
    vipService(cluster),
    disruptionBudget(cluster, 'loadbalancer'),
    ...serviceAccount(cluster, 'loadbalancer', agentRules(cluster)),
    statefulSet(cluster, 'loadbalancer', { replicas: REPLICAS, serviceName: workload, pod: pod(input) }),
  ];
}

/** Created once, then the agents' own: heartbeats, the role's record, the slice that the Web IP follows. */
export function presets(cluster: SpaceCluster): readonly KubeObject[] {
  const { services, roleLeases } = names(cluster.metadata.name);
  return [
    ...memberNames(cluster).map((pod) => heartbeatLease(cluster, 'loadbalancer', pod)),
    roleLease(cluster, 'loadbalancer', roleLeases.vip, 'vip'),
    emptySlice(
      cluster,
      'loadbalancer',
      services.vip,
      SERVICE_PORTS.map(({ name, target }) => ({ name, port: target })),
    ),
  ];
}

/** No selector: its endpoint is written by the role's holder, and the address follows the endpoint's node. */
function vipService(cluster: SpaceCluster): Service {
  const { address, managePool } = cluster.spec.vip;
  const loadBalancerClass = cluster.spec.loadBalancer?.loadBalancerClass;
  const ports: readonly ServicePort[] = SERVICE_PORTS.map(({ name, port, target }) => ({
    name,
    port,
    targetPort: target,
    protocol: 'TCP',
  }));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMeta(cluster, names(cluster.metadata.name).services.vip, 'loadbalancer', {
      'metallb.io/loadBalancerIPs': address,
      ...(managePool ? { 'metallb.io/address-pool': poolName(cluster) } : {}),
    }),
    spec: {
      type: 'LoadBalancer',
      // Announced only from the node of the endpoint that leads, without a second hop, and with the client's own address.
      externalTrafficPolicy: 'Local',
      allocateLoadBalancerNodePorts: false,
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
      ports,
    },
  };
}

function agentRules(cluster: SpaceCluster): readonly PolicyRule[] {
  const { services, roleLeases } = names(cluster.metadata.name);
  return [
    // One watch over all Leases of the cluster: its order is what a verdict rests on.
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'list', 'watch'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [...memberNames(cluster), roleLeases.vip],
      verbs: ['update'],
    },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
    {
      apiGroups: ['discovery.k8s.io'],
      resources: ['endpointslices'],
      resourceNames: [services.vip],
      verbs: ['update'],
    },
    {
      apiGroups: ['spacecluster.dev'],
      resources: ['spaceclusters'],
      resourceNames: [cluster.metadata.name],
      verbs: ['get', 'list', 'watch'],
    },
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  ];
}

/** MetalLB announces nothing from nodes with this label, so a balancer there could never hold the Web IP. */
const ANNOUNCING_NODES: NonNullable<Affinity['nodeAffinity']> = {
  requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: [
      {
        matchExpressions: [
          { key: 'node.kubernetes.io/exclude-from-external-load-balancers', operator: 'DoesNotExist' },
        ],
      },
    ],
  },
};

function pod(input: SpecInput): PodSpec {
  const { cluster } = input;
  const { name } = cluster.metadata;
  return {
    serviceAccountName: workloadName(name, 'loadbalancer'),
    affinity: { ...spread(cluster, 'loadbalancer'), nodeAffinity: ANNOUNCING_NODES },
    terminationGracePeriodSeconds: GRACE_S,
    // The socket and the certificates are shared through HAProxy's group.
    securityContext: { fsGroup: HAPROXY_UID, fsGroupChangePolicy: 'OnRootMismatch' },
    initContainers: [agent(input)],
    containers: [haproxy(cluster)],
    volumes: [
      { name: 'run', emptyDir: {} },
      { name: 'config', configMap: { name: workloadName(name, 'loadbalancer') } },
      { name: 'web-tls', secret: { secretName: names(name).secrets.tls, defaultMode: 0o440 } },
      {
        name: 'member-tls',
        secret: { secretName: memberTlsSecret(name, 'loadbalancer'), defaultMode: 0o440 },
      },
      TOKEN_VOLUME,
    ],
  };
}

const SHARED_MOUNTS = [
  { name: 'run', mountPath: RUN_DIR },
  { name: 'web-tls', mountPath: PATHS.webTls, readOnly: true },
  { name: 'member-tls', mountPath: PATHS.memberTls, readOnly: true },
] as const;

function haproxy(cluster: SpaceCluster): Container {
  return {
    name: 'haproxy',
    image: cluster.spec.images.haproxy,
    imagePullPolicy: 'IfNotPresent',
    command: ['/bin/bash', `${PATHS.config}/supervisor.sh`],
    ports: [
      ...SERVICE_PORTS.map(({ name, target }) => ({ name, containerPort: target, protocol: 'TCP' })),
      { name: 'status', containerPort: CONTAINER_PORTS.status, protocol: 'TCP' },
    ],
    // The supervisor is far quicker to mend HAProxy; this is for a supervisor that hangs. The role has been given up long before:
    // a balancer that wakes meanwhile must not go on ending, politely and of no use, for half a minute.
    livenessProbe: {
      httpGet: { path: '/healthz', port: CONTAINER_PORTS.status },
      periodSeconds: 5,
      timeoutSeconds: 2,
      failureThreshold: 6,
      terminationGracePeriodSeconds: 1,
    },
    lifecycle: { preStop: { exec: { command: ['/bin/bash', '-c', HAND_OVER] } } },
    securityContext: { ...restricted(HAPROXY_UID), runAsGroup: HAPROXY_UID },
    resources: resources(cluster.spec.resources.loadBalancer, {
      requests: { cpu: '50m', memory: '64Mi' },
    }),
    volumeMounts: [...SHARED_MOUNTS, { name: 'config', mountPath: PATHS.config, readOnly: true }],
  };
}

/** Asks the agent to give the Web IP away and waits until it has; the image has no HTTP client but bash. */
const HAND_OVER = `exec 3<>/dev/tcp/127.0.0.1/${PORTS.agent} || exit 0
printf 'POST /handover HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n' >&3
timeout 15 cat <&3 >/dev/null`;

function agent(input: SpecInput): Container {
  const probe = (path: string): { readonly path: string; readonly port: number } => ({
    path,
    port: PORTS.agent,
  });
  return {
    ...agentContainer(input, 'loadbalancer', { mounts: SHARED_MOUNTS }),
    // HAProxy starts after the file with the workers is there.
    startupProbe: { httpGet: probe('/healthz'), periodSeconds: 1, failureThreshold: 300 },
    livenessProbe: { httpGet: probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    // The pod's readiness: HAProxy has its configuration and serves. Nothing is routed by it.
    readinessProbe: { httpGet: probe('/readyz'), periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
  };
}
