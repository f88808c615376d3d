// Phase: pods without volumes on a lost node are given up. Reads Leases only while a node is not Ready.
import { isNotFound } from '../../errors.ts';
import { wasDeleted } from '../../kube/deletion.ts';
import { Leases, Pods } from '../../kube/resources.ts';
import type { Node, Pod } from '../../kube/types.ts';
import { givenUp, mostAreSilent } from '../lost-pods.ts';
import type { PodOnLostNode } from '../lost-pods.ts';
import type { Scope } from '../scope.ts';

const NODE_LEASES = 'kube-node-lease';
const COMPONENT = 'app.kubernetes.io/component';

/** How long each thing has been seen unchanged, by a steady clock. */
export class Silence {
  readonly #seen = new Map<string, { readonly value: string; readonly since: number }>();

  /** @param now milliseconds of a steady clock */
  forMs(key: string, value: string, now: number): number {
    const seen = this.#seen.get(key);
    if (seen?.value === value) return now - seen.since;
    this.#seen.set(key, { value, since: now });
    return 0;
  }

  /** Forgets all others. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#seen.keys()) {
      if (!keys.has(key)) this.#seen.delete(key);
    }
  }
}

export class LostPods {
  readonly #silences = new Map<string, Silence>();
  readonly #now: () => number;

  /** @param now milliseconds of a steady clock; a test gives its own */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * @param nodes all of Kubernetes' nodes
   * @returns whether there is a silent node to be looked at again soon
   */
  async run(key: string, scope: Scope, nodes: readonly Node[]): Promise<boolean> {
    const silent = new Set(nodes.filter((node) => !isReady(node)).map(({ metadata }) => metadata.name));
    const pods = scope.view.pods.filter((pod) => silent.has(pod.spec?.nodeName ?? ''));
    if (pods.length === 0 || mostAreSilent(nodes.length, silent.size)) {
      this.#silences.delete(key);
      return false;
    }
    const silence = this.#silences.get(key) ?? new Silence();
    this.#silences.set(key, silence);
    const kept = new Set<string>();
    const seen = await Promise.all(pods.map((pod) => look(pod, { silence, kept, now: this.#now() }, scope)));
    silence.keep(kept);
    for (const pod of givenUp(seen)) await giveUp(pod, scope);
    return true;
  }

  /** A cluster that is gone is not remembered. */
  forget(key: string): void {
    this.#silences.delete(key);
  }
}

interface Watch {
  readonly silence: Silence;
  /** What is still looked at. */
  readonly kept: Set<string>;
  /** Before the Leases are read: what is counted is never longer than it was seen. */
  readonly now: number;
}

async function look(pod: Pod, { silence, kept, now }: Watch, scope: Scope): Promise<PodOnLostNode> {
  const { name, uid = '', labels } = pod.metadata;
  const node = pod.spec?.nodeName ?? '';
  const [nodeLease, heartbeat] = await Promise.all([
    version(NODE_LEASES, node, scope),
    version(scope.cluster.metadata.namespace ?? '', name, scope),
  ]);
  const forMs = (what: string, value: string): number => {
    kept.add(what);
    return silence.forMs(what, value, now);
  };
  return {
    pod: name,
    uid,
    component: labels?.[COMPONENT],
    claims: (pod.spec?.volumes ?? []).some(
      ({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined,
    ),
    nodeSilentMs: forMs(`node/${node}`, ''),
    nodeLeaseMs: forMs(`node-lease/${node}`, nodeLease),
    heartbeatMs: forMs(`heartbeat/${name}/${uid}`, heartbeat),
  };
}

/** A Lease that is not there is renewed by nobody. */
async function version(namespace: string, name: string, { kube, signal }: Scope): Promise<string> {
  try {
    const { metadata } = await kube.get(Leases, namespace, name, { signal });
    return metadata.resourceVersion ?? '';
  } catch (error) {
    if (isNotFound(error)) return '';
    throw error;
  }
}

async function giveUp({ pod, uid }: PodOnLostNode, scope: Scope): Promise<void> {
  const { cluster, kube, signal, log, events } = scope;
  log.warn('giving up a pod on a lost node', { pod });
  const { namespace } = cluster.metadata;
  const deleted = await wasDeleted(kube.delete(Pods, namespace, pod, { signal, uid, gracePeriodSeconds: 0 }));
  if (!deleted) return;
  events.record(cluster, {
    type: 'Warning',
    reason: 'PodGivenUp',
    action: 'ForceDelete',
    note: `${pod} has no volume, and its node has been silent for a minute: it is made anew elsewhere`,
  });
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}
