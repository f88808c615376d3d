// Growing volumes: which claims a StatefulSet's new sizes concern. Pure. (The API server refuses to change claim templates.)
import { parseQuantity } from '../kube/quantity.ts';
import type { PersistentVolumeClaim, StatefulSet } from '../kube/types.ts';

export interface Growth {
  /** Claims that ask for less than the template does now, and what they shall ask for. */
  readonly claims: readonly { readonly name: string; readonly size: string }[];
  /** The StatefulSet has to be made anew, over its running pods, to carry the new template. */
  readonly remake: boolean;
}

const NONE: Growth = { claims: [], remake: false };

/** Only ever larger: a smaller size is refused by the CRD's rules, and would be ignored here. */
export function growthOf(
  desired: StatefulSet,
  live: StatefulSet | undefined,
  claims: readonly PersistentVolumeClaim[],
): Growth {
  if (live === undefined) return NONE;
  const templates = desired.spec?.volumeClaimTemplates ?? [];
  const wanted = templates.flatMap((template) => {
    const size = sizeOf(template);
    const name = template.metadata?.name;
    return size === undefined || name === undefined
      ? []
      : [{ prefix: `${name}-${desired.metadata.name}-`, size, name }];
  });
  return {
    claims: wanted.flatMap(({ prefix, size }) =>
      claims
        .filter(
          (claim) => new RegExp(`^${prefix}\\d+$`).test(claim.metadata.name) && smaller(sizeOf(claim), size),
        )
        .map((claim) => ({ name: claim.metadata.name, size })),
    ),
    remake: wanted.some(({ name, size }) => {
      const before = live.spec?.volumeClaimTemplates?.find((template) => template.metadata?.name === name);
      return before !== undefined && smaller(sizeOf(before), size);
    }),
  };
}

interface Claimed {
  readonly spec?: PersistentVolumeClaim['spec'];
}

function sizeOf(claim: Claimed): string | undefined {
  return claim.spec?.resources?.requests?.['storage'];
}

function smaller(current: string | undefined, wanted: string): boolean {
  return current !== undefined && parseQuantity(current) < parseQuantity(wanted);
}
