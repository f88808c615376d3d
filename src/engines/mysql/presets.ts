// Pure: the Leases and slices of the pair, made once; the role's record goes on where an earlier life of the cluster ended.
import type { Copy } from '../../agent/role-record.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { ANNOTATIONS, names, PORTS } from '../../api/v1alpha1/names.ts';
import type { KubeObject, Lease } from '../../kube/types.ts';
import { emptySlice, heartbeatLease, roleLease } from '../shared/presets.ts';
import { memberNames } from './members.ts';

/** The role's name, and its key in the state record. */
export const ROLE = 'mysql';

interface RoleState {
  readonly initialised: boolean;
  readonly epoch: number;
  readonly copies: readonly Copy[];
}

export function presets(
  cluster: SpaceCluster,
  state: Readonly<Record<string, string>>,
): readonly KubeObject[] {
  const { name } = cluster.metadata;
  const { services } = names(name);
  const ports = [{ name: 'mysql', port: PORTS.mysql }];
  return [
    ...memberNames(name).map((member) => heartbeatLease(cluster, 'mysql', member)),
    record(cluster, state[ROLE]),
    emptySlice(cluster, 'mysql', services.mysqlRw, ports),
    emptySlice(cluster, 'mysql', services.mysqlRo, ports),
  ];
}

/** M2: a record that was lost is made from what the state says, or says nothing at all; it never says "not initialised". */
function record(cluster: SpaceCluster, text: string | undefined): Lease {
  const empty = roleLease(cluster, 'mysql', names(cluster.metadata.name).roleLeases.mysql, ROLE);
  if (text === undefined) return empty;
  const { initialised, epoch, copies } = JSON.parse(text) as RoleState;
  const annotations = {
    [ANNOTATIONS.phase]: initialised ? 'open' : 'promoting',
    [ANNOTATIONS.copies]: JSON.stringify(copies),
  };
  return { ...empty, metadata: { ...empty.metadata, annotations }, spec: { leaseTransitions: epoch } };
}
