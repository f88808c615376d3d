// Routing by one write: an agent puts itself into, or takes a pod out of, the EndpointSlice of a selector-less Service.
import { ApiUnreachableError, isConflict, LeaseLostError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { readyEndpoint } from '../kube/ready-endpoint.ts';
import { EndpointSlices } from '../kube/resources.ts';
import { sleep } from '../kube/wait.ts';
import type { EndpointSlice } from '../kube/types.ts';
import type { Identity } from './identity.ts';
import { endpointOf, following, including, leading, sole, without } from './slice-content.ts';
import type { SliceChange } from './slice-content.ts';

export interface SlicesOptions {
  readonly kube: KubeClient;
  readonly identity: Identity;
}

const RETRY_MS = 100;
const CALL_MS = 2_000;

/**
 * The slice bears its Service's name and exists already (agents may not create). Writes are conditional on the version
 * the decision was made from, so one that is delayed lands on a newer version and is refused (counterexample 11).
 * All methods go on through conflicts and silence until `signal` is aborted, and then throw what went wrong last.
 */
export class Slices {
  readonly #kube: KubeClient;
  readonly #identity: Identity;

  constructor({ kube, identity }: SlicesOptions) {
    this.#kube = kube;
    this.#identity = identity;
  }

  /**
   * This pod as the one endpoint of a role's Service.
   * @throws LeaseLostError when the slice carries a newer epoch: the role has gone to another
   */
  async publishSole(service: string, epoch: number, signal: AbortSignal): Promise<void> {
    await this.#change(service, sole(endpointOf(this.#identity), epoch), signal);
  }

  /**
   * This pod as the endpoint that leads, the others behind it.
   * @throws LeaseLostError as `publishSole`
   */
  async lead(service: string, epoch: number, signal: AbortSignal): Promise<void> {
    await this.#change(service, leading(endpointOf(this.#identity), epoch), signal);
  }

  /** This pod behind the endpoint that leads. */
  async follow(service: string, signal: AbortSignal): Promise<void> {
    await this.#change(service, following(endpointOf(this.#identity)), signal);
  }

  /** This pod beside the others. */
  async addSelf(service: string, signal: AbortSignal): Promise<void> {
    await this.#change(service, including(endpointOf(this.#identity)), signal);
  }

  /** A peer that is dead or not in step leaves the routing. */
  async removeMember(service: string, pod: string, signal: AbortSignal): Promise<void> {
    await this.#change(service, without(pod), signal);
  }

  /** This very pod leaves the routing; whoever else is there stays. */
  async withdraw(service: string, signal: AbortSignal): Promise<void> {
    await this.#change(service, without(this.#identity.pod, this.#identity.uid), signal);
  }

  /** Are clients sent to this very pod now? One read; throws what it throws. */
  async leadsToSelf(service: string, signal: AbortSignal): Promise<boolean> {
    const slice = await this.#kube.get(EndpointSlices, this.#identity.namespace, service, {
      signal,
      timeoutMs: CALL_MS,
    });
    return readyEndpoint(slice)?.targetRef?.uid === this.#identity.uid;
  }

  async #change(service: string, change: SliceChange, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        const slice = await this.#kube.get(EndpointSlices, this.#identity.namespace, service, {
          signal,
          timeoutMs: CALL_MS,
        });
        await this.#apply(slice, change, signal);
        return;
      } catch (error) {
        if (signal.aborted || !(error instanceof ApiUnreachableError || isConflict(error))) throw error;
      }
      await sleep(RETRY_MS, signal);
    }
  }

  async #apply(slice: EndpointSlice, change: SliceChange, signal: AbortSignal): Promise<void> {
    const decision = change(slice);
    if (decision.kind === 'refused') {
      throw new LeaseLostError(
        `EndpointSlice ${slice.metadata.name} carries epoch ${decision.epoch} already`,
      );
    }
    if (decision.kind === 'write') {
      await this.#kube.replace(EndpointSlices, decision.slice, { signal, timeoutMs: CALL_MS });
    }
  }
}
