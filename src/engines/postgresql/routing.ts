// Keeps the Services' slices in line with what the member may serve: it adds only itself, and takes out a peer that is dead.
import type { Identity } from '../../agent/identity.ts';
import { Slices } from '../../agent/slices.ts';
import { Wake } from '../../agent/wake.ts';
import { assertNever, messageOf } from '../../errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Reflector } from '../../kube/reflector.ts';
import { EndpointSlices } from '../../kube/resources.ts';
import type { EndpointSlice } from '../../kube/types.ts';
import type { Logger } from '../../log.ts';
import { REPORT_ANNOTATION } from './report.ts';

/** What the member wants the API server to say of it. */
export interface Wish {
  readonly serving: boolean;
  /** The dead-rule's word on the peer. */
  readonly peerDead: boolean;
  /** The report's text; undefined before the first. */
  readonly report: string | undefined;
}

export interface RoutingOptions {
  readonly kube: KubeClient;
  readonly identity: Identity;
  readonly peer: string;
  /** The Service of both members, and each member's own. */
  readonly services: { readonly pair: string; readonly own: string; readonly peer: string };
  readonly log: Logger;
  /** Somebody else took this member out of the pair's Service. */
  readonly onTakenOut: () => void;
}

export type SliceAction =
  | { readonly kind: 'add'; readonly service: string }
  | { readonly kind: 'remove'; readonly service: string; readonly pod: string }
  | { readonly kind: 'report'; readonly text: string };

/** Milliseconds for one write; then it is decided anew. */
const WRITE_MS = 5_000;
const RETRY_MS = 1_000;
/** Until every node has taken a withdrawn endpoint out of its rules. */
const SPREAD_MS = 500;

export class Routing {
  readonly #options: RoutingOptions;
  readonly #slices: Slices;
  readonly #reflector: Reflector<EndpointSlice>;
  readonly #wake = new Wake();
  #wish: Wish | undefined;
  /** This pod was seen in the pair's Service, and has not left it by itself since. */
  #present = false;

  constructor(options: RoutingOptions) {
    const { kube, identity, log } = options;
    this.#options = options;
    this.#slices = new Slices({ kube, identity });
    const labelSelector = `app.kubernetes.io/instance=${identity.cluster},endpointslice.kubernetes.io/managed-by=spacecluster.dev`;
    this.#reflector = new Reflector({
      kube,
      type: EndpointSlices,
      query: { namespace: identity.namespace, labelSelector },
      log,
      backoff: { firstMs: 200, maxMs: 5_000 },
      listTimeoutMs: 5_000,
    });
    this.#reflector.subscribe(() => {
      this.#wake.notify();
    });
  }

  wish(wish: Wish): void {
    this.#wish = wish;
    this.#wake.notify();
  }

  /** Is the peer an endpoint of the pair's Service? As last seen. */
  peerListed(): boolean {
    return listed(this.#slice(this.#options.services.pair), this.#options.peer);
  }

  async run(signal: AbortSignal): Promise<void> {
    const following = this.#reflector.run(signal);
    while (!signal.aborted) {
      const settled = await this.#settle(signal);
      await this.#wake.wait(settled ? 60_000 : RETRY_MS, signal);
    }
    await following;
  }

  /** Takes this member out and returns when that is done and has spread, or at `signal`. */
  async leave(signal: AbortSignal): Promise<void> {
    const { own, pair } = this.#options.services;
    for (const service of [pair, own]) await this.#slices.withdraw(service, signal);
    const spread = new Wake();
    await spread.wait(SPREAD_MS, signal);
  }

  #slice(service: string): EndpointSlice | undefined {
    return this.#reflector.store.get(this.#options.identity.namespace, service);
  }

  #isTakenOut({ serving }: Wish): boolean {
    const { identity, services } = this.#options;
    const before = this.#present;
    this.#present = serving && listed(this.#slice(services.pair), identity.pod, identity.uid);
    return serving && before && !this.#present;
  }

  async #settle(signal: AbortSignal): Promise<boolean> {
    if (this.#wish === undefined || !this.#reflector.synced) return false;
    if (this.#isTakenOut(this.#wish)) {
      // Whoever took it out heard nothing of it: it asks again when it has caught up (P2).
      this.#wish = { ...this.#wish, serving: false };
      this.#options.log.warn('taken out of the Service by the peer');
      this.#options.onTakenOut();
    }
    const actions = sliceActions(this.#wish, this.#options, (service) => this.#slice(service));
    const bound = AbortSignal.any([signal, AbortSignal.timeout(WRITE_MS)]);
    try {
      for (const action of actions) await this.#act(action, bound);
      return actions.length === 0;
    } catch (error) {
      if (!signal.aborted) this.#options.log.warn('Service not brought in line', { error: messageOf(error) });
      return false;
    }
  }

  async #act(action: SliceAction, signal: AbortSignal): Promise<void> {
    const { identity, kube, services, log } = this.#options;
    switch (action.kind) {
      case 'add':
        await this.#slices.addSelf(action.service, signal);
        log.info('serving', { service: action.service });
        return;
      case 'remove':
        await this.#slices.removeMember(action.service, action.pod, signal);
        log.info('endpoint removed', { service: action.service, endpoint: action.pod });
        return;
      case 'report': {
        const annotations = { [REPORT_ANNOTATION]: action.text };
        await kube.mergePatch(
          EndpointSlices,
          identity.namespace,
          services.own,
          { metadata: { annotations } },
          { signal },
        );
        return;
      }
      default:
        assertNever(action);
    }
  }
}

/** Pure: what has to be written for the slices to say what is wished. Slices that are not there yet wait. */
export function sliceActions(
  wish: Wish,
  { identity, peer, services }: Pick<RoutingOptions, 'identity' | 'peer' | 'services'>,
  sliceOf: (service: string) => EndpointSlice | undefined,
): readonly SliceAction[] {
  const own = [services.pair, services.own].flatMap((service): readonly SliceAction[] => {
    const slice = sliceOf(service);
    if (slice === undefined) return [];
    const present = listed(slice, identity.pod, identity.uid);
    if (wish.serving) return present ? [] : [{ kind: 'add', service }];
    // An endpoint of an earlier pod of this name goes too.
    return listed(slice, identity.pod) ? [{ kind: 'remove', service, pod: identity.pod }] : [];
  });
  const dead = [services.pair, services.peer].flatMap((service): readonly SliceAction[] =>
    wish.peerDead && listed(sliceOf(service), peer) ? [{ kind: 'remove', service, pod: peer }] : [],
  );
  const present = sliceOf(services.own);
  const reported = present?.metadata.annotations?.[REPORT_ANNOTATION];
  return present === undefined || wish.report === undefined || reported === wish.report
    ? [...own, ...dead]
    : [...own, ...dead, { kind: 'report', text: wish.report }];
}

function listed(slice: EndpointSlice | undefined, pod: string, uid?: string): boolean {
  return (slice?.endpoints ?? []).some(
    ({ targetRef }) => targetRef?.name === pod && (uid === undefined || targetRef.uid === uid),
  );
}
