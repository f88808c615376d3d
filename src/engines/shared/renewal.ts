// In which order the pods of a part are made anew when the spec asks for other images or resources: those without a role
// first, its holder last (its preStop hook hands over), one at a time, and none while the part is not whole. Pure.
import type { Component } from '../../api/v1alpha1/names.ts';
import { ANNOTATIONS } from '../../api/v1alpha1/names.ts';
import type { Pod, StatefulSet } from '../../kube/types.ts';

/** What only the engine knows of its own renewal. */
export interface RenewalWish {
  /** Pods that hold a role: renewed after all others. */
  readonly last: readonly string[];
  /** Why no sound member may leave now, although all are ready; undefined when one may. */
  readonly hold: string | undefined;
}

export interface RenewalMember {
  readonly pod: string;
  /** undefined while there is no pod. */
  readonly uid: string | undefined;
  readonly outdated: boolean;
  readonly ready: boolean;
  readonly ending: boolean;
  /** Not ready for so long that it is broken rather than starting. */
  readonly broken: boolean;
}

export type Renewal =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly why: string }
  | { readonly kind: 'renew'; readonly pod: string; readonly uid: string };

/**
 * Milliseconds. Taken from the pod's own condition: a node's wrong clock makes an outdated member that is not ready be
 * renewed sooner or later, which costs nobody data.
 */
const BROKEN_MS = 60_000;

/** @param members in the order in which they were made: the youngest goes first */
export function decideRenewal(members: readonly RenewalMember[], { last, hold }: RenewalWish): Renewal {
  const outdated = members.filter((member) => member.outdated);
  if (outdated.length === 0) return { kind: 'none' };
  const wait = (why: string): Renewal => ({
    kind: 'wait',
    why: `${namesOf(outdated)} still to be renewed; waiting: ${why}`,
  });
  const moving = members.filter(({ uid, ending }) => uid === undefined || ending);
  if (moving.length > 0) return wait(`${namesOf(moving)} is being made anew`);
  const order = outdated.toReversed().toSorted((a, b) => rank(a, last) - rank(b, last));
  // It serves nobody as it is, and the new spec may be the very thing that mends it.
  const broken = order.find((member) => member.broken);
  const next = broken ?? order[0];
  if (next?.uid === undefined) return { kind: 'none' };
  if (broken === undefined) {
    const away = members.filter((member) => !member.ready);
    if (away.length > 0) return wait(`${namesOf(away)} is not ready`);
    if (hold !== undefined) return wait(hold);
  }
  return { kind: 'renew', pod: next.pod, uid: next.uid };
}

function rank(member: RenewalMember, last: readonly string[]): number {
  return last.includes(member.pod) ? 1 : 0;
}

function namesOf(members: readonly RenewalMember[]): string {
  return members.map(({ pod }) => pod).join(', ');
}

/** Every pod that the part's StatefulSets ask for, whether it exists or not. */
export function renewalMembers(
  component: Component,
  statefulSets: readonly StatefulSet[],
  pods: readonly Pod[],
  now: Date,
): readonly RenewalMember[] {
  const sets = statefulSets.filter(
    ({ metadata }) =>
      metadata.labels?.['app.kubernetes.io/component'] === component &&
      metadata.deletionTimestamp === undefined,
  );
  return sets.flatMap((set) =>
    Array.from({ length: set.spec?.replicas ?? 0 }, (_, ordinal) => {
      const name = `${set.metadata.name}-${ordinal}`;
      return memberOf(
        name,
        pods.find(({ metadata }) => metadata.name === name),
        set,
        now,
      );
    }),
  );
}

function memberOf(name: string, pod: Pod | undefined, set: StatefulSet, now: Date): RenewalMember {
  const wanted = set.spec?.template.metadata?.annotations?.[ANNOTATIONS.asked];
  const condition = pod?.status?.conditions?.find(({ type }) => type === 'Ready');
  const ready = condition?.status === 'True';
  const since = Date.parse(condition?.lastTransitionTime ?? pod?.metadata.creationTimestamp ?? '');
  return {
    pod: name,
    uid: pod?.metadata.uid,
    outdated:
      pod !== undefined && wanted !== undefined && pod.metadata.annotations?.[ANNOTATIONS.asked] !== wanted,
    ready,
    ending: pod?.metadata.deletionTimestamp !== undefined,
    broken: pod !== undefined && !ready && now.getTime() - since >= BROKEN_MS,
  };
}
