// The pair's record as the operator first makes it (pure): empty, or as the `NAME-state` of an earlier life of the cluster has it (R3).
import type { Copy } from '../../agent/role-record.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { ANNOTATIONS } from '../../api/v1alpha1/names.ts';
import { TerminalError } from '../../errors.ts';
import type { Lease } from '../../kube/types.ts';
import { roleLease } from '../shared/presets.ts';
import { pairRecord } from './names.ts';

/** The role's name, and the key in `NAME-state`. */
const ROLE = 'postgresql';

interface EarlierRecord {
  readonly epoch: number;
  readonly copies: readonly Copy[];
}

/**
 * With its copies, so that two empty volumes beside it found no new pair: what it names is missing, and that is said.
 * @throws TerminalError `StateUnreadable`
 */
export function firstRecord(cluster: SpaceCluster, state: Readonly<Record<string, string>>): Lease {
  const lease = roleLease(cluster, 'postgresql', pairRecord(cluster.metadata.name), ROLE);
  const text = state[ROLE];
  if (text === undefined) return lease;
  const { epoch, copies } = earlier(text);
  const annotations = { [ANNOTATIONS.phase]: 'open', [ANNOTATIONS.copies]: JSON.stringify(copies) };
  return {
    ...lease,
    metadata: { ...lease.metadata, annotations },
    spec: { leaseTransitions: epoch },
  };
}

function earlier(text: string): EarlierRecord {
  try {
    const { epoch, copies } = JSON.parse(text) as Partial<EarlierRecord>;
    if (Number.isSafeInteger(epoch) && epoch !== undefined && Array.isArray(copies)) return { epoch, copies };
  } catch {
    // Told below, like a text of another shape.
  }
  throw new TerminalError(
    'StateUnreadable',
    `the state record's ${ROLE} is not readable: ${text.slice(0, 200)}; put back what the operator wrote`,
  );
}
