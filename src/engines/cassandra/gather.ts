// Reads what the ring's deciders need: pods, Secrets and the record in `NAME-state` from the caches. The ring itself is asked only
// while there is something to settle, by the settler, or to change, here.
import { ANNOTATIONS, memberTlsSecret, names } from '../../api/v1alpha1/names.ts';
import { messageOf } from '../../errors.ts';
import { readyEndpoint } from '../../kube/ready-endpoint.ts';
import type { Pod, Secret } from '../../kube/types.ts';
import type { EngineContext } from '../engine.ts';
import { renewalMembers } from '../shared/renewal.ts';
import { leastMembers } from './care.ts';
import { memberCount, members } from './members.ts';
import { decodeRecord, STATE_KEY } from './record.ts';
import type { Demand, RingRecord } from './record.ts';
import { parseRing } from './ring.ts';
import type { RingRow } from './ring.ts';
import { TEND_COMMAND } from './tend-script.ts';

export interface MemberSeen {
  readonly pod: string;
  readonly uid: string | undefined;
  readonly rack: string;
  readonly node: string | undefined;
  readonly ip: string | undefined;
  /** Its CQL port is open, so it has joined. */
  readonly ready: boolean;
  /** Its container ended again and again: it does not come up as it is. */
  readonly failing: boolean;
}

export interface RingObserved {
  /** In joining order. */
  readonly members: readonly MemberSeen[];
  /** The Service leads to one of them at least. Kubernetes' own controller sees to that, and may follow late. */
  readonly routed: boolean;
  readonly record: RingRecord;
  /** `uid/resourceVersion` of the Secrets that roles are made from; a missing Secret is absent. */
  readonly secretVersions: Readonly<Record<string, string>>;
  readonly missingSecrets: readonly string[];
  /** How many members the spec asks for. */
  readonly wanted: number;
  /** As a member that is ready sees it; undefined when there was no need to ask, or nobody to. */
  readonly ring: readonly RingRow[] | undefined;
  /** Values of the annotations by which a human asks for something. */
  readonly demands: Readonly<Partial<Record<Demand, string>>>;
  /** RFC 3339. */
  readonly now: string;
}

/** Ends of a container after which its member is taken for failing. */
const FAILING_RESTARTS = 2;
/** The Java machine of nodetool starts slowly on a busy node. */
const STATUS_TIMEOUT_MS = 30_000;

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
  const seen = members(name, memberCount(cluster)).map(({ pod, rack }) =>
    memberSeen(pod, rack, pods.get(pod)),
  );
  const record = decodeRecord(view.configMap(names(name).state)?.data?.[STATE_KEY]);
  const now = new Date();
  const annotations = cluster.metadata.annotations ?? {};
  const observed: RingObserved = {
    members: seen,
    routed: view.slices.some(
      (slice) =>
        slice.metadata.labels?.['kubernetes.io/service-name'] === names(name).services.cassandra &&
        readyEndpoint(slice) !== undefined,
    ),
    record,
    secretVersions: Object.fromEntries(
      sources.flatMap(({ secret, object }) => (object === undefined ? [] : [[secret, version(object)]])),
    ),
    missingSecrets: needed.filter((secret) => view.secret(secret) === undefined),
    wanted: cluster.spec.cassandra.replicas,
    ring: undefined,
    demands: demandsOf(annotations, seen),
    now: now.toISOString(),
  };
  const outdated = renewalMembers('cassandra', view.statefulSets, view.pods, now).some(
    (member) => member.outdated,
  );
  return changing(observed, outdated) ? { ...observed, ring: await askRing(observed, context) } : observed;
}

/** Another part's member may be named: that is not ours to answer. */
function demandsOf(
  annotations: Readonly<Record<string, string>>,
  members: readonly MemberSeen[],
): RingObserved['demands'] {
  const replace = annotations[ANNOTATIONS.replaceMember];
  const repair = annotations[ANNOTATIONS.repair];
  return {
    ...(replace !== undefined && members.some(({ pod }) => pod === replace) ? { replace } : {}),
    ...(repair === undefined ? {} : { repair }),
  };
}

/** Only what changes the ring is worth a Java machine on a member. */
function changing(observed: RingObserved, outdated: boolean): boolean {
  const { members, record } = observed;
  if (Object.keys(record.addresses).length === 0) return false;
  const shrinks = members.length > leastMembers(observed) && record.leaving === '';
  return (
    members.some(({ ready, failing }) => !ready && failing) ||
    ((outdated || shrinks) && members.every(({ ready }) => ready))
  );
}

async function askRing(
  { members }: RingObserved,
  { cluster, kube, log, signal }: EngineContext,
): Promise<readonly RingRow[] | undefined> {
  const { namespace } = cluster.metadata;
  for (const { pod } of members.filter(({ ready }) => ready)) {
    try {
      const { code, stdout } = await kube.exec(
        { namespace: namespace ?? '', pod, container: 'cassandra', command: [...TEND_COMMAND, 'status'] },
        { signal, timeoutMs: STATUS_TIMEOUT_MS },
      );
      if (code === 0) return parseRing(stdout);
    } catch (error) {
      log.debug('a member could not be asked for the ring', { pod, error: messageOf(error) });
    }
  }
  return undefined;
}

function memberSeen(pod: string, rack: string, object: Pod | undefined): MemberSeen {
  const conditions = object?.status?.conditions ?? [];
  const restarts = object?.status?.containerStatuses?.find(({ name }) => name === 'cassandra')?.restartCount;
  return {
    pod,
    uid: object?.metadata.uid,
    rack,
    node: object?.spec?.nodeName,
    ip: object?.status?.podIP,
    ready:
      object?.metadata.deletionTimestamp === undefined &&
      conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    failing: (restarts ?? 0) >= FAILING_RESTARTS,
  };
}

function version(secret: Secret): string {
  return `${secret.metadata.uid ?? ''}/${secret.metadata.resourceVersion ?? ''}`;
}
