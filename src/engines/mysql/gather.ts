// What the operator sees of the pair: its caches tell all, the agents do the rest.
import { decodeRole } from '../../agent/role-record.ts';
import type { RoleRecord } from '../../agent/role-record.ts';
import { names, selectorLabels } from '../../api/v1alpha1/names.ts';
import type { EndpointSlice, Pod } from '../../kube/types.ts';
import type { EngineContext } from '../engine.ts';
import { memberNames } from './members.ts';

export interface MemberSeen {
  readonly pod: string;
  readonly identity: string | undefined;
  readonly node: string | undefined;
  readonly ready: boolean;
}

export interface PairObserved {
  /** undefined until the role record exists. */
  readonly record: RoleRecord | undefined;
  readonly members: readonly MemberSeen[];
  /** Pods that the rw slice names. */
  readonly writers: readonly string[];
}

export async function gather({ cluster, view }: EngineContext): Promise<PairObserved> {
  const { name } = cluster.metadata;
  const lease = view.roleLeases.find((each) => each.metadata.name === names(name).roleLeases.mysql);
  const slice = view.slices.find((each) => each.metadata.name === names(name).services.mysqlRw);
  const labels = Object.entries(selectorLabels(name, 'mysql'));
  const pods = view.pods.filter((pod) =>
    labels.every(([key, value]) => pod.metadata.labels?.[key] === value),
  );
  return {
    record: lease === undefined ? undefined : decodeRole(lease),
    members: memberNames(name).map((member) => seen(member, pods)),
    writers: endpointPods(slice),
  };
}

function seen(member: string, pods: readonly Pod[]): MemberSeen {
  const pod = pods.find((each) => each.metadata.name === member);
  const ready = pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  return {
    pod: member,
    identity: pod?.metadata.uid === undefined ? undefined : `${member}/${pod.metadata.uid}`,
    node: pod?.spec?.nodeName,
    ready: ready === true,
  };
}

function endpointPods(slice: EndpointSlice | undefined): readonly string[] {
  return (slice?.endpoints ?? []).flatMap(({ targetRef }) =>
    targetRef?.name === undefined ? [] : [targetRef.name],
  );
}
