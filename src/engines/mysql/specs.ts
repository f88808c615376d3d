// Pure: every Kubernetes object of the MySQL pair, and those that the agents own once they are made.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { memberTlsSecret, names, PORTS, workloadName } from '../../api/v1alpha1/names.ts';
import { parseQuantity } from '../../kube/quantity.ts';
import type { Container, KubeObject, PodSpec, PolicyRule, Volume } from '../../kube/types.ts';
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
import {
  CONFIG_MOUNT,
  DATA_MOUNT,
  INIT_SQL,
  INTERNAL_SECRET_MOUNT,
  MYSQL_UID,
  PASSWD,
  PEER_PORT,
  serverConfig,
  TLS_MOUNT,
  USER_SECRET_MOUNT,
} from './config.ts';
import { headlessService, memberNames, MEMBERS } from './members.ts';
import { SUPERVISOR_SCRIPT } from './supervisor-script.ts';

const DEFAULT_MEMORY = '768Mi';
/** Longer than the hand-over and a clean stop of mysqld. */
const GRACE_SECONDS = 60;

const SQL_PORT = { name: 'mysql', port: PORTS.mysql, protocol: 'TCP' };

export function specs(input: SpecInput): readonly KubeObject[] {
  const { cluster } = input;
  const { name } = cluster.metadata;
  return [
    configMap(cluster, workloadName(name, 'mysql'), 'mysql', {
      'my.cnf': serverConfig(memoryOf(cluster)),
      'init.sql': INIT_SQL,
      'supervisor.sh': SUPERVISOR_SCRIPT,
      passwd: PASSWD,
    }),
    ...serviceAccount(cluster, 'mysql', rules(cluster)),
    routedService(cluster, names(name).services.mysqlRw, 'mysql', [SQL_PORT]),
    routedService(cluster, names(name).services.mysqlRo, 'mysql', [SQL_PORT]),
    podService(
      cluster,
      headlessService(name),
      'mysql',
      [SQL_PORT, { name: 'peer', port: PEER_PORT, protocol: 'TCP' }],
      { headless: true, publishNotReadyAddresses: true },
    ),
    disruptionBudget(cluster, 'mysql'),
    statefulSet(cluster, 'mysql', {
      replicas: MEMBERS,
      serviceName: headlessService(name),
      pod: pod(input),
      claims: [volumeClaim(cluster, 'mysql', cluster.spec.mysql.storage)],
    }),
  ];
}

function memoryOf({ spec }: SpaceCluster): number {
  const asked = spec.resources.mysql;
  return parseQuantity(asked?.requests?.memory ?? asked?.limits?.memory ?? DEFAULT_MEMORY);
}

/** What the agents may do: all writes by name (L3). */
function rules(cluster: SpaceCluster): readonly PolicyRule[] {
  const { name } = cluster.metadata;
  const { services, roleLeases, state } = names(name);
  return [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'list', 'watch'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [...memberNames(name), roleLeases.mysql],
      verbs: ['update'],
    },
    {
      apiGroups: ['discovery.k8s.io'],
      resources: ['endpointslices'],
      resourceNames: [services.mysqlRw, services.mysqlRo],
      verbs: ['get', 'update'],
    },
    { apiGroups: ['spacecluster.dev'], resources: ['spaceclusters'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['configmaps'], resourceNames: [state], verbs: ['get'] },
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  ];
}

function pod(input: SpecInput): PodSpec {
  const { cluster } = input;
  return {
    serviceAccountName: workloadName(cluster.metadata.name, 'mysql'),
    affinity: spread(cluster, 'mysql'),
    terminationGracePeriodSeconds: GRACE_SECONDS,
    // The shared directory and the volume belong to the engine's group, which the agent is in.
    securityContext: { fsGroup: MYSQL_UID, fsGroupChangePolicy: 'OnRootMismatch' },
    initContainers: [agent(input)],
    containers: [engine(cluster)],
    volumes: volumes(cluster),
  };
}

function agent(input: SpecInput): Container {
  return agentContainer(input, 'mysql', {
    mounts: [
      { name: 'run', mountPath: RUN_DIR },
      // For the room that is left, and the names of data directories; their files are the engine's alone.
      { name: 'data', mountPath: DATA_MOUNT, readOnly: true },
      { name: 'tls', mountPath: TLS_MOUNT, readOnly: true },
      { name: 'user', mountPath: USER_SECRET_MOUNT, readOnly: true },
      { name: 'internal', mountPath: INTERNAL_SECRET_MOUNT, readOnly: true },
    ],
  });
}

function engine(cluster: SpaceCluster): Container {
  return {
    name: 'mysql',
    image: cluster.spec.images.mysql,
    imagePullPolicy: 'IfNotPresent',
    command: ['/bin/bash', `${CONFIG_MOUNT}/supervisor.sh`],
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    ports: [{ name: 'mysql', containerPort: PORTS.mysql, protocol: 'TCP' }],
    // The agent knows whether the member is in sync. No liveness probe: the supervisor and the agent mend the engine.
    readinessProbe: {
      httpGet: { path: '/readyz', port: PORTS.agent },
      periodSeconds: 2,
      timeoutSeconds: 2,
      failureThreshold: 2,
    },
    // The role goes before mysqld does; the image has no HTTP client.
    lifecycle: {
      preStop: {
        exec: {
          command: [
            '/bin/bash',
            '-c',
            `exec 3<>/dev/tcp/127.0.0.1/${PORTS.agent} && printf 'POST /handover HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 30 _ <&3 || true`,
          ],
        },
      },
    },
    securityContext: restricted(MYSQL_UID),
    resources: resources(cluster.spec.resources.mysql, { requests: { cpu: '250m', memory: DEFAULT_MEMORY } }),
    volumeMounts: [
      { name: 'data', mountPath: DATA_MOUNT },
      { name: 'run', mountPath: RUN_DIR },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'config', mountPath: CONFIG_MOUNT, readOnly: true },
      { name: 'config', mountPath: '/etc/passwd', subPath: 'passwd', readOnly: true },
      { name: 'tls', mountPath: TLS_MOUNT, readOnly: true },
    ],
  };
}

function volumes(cluster: SpaceCluster): readonly Volume[] {
  const { name } = cluster.metadata;
  const secret = (secretName: string, keys?: readonly string[]): NonNullable<Volume['secret']> => ({
    secretName,
    defaultMode: 0o440,
    ...(keys === undefined ? {} : { items: keys.map((key) => ({ key, path: key })) }),
  });
  return [
    // Not in memory: the deadline file has to outlive a restart of the containers.
    { name: 'run', emptyDir: {} },
    { name: 'tmp', emptyDir: {} },
    { name: 'config', configMap: { name: workloadName(name, 'mysql') } },
    { name: 'tls', secret: secret(memberTlsSecret(name, 'mysql')) },
    { name: 'user', secret: secret(names(name).secrets.mysql) },
    { name: 'internal', secret: secret(names(name).secrets.internal, ['mysql-replication-password']) },
    TOKEN_VOLUME,
  ];
}
