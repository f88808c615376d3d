// The running operator: its replicas, and what it says of itself by its metrics, read through the API server's proxy.
import { eventually, STATUS_EVERY_MS } from './kube-support.ts';
import { mustKubectl } from './kubectl.ts';

const NAMESPACE = 'spacecluster-system';
const LEASE = 'spacecluster-operator';
const SELECTOR = 'app.kubernetes.io/name=spacecluster-operator';

/** The names of its replicas' pods. */
export async function operatorPods(): Promise<readonly string[]> {
  const pods = await mustKubectl(['-n', NAMESPACE, 'get', 'pods', '-l', SELECTOR, '-o', 'name']);
  return pods
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace('pod/', ''));
}

/** Returns when as many replicas as asked for are ready, and no other is left. */
export async function scaleOperator(replicas: number): Promise<void> {
  await mustKubectl(['-n', NAMESPACE, 'scale', 'deployment', 'spacecluster', `--replicas=${replicas}`]);
  await mustKubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment', 'spacecluster', '--timeout=120s']);
  await eventually(
    `${replicas} operators run`,
    60_000,
    async () => (await operatorPods()).length === replicas,
  );
}

/** All replicas at once, without a word. */
export async function killOperators(): Promise<void> {
  await mustKubectl(['-n', NAMESPACE, 'delete', 'pods', '-l', SELECTOR, '--grace-period=0', '--force']);
}

/** Of the Lease by which one replica leads; '' where it is not set. */
export function leaderLease(field: 'holderIdentity' | 'renewTime'): Promise<string> {
  return mustKubectl(['-n', NAMESPACE, 'get', 'lease', LEASE, '-o', `jsonpath={.spec.${field}}`]);
}

/** Returns when an operator has renewed its Lease since now: from then on it sees to the status. */
export async function untilOperatorLeads(ms: number): Promise<void> {
  const asked = Date.now();
  const renewed = async (): Promise<boolean> => Date.parse(await leaderLease('renewTime')) > asked;
  await eventually('an operator leads', ms, renewed, STATUS_EVERY_MS);
}

/**
 * The value of each series of a metric, over all replicas, by its labels.
 * @throws Error when no operator runs: there is nothing to be said of it then
 */
export async function operatorMetric(name: string): Promise<ReadonlyMap<string, number>> {
  const pods = await operatorPods();
  if (pods.length === 0) throw new Error(`no operator runs in ${NAMESPACE}`);
  const values = new Map<string, number>();
  for (const pod of pods) {
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}:8080/proxy/metrics`;
    for (const line of (await mustKubectl(['get', '--raw', path])).split('\n')) {
      const match = /^(\w+)(\{.*\})? (\S+)$/.exec(line);
      if (match?.[1] !== name) continue;
      const key = match[2] ?? '';
      values.set(key, (values.get(key) ?? 0) + Number(match[3]));
    }
  }
  return values;
}

/** Writes to the API server so far, by resource; Leases apart. */
export async function operatorWrites(): Promise<Readonly<Record<string, number>>> {
  const requests = await operatorMetric('rest_client_requests_total');
  return Object.fromEntries(
    [...requests].filter(
      ([labels]) => !labels.includes('method="GET"') && !labels.includes('resource="leases"'),
    ),
  );
}
