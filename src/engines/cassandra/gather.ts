// Reads what the ring's deciders need: pods, Secrets and the record in `NAME-state` from the caches. The ring itself is asked only
// while there is something to settle, by the settler.
import { memberTlsSecret, names } from '../../api/v1alpha1/names.ts';
import type { Pod, Secret } from '../../kube/types.ts';
import type { EngineContext } from '../engine.ts';
import { memberCount, members } from './members.ts';
import { decodeRecord, STATE_KEY } from './record.ts';
import type { RingRecord } from './record.ts';

export interface MemberSeen {
  readonly pod: string;
  readonly rack: string;
  readonly node: string | undefined;
  readonly ip: string | undefined;
  /** Its CQL port is open, so it has joined. */
  readonly ready: boolean;
}

export interface RingObserved {
  /** In joining order. */
  readonly members: readonly MemberSeen[];
  readonly record: RingRecord;
  /** `uid/resourceVersion` of the Secrets that roles are made from; a missing Secret is absent. */
  readonly secretVersions: Readonly<Record<string, string>>;
  readonly missingSecrets: readonly string[];
}

export async function gather(context: EngineContext): Promise<RingObserved> {
  const { cluster, view } = context;
  const { name } = cluster.metadata;
  const pods = new Map(view.pods.map((pod) => [pod.metadata.name, pod]));
  const { secrets } = names(name);
  const sources = [secrets.cassandra, secrets.internal].map((secret) => ({
    secret,
    object: view.secret(secret),
  }));
  const needed = [secrets.cassandra, secrets.internal, memberTlsSecret(name, 'cassandra')];
  return {
    members: members(name, memberCount(cluster)).map(({ pod, rack }) => memberSeen(pod, rack, pods.get(pod))),
    record: decodeRecord(view.configMap(names(name).state)?.data?.[STATE_KEY]),
    secretVersions: Object.fromEntries(
      sources.flatMap(({ secret, object }) => (object === undefined ? [] : [[secret, version(object)]])),
    ),
    missingSecrets: needed.filter((secret) => view.secret(secret) === undefined),
  };
}

function memberSeen(pod: string, rack: string, object: Pod | undefined): MemberSeen {
  const conditions = object?.status?.conditions ?? [];
  return {
    pod,
    rack,
    node: object?.spec?.nodeName,
    ip: object?.status?.podIP,
    ready:
      object?.metadata.deletionTimestamp === undefined &&
      conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
  };
}

function version(secret: Secret): string {
  return `${secret.metadata.uid ?? ''}/${secret.metadata.resourceVersion ?? ''}`;
}
