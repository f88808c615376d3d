// Pure: the pair's word on itself.
import type { Assessment } from '../engine.ts';
import type { RenewalWish } from '../shared/renewal.ts';
import type { BalancerFacts, PairObserved } from './gather.ts';

export function assess({ balancers, holder, routedTo }: PairObserved): Assessment {
  const serving = balancers.filter(({ ready }) => ready);
  const active = balancers.find((balancer) => holds(balancer, holder));
  const verdict = (ready: boolean, faultTolerant: boolean, reason: string, message: string): Assessment => ({
    ready,
    faultTolerant,
    reason,
    message,
    // The Web IP's part of status has facts beyond the pair; the reconciler writes it.
    status: {},
  });
  if (serving.length === 0) {
    const absent = balancers.filter(({ uid }) => uid === undefined).map(({ name }) => name);
    return verdict(
      false,
      false,
      'Starting',
      `no load balancer serves yet${absent.length === 0 ? '' : `; not there: ${absent.join(', ')}`}`,
    );
  }
  if (active === undefined) return verdict(false, false, 'NoHolder', 'no load balancer holds the Web IP');
  if (routedTo?.pod !== active.name || routedTo.uid !== active.uid) {
    return verdict(
      false,
      false,
      'NotRouted',
      `${active.name} holds the Web IP, which leads to ${routedTo?.pod ?? 'no endpoint'}`,
    );
  }
  if (!active.ready) {
    return verdict(false, false, 'HolderNotServing', `${active.name} holds the Web IP and does not serve`);
  }
  const away = balancers.filter(({ ready }) => !ready);
  if (away.length > 0) {
    return verdict(
      true,
      false,
      'NoStandby',
      `${active.name} serves alone: ${away.map(({ name }) => name).join(', ')} is not ready`,
    );
  }
  const nodes = new Set(balancers.map(({ node }) => node));
  return nodes.size < balancers.length
    ? verdict(true, false, 'OneNode', `both load balancers run on ${[...nodes].join()}`)
    : verdict(true, true, 'Serving', `${active.name} serves, the other one stands by`);
}

/** The holder last, and only while the Web IP leads to it. */
export function renewal({ balancers, holder, routedTo }: PairObserved): RenewalWish {
  const active = balancers.find((balancer) => holds(balancer, holder));
  return {
    last: active === undefined ? [] : [active.name],
    hold:
      active === undefined || routedTo?.uid !== active.uid ? 'the Web IP leads to no holder yet' : undefined,
  };
}

function holds({ name, uid }: BalancerFacts, holder: string | undefined): boolean {
  return uid !== undefined && holder === `${name}/${uid}`;
}
