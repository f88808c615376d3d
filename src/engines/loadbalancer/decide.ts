// Pure: what the operator does about the pair. The agents move the Web IP by themselves; the operator only renews pods.
import type { BalancerFacts, PairObserved } from './gather.ts';

export type Step = { readonly kind: 'none' } | { readonly kind: 'restart'; readonly balancer: BalancerFacts };

/**
 * A pod of an outdated template is restarted: first the one that does not serve, and only while the other one does. Deleting
 * the holder is a hand-over, by its preStop hook.
 */
export function decide({ balancers, holder }: PairObserved): Step {
  if (balancers.some(({ uid, ending }) => uid === undefined || ending)) return { kind: 'none' };
  const outdated = balancers.filter(({ current }) => !current);
  const next =
    outdated.find(({ ready }) => !ready) ??
    outdated.find((balancer) => !holds(balancer, holder)) ??
    outdated[0];
  if (next === undefined) return { kind: 'none' };
  const othersServe = balancers.every((balancer) => balancer === next || balancer.ready);
  return othersServe || !next.ready ? { kind: 'restart', balancer: next } : { kind: 'none' };
}

export function holds({ name, uid }: BalancerFacts, holder: string | undefined): boolean {
  return uid !== undefined && holder === `${name}/${uid}`;
}
