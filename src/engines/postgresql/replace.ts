// The operator's part in rebuilding a member: once its agent says that the pair holds all it had, its volume and its pod go.
import { isNotFound } from '../../errors.ts';
import { PersistentVolumeClaims, Pods } from '../../kube/resources.ts';
import type { EngineContext } from '../engine.ts';
import type { ObservedMember, ObservedPair } from './status.ts';

/** The member whose volume is to go, if any. A report of an earlier pod of the name says nothing of the volume that is there now. */
export function retired({ members }: ObservedPair): ObservedMember | undefined {
  const others = (member: ObservedMember): boolean =>
    members.some((other) => other.name !== member.name && other.serving);
  return members.find(
    (member) =>
      member.report?.reason === 'Retired' &&
      member.uid !== undefined &&
      member.report.pod === member.uid &&
      others(member),
  );
}

/** The StatefulSet makes both anew; the server of the pod that goes sends what its peer should still lack. */
export async function operate(observed: ObservedPair, context: EngineContext): Promise<void> {
  const member = retired(observed);
  if (member?.uid === undefined) return;
  const { kube, cluster, log, signal } = context;
  const { namespace } = cluster.metadata;
  log.info('the volume of a member that is to be rebuilt is taken away', { member: member.name });
  const gone = (error: unknown): void => {
    if (!isNotFound(error)) throw error;
  };
  // The claim first: it stays in use until the pod has ended, and a pod made before it is gone would get it again.
  await kube.delete(PersistentVolumeClaims, namespace, `data-${member.name}`, { signal }).catch(gone);
  await kube.delete(Pods, namespace, member.name, { signal, uid: member.uid }).catch(gone);
}
