// What the operator sees of the pair: plain data from its caches.
import { names } from '../../api/v1alpha1/names.ts';
import { readyEndpoint } from '../../kube/ready-endpoint.ts';
import type { EndpointSlice, Pod } from '../../kube/types.ts';
import type { EngineContext } from '../engine.ts';
import { memberNames } from './specs.ts';

export interface BalancerFacts {
  readonly name: string;
  readonly uid: string | undefined;
  readonly node: string | undefined;
  readonly ready: boolean;
}

export interface PairObserved {
  /** Both, whether they exist or not, in the order of their ordinals. */
  readonly balancers: readonly BalancerFacts[];
  /** `POD/UID` in the role's record. */
  readonly holder: string | undefined;
  /** Whose endpoint the Web IP leads to. */
  readonly routedTo: { readonly pod: string; readonly uid: string } | undefined;
}

export async function gather({ cluster, view }: EngineContext): Promise<PairObserved> {
  const { services, roleLeases } = names(cluster.metadata.name);
  const role = view.roleLeases.find(({ metadata }) => metadata.name === roleLeases.vip);
  const slice = view.slices.find(({ metadata }) => metadata.name === services.vip);
  return {
    balancers: memberNames(cluster).map((name) =>
      factsOf(
        name,
        view.pods.find(({ metadata }) => metadata.name === name),
      ),
    ),
    holder: role?.spec?.holderIdentity,
    routedTo: targetOf(slice),
  };
}

function factsOf(name: string, pod: Pod | undefined): BalancerFacts {
  return {
    name,
    uid: pod?.metadata.uid,
    node: pod?.spec?.nodeName,
    ready:
      pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
  };
}

function targetOf(slice: EndpointSlice | undefined): PairObserved['routedTo'] {
  const target = slice === undefined ? undefined : readyEndpoint(slice)?.targetRef;
  return target?.name === undefined ? undefined : { pod: target.name, uid: target.uid ?? '' };
}
