// The `NAME-state` record: what must be remembered when the cluster is deleted and applied again (R3, M2). Pure.
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import { ANNOTATIONS, names, objectLabels, ROLE_LABEL } from '../api/v1alpha1/names.ts';
import type { ConfigMap, Lease } from '../kube/types.ts';

/** What is kept of one role. `copies` is the annotation's own JSON text. */
interface RoleState {
  readonly initialised: boolean;
  readonly epoch: number;
  readonly holder: string;
  readonly copies: unknown;
}

/** The record with what the role Leases say now, or undefined when it says so already. */
export function nextState(
  cluster: SpaceCluster,
  existing: ConfigMap | undefined,
  roleLeases: readonly Lease[],
): ConfigMap | undefined {
  const before = existing?.data ?? {};
  const roles = Object.fromEntries(
    roleLeases.flatMap((lease) => {
      const role = lease.metadata.labels?.[ROLE_LABEL];
      if (role === undefined) return [];
      const text = before[role];
      const state = roleState(lease, text === undefined ? undefined : parse(text));
      return state === undefined ? [] : [[role, JSON.stringify(state)]];
    }),
  );
  const data = { ...before, ...roles };
  const unchanged =
    existing !== undefined && Object.keys(roles).every((role) => before[role] === roles[role]);
  if (unchanged) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: existing?.metadata ?? {
      name: names(cluster.metadata.name).state,
      namespace: cluster.metadata.namespace,
      // No owner reference: the record outlives the cluster unless deletionPolicy is Delete.
      labels: objectLabels(cluster.metadata.name),
    },
    data,
  };
}

/** A role never falls back: a Lease that was lost and made anew at epoch 0 changes nothing (M2). */
function roleState(lease: Lease, before: RoleState | undefined): RoleState | undefined {
  const epoch = lease.spec?.leaseTransitions ?? 0;
  if (epoch < (before?.epoch ?? 0) || epoch === 0) return undefined;
  const annotations = lease.metadata.annotations ?? {};
  const copies = annotations[ANNOTATIONS.copies];
  return {
    initialised: before?.initialised === true || annotations[ANNOTATIONS.phase] === 'open',
    epoch,
    holder: lease.spec?.holderIdentity ?? '',
    copies: copies === undefined ? [] : JSON.parse(copies),
  };
}

function parse(text: string): RoleState | undefined {
  try {
    return JSON.parse(text) as RoleState;
  } catch {
    return undefined;
  }
}
