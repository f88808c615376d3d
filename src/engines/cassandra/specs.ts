// Pure: every Kubernetes object of the ring.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { cassandraRackName, memberTlsSecret, names, PORTS, workloadName } from '../../api/v1alpha1/names.ts';
import type { Container, EnvVar, KubeObject, PodSpec, StatefulSet, Volume } from '../../kube/types.ts';
import type { SpecInput } from '../engine.ts';
import { configMap, disruptionBudget, podService, volumeClaim } from '../shared/objects.ts';
import { resources, restricted, spread, statefulSet } from '../shared/pods.ts';
import { cassandraYaml, CONF_DIR, DATA_DIR, STORAGE_PORT } from './config.ts';
import { DEFAULT_MEMORY, heapMebibytes } from './heap.ts';
import { memberCount, members, racks, rackSize } from './members.ts';
import { STATE_KEY } from './record.ts';
import { CONFIG_MOUNT, JOINED_PROBE, START_SCRIPT, STATE_MOUNT, TLS_MOUNT } from './start-script.ts';
import { TEND_SCRIPT } from './tend-script.ts';

/** User and group of the official image. */
const CASSANDRA_UID = 999;
const RACK_LABEL = 'spacecluster.dev/rack';
const LOG_DIR = '/var/log/cassandra';
/** A start may take as long as streaming its data does: never given up. */
const NEVER = 2_147_483_647;

export function specs({ cluster }: SpecInput): readonly KubeObject[] {
  const { name } = cluster.metadata;
  const count = memberCount(cluster);
  const cql = { name: 'cql', port: PORTS.cassandra, protocol: 'TCP' };
  return [
    configMap(cluster, workloadName(name, 'cassandra'), 'cassandra', {
      'start.sh': START_SCRIPT,
      'tend.sh': TEND_SCRIPT,
      'cassandra.yaml': cassandraYaml(cluster),
      // Not in the pod template: adding a member must not make the others look outdated.
      members: `${members(name, count)
        .map((member) => member.pod)
        .join('\n')}\n`,
    }),
    podService(cluster, names(name).services.cassandra, 'cassandra', [cql]),
    podService(
      cluster,
      names(name).services.cassandraMembers,
      'cassandra',
      [cql, { name: 'storage', port: STORAGE_PORT, protocol: 'TCP' }],
      { headless: true, publishNotReadyAddresses: true },
    ),
    disruptionBudget(cluster, 'cassandra'),
    ...racks(count).map((rack) => rackSet(cluster, rack, rackSize(count, rack))),
  ];
}

function rackSet(cluster: SpaceCluster, rack: string, replicas: number): StatefulSet {
  const { name } = cluster.metadata;
  return statefulSet(cluster, 'cassandra', {
    name: cassandraRackName(name, rack),
    replicas,
    serviceName: names(name).services.cassandraMembers,
    podLabels: { [RACK_LABEL]: rack },
    pod: pod(cluster, rack),
    claims: [volumeClaim(cluster, 'cassandra', cluster.spec.cassandra.storage)],
  });
}

function pod(cluster: SpaceCluster, rack: string): PodSpec {
  return {
    affinity: spread(cluster, 'cassandra'),
    terminationGracePeriodSeconds: 120,
    securityContext: { fsGroup: CASSANDRA_UID, fsGroupChangePolicy: 'OnRootMismatch' },
    containers: [container(cluster, rack)],
    volumes: volumes(cluster),
  };
}

function container(cluster: SpaceCluster, rack: string): Container {
  const asked = cluster.spec.resources.cassandra;
  return {
    name: 'cassandra',
    image: cluster.spec.images.cassandra,
    imagePullPolicy: 'IfNotPresent',
    command: ['/bin/bash', `${CONFIG_MOUNT}/start.sh`],
    env: environment(cluster, rack),
    ports: [
      { name: 'cql', containerPort: PORTS.cassandra, protocol: 'TCP' },
      { name: 'storage', containerPort: STORAGE_PORT, protocol: 'TCP' },
    ],
    startupProbe: {
      exec: { command: ['/bin/bash', '-c', JOINED_PROBE] },
      periodSeconds: 2,
      timeoutSeconds: 2,
      failureThreshold: NEVER,
    },
    // No liveness probe: a slow database is not mended by killing it. The port closes by itself when the member drains,
    // leaves or fails.
    readinessProbe: {
      tcpSocket: { port: PORTS.cassandra },
      periodSeconds: 5,
      timeoutSeconds: 2,
      failureThreshold: 2,
    },
    // Writes what is in memory to disk and tells the peers and clients before the process goes.
    lifecycle: { preStop: { exec: { command: ['/bin/bash', '-c', 'nodetool drain || true'] } } },
    securityContext: restricted(CASSANDRA_UID),
    resources: resources(asked, { requests: { cpu: '250m', memory: DEFAULT_MEMORY } }),
    volumeMounts: [
      { name: 'data', mountPath: DATA_DIR },
      { name: 'conf', mountPath: CONF_DIR },
      { name: 'log', mountPath: LOG_DIR },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'config', mountPath: CONFIG_MOUNT, readOnly: true },
      { name: 'state', mountPath: STATE_MOUNT, readOnly: true },
      { name: 'tls', mountPath: TLS_MOUNT, readOnly: true },
    ],
  };
}

function environment(cluster: SpaceCluster, rack: string): readonly EnvVar[] {
  const { name, namespace } = cluster.metadata;
  return [
    { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: 'RACK', value: rack },
    { name: 'DOMAIN', value: `${names(name).services.cassandraMembers}.${namespace}.svc` },
    { name: 'CASSANDRA_CONF', value: CONF_DIR },
    { name: 'CASSANDRA_LOG_DIR', value: LOG_DIR },
    { name: 'MAX_HEAP_SIZE', value: `${heapMebibytes(cluster.spec.resources.cassandra)}M` },
    // nodetool keeps a history there.
    { name: 'HOME', value: '/tmp' },
  ];
}

function volumes(cluster: SpaceCluster): readonly Volume[] {
  const { name } = cluster.metadata;
  return [
    { name: 'conf', emptyDir: { medium: 'Memory' } },
    { name: 'log', emptyDir: {} },
    { name: 'tmp', emptyDir: {} },
    { name: 'config', configMap: { name: workloadName(name, 'cassandra') } },
    {
      name: 'state',
      configMap: {
        name: names(name).state,
        optional: true,
        items: [{ key: STATE_KEY, path: STATE_KEY }],
      },
    },
    { name: 'tls', secret: { secretName: memberTlsSecret(name, 'cassandra'), defaultMode: 0o440 } },
  ];
}
