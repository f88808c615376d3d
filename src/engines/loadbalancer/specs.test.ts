import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { API_VERSION } from '../../api/v1alpha1/index.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import type { Container, EndpointSlice, KubeObject, Role, Service, StatefulSet } from '../../kube/types.ts';
import { clusterWideObjects } from './metallb.ts';
import { presets, specs } from './specs.ts';
import { SUPERVISOR_SCRIPT } from './supervisor-script.ts';

const CLUSTER: SpaceCluster = {
  apiVersion: API_VERSION,
  kind: 'SpaceCluster',
  metadata: { name: 'demo', namespace: 'space', uid: 'u' },
  spec: {
    vip: { address: '10.77.0.100', cidr: '10.77.0.0/24', managePool: true, subnetCheck: 'Enforce' },
    workers: { replicas: 3 },
    mysql: { durability: 'Preferred', storage: { size: '2Gi' } },
    postgresql: { soloAfter: '60s', storage: { size: '2Gi' } },
    cassandra: { replicas: 3, storage: { size: '2Gi' } },
    loadBalancer: {},
    failureDetection: { profile: 'Auto' },
    antiAffinity: 'Required',
    requirements: {},
    tls: {},
    images: {
      mysql: 'mysql:9.7',
      postgresql: 'postgres:18',
      cassandra: 'cassandra:5.0',
      haproxy: 'haproxy:3.2',
    },
    resources: {},
    deletionPolicy: 'Retain',
    paused: false,
  },
};

const OBJECTS = specs({ cluster: CLUSTER, productImage: 'spacecluster:1' });

function find<T extends KubeObject>(objects: readonly KubeObject[], kind: T['kind'], name: string): T {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found as T;
}

describe('the objects of the pair', () => {
  test('are the same, byte for byte, for the same input (R1)', () => {
    expect(JSON.stringify(specs({ cluster: CLUSTER, productImage: 'spacecluster:1' }))).toBe(
      JSON.stringify(OBJECTS),
    );
  });

  test("the Web IP is one address without selector, announced only from the endpoint's node", () => {
    const service = find<Service>(OBJECTS, 'Service', 'demo-vip');
    expect(service.metadata.annotations).toEqual({
      'metallb.io/loadBalancerIPs': '10.77.0.100',
      'metallb.io/address-pool': 'space.demo',
    });
    expect(service.spec).not.toHaveProperty('selector');
    expect(service.spec).toMatchObject({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    expect(service.spec?.ports?.map(({ port }) => port)).toEqual([443, 4334, 7804]);
  });

  test('the slice has the ports of the Service, by name, as the containers listen', () => {
    const slice = find<EndpointSlice>(presets(CLUSTER), 'EndpointSlice', 'demo-vip');
    const service = find<Service>(OBJECTS, 'Service', 'demo-vip');
    expect(slice.ports?.map(({ name, port }) => [name, port])).toEqual(
      service.spec?.ports?.map(({ name, targetPort }) => [name, targetPort]),
    );
  });

  test('only the agent has a token, and every container is restricted', () => {
    const set = find<StatefulSet>(OBJECTS, 'StatefulSet', 'demo-lb');
    const pod = set.spec?.template.spec;
    const withToken = ({ volumeMounts = [] }: Container): boolean =>
      volumeMounts.some(({ name }) => name === 'token');
    expect(pod?.automountServiceAccountToken).toBe(false);
    expect(pod?.containers.map(withToken)).toEqual([false]);
    expect(pod?.initContainers?.map(withToken)).toEqual([true]);
    for (const { securityContext, ports = [] } of [
      ...(pod?.containers ?? []),
      ...(pod?.initContainers ?? []),
    ]) {
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      for (const { name = '', containerPort } of ports) {
        expect(name.length).toBeLessThanOrEqual(15);
        expect(containerPort).toBeGreaterThan(1023);
      }
    }
  });

  test('the agents may write their own Leases, the role and the slice, and create nothing but Events (L3)', () => {
    const { rules = [] } = find<Role>(OBJECTS, 'Role', 'demo-lb');
    const writes = rules.filter(
      ({ verbs }) => !verbs.every((verb) => ['get', 'list', 'watch'].includes(verb)),
    );
    expect(writes.map(({ resources, resourceNames, verbs }) => [resources, resourceNames, verbs])).toEqual([
      [['leases'], ['demo-lb-0', 'demo-lb-1', 'demo-vip'], ['update']],
      [['endpointslices'], ['demo-vip'], ['update']],
      [['events'], undefined, ['create', 'patch']],
    ]);
  });

  test('an own pool holds the Web IP alone, for this namespace alone', () => {
    const [pool, advertisement] = clusterWideObjects(CLUSTER, 'metallb-system');
    expect(pool).toMatchObject({
      metadata: { name: 'space.demo', namespace: 'metallb-system' },
      spec: {
        addresses: ['10.77.0.100/32'],
        autoAssign: false,
        serviceAllocation: { namespaces: ['space'] },
      },
    });
    expect(advertisement).toMatchObject({
      kind: 'L2Advertisement',
      spec: { ipAddressPools: ['space.demo'] },
    });
  });
});

describe('the supervisor', () => {
  test('is a script that bash accepts', () => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: SUPERVISOR_SCRIPT, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});
