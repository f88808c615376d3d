// Does every node follow the API server? While that is away, client-go asks again ever later, half a minute to a minute apart in
// the end: until then kube-proxy and MetalLB's speakers route as before. Leads a Service of its own to each node in turn, and sees
// all of them follow.
import { EndpointSlices } from '../../src/kube/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { eventually } from '../integration/kube-support.ts';
import { mustKubectl } from '../integration/kubectl.ts';
import { clientExec, macOf, nodeExec, NODES } from '../lab/lab.ts';
import type { NodeName } from '../lab/lab.ts';

const NAME = 'ha-canary';
const METALLB = 'metallb-system';
const ADDRESS = '10.77.0.149';
/** Two of client-go's longest pauses, and a connection that has to be given up before. */
const FOLLOW_MS = 150_000;

let moves = Date.now() % 60_000;

/** The Service that is led about; safe to repeat. */
export async function makeCanary(): Promise<void> {
  const pool = { apiVersion: 'metallb.io/v1beta1', metadata: { name: NAME, namespace: METALLB } };
  await mustKubectl(['apply', '-f', '-'], {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAME } },
      { ...pool, kind: 'IPAddressPool', spec: { addresses: [`${ADDRESS}/32`], autoAssign: false } },
      { ...pool, kind: 'L2Advertisement', spec: { ipAddressPools: [NAME] } },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {
          name: NAME,
          namespace: NAME,
          annotations: { 'metallb.io/loadBalancerIPs': ADDRESS },
        },
        spec: {
          type: 'LoadBalancer',
          externalTrafficPolicy: 'Local',
          allocateLoadBalancerNodePorts: false,
          ports: [{ port: 9 }],
        },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: NAME, namespace: NAME, labels: { 'kubernetes.io/service-name': NAME } },
        addressType: 'IPv4',
        ports: [{ port: 9 }],
        endpoints: [],
      },
    ],
  });
}

export async function removeCanary(): Promise<void> {
  await mustKubectl(['delete', 'namespace', NAME]);
  await mustKubectl(['-n', METALLB, 'delete', 'ipaddresspool,l2advertisement', NAME]);
}

/**
 * Returns when each node has followed a change that was made just now.
 * @returns then, milliseconds since 1970
 * @throws Error when one does not
 */
export async function untilFollowed(kube: KubeClient): Promise<number> {
  for (const node of NODES) {
    const endpoint = await leadTo(kube, node);
    await eventually(`every node routes to ${node}`, FOLLOW_MS, async () => {
      const routes = await Promise.all(NODES.map((each) => nodeExec(each, ['iptables-save', '-t', 'nat'])));
      return routes.every((rules) => rules.includes(`--to-destination ${endpoint}:`));
    });
    const mac = await macOf(node);
    await eventually(`${node} alone announces`, FOLLOW_MS, async () => {
      const answers = await announcers();
      return answers.length > 0 && answers.every((each) => each === mac);
    });
  }
  return Date.now();
}

/** @returns the endpoint's address: a new one each time, of no pod */
async function leadTo(kube: KubeClient, nodeName: NodeName): Promise<string> {
  moves += 1;
  const address = `10.99.${(moves >> 8) & 255}.${moves & 255}`;
  const endpoint = { addresses: [address], nodeName, conditions: { ready: true, serving: true } };
  await kube.mergePatch(EndpointSlices, NAME, NAME, { endpoints: [endpoint] });
  return address;
}

/** Who answers for the address, as the client host hears it. */
async function announcers(): Promise<readonly string[]> {
  const { stdout } = await clientExec(['arping', '-c', '3', '-W', '0.1', '-w', '1', '-I', 'eth0', ADDRESS]);
  return [...stdout.matchAll(/from ([0-9a-f:]{17}) /g)].map(([, mac = '']) => mac);
}
