// Brings objects to their desired state and writes nothing when they are there already (R1).
import { ConfigError, isConflict, isNotFound } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { KubeClient } from './client.ts';
import { hashOf } from './hash.ts';
import { resourceOf } from './resources.ts';
import { missing } from './subset.ts';
import type { KubeObject, ResourceType } from './types.ts';

/** What was last applied. With it, a field that we no longer want is noticed although the rest still matches. */
export const APPLIED_HASH = 'spacecluster.dev/applied-hash';

export type Outcome = 'unchanged' | 'written';

/** A cached copy of an object; undefined when there is none. */
export type Lookup = (
  type: ResourceType<KubeObject>,
  namespace: string | undefined,
  name: string,
) => KubeObject | undefined;

export interface ApplierOptions {
  readonly kube: Pick<KubeClient, 'get' | 'create' | 'apply' | 'delete'>;
  readonly fieldManager: string;
  readonly log: Logger;
  /** Saves the read of objects that are cached. What it says is checked before anything is written. */
  readonly lookup?: Lookup;
}

/** Pure: the object as it is sent, with its fingerprint. */
export function stamped<T extends KubeObject>(desired: T): T {
  const annotations = { ...desired.metadata.annotations, [APPLIED_HASH]: hashOf(desired) };
  return { ...desired, metadata: { ...desired.metadata, annotations } };
}

/** Brings objects of kinds listed in resources.ts to their desired state. All methods throw what KubeClient throws. */
export class Applier {
  readonly #options: ApplierOptions;
  /** What the API server made of an object that it does not keep as sent: by uid, so that it is not applied for ever. */
  readonly #normalised = new Map<string, string>();

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** Server-side apply with force, skipped when the live object was applied from the same desired state and still has it. */
  async ensure(desired: KubeObject, signal?: AbortSignal): Promise<Outcome> {
    const { kube, fieldManager, log } = this.#options;
    const type = typeOf(desired);
    const object = stamped(desired);
    if (await this.#exists(type, desired, (live) => this.#settled(object, live), signal)) return 'unchanged';
    const result = await kube.apply(type, object, { fieldManager, force: true, ...withSignal(signal) });
    const rest = missing(object, result);
    if (rest.length > 0) {
      this.#normalised.set(keyOf(result), normalisation(object, rest));
      log.warn('the API server does not keep an object as it was applied', {
        object: `${desired.kind} ${desired.metadata.namespace ?? ''}/${desired.metadata.name}`,
        fields: rest.map((field) => field.split('=')[0]),
      });
    }
    return 'written';
  }

  /** Creates the object when there is none of its name; never touches one that exists. */
  async ensureCreated(object: KubeObject, signal?: AbortSignal): Promise<Outcome> {
    const type = typeOf(object);
    if (await this.#exists(type, object, () => true, signal)) return 'unchanged';
    try {
      await this.#options.kube.create(type, object, withSignal(signal));
      return 'written';
    } catch (error) {
      if (isConflict(error)) return 'unchanged';
      throw error;
    }
  }

  /** Deletes the object when it exists. Resolves with true once it is gone; false while finalizers or a grace hold it. */
  async ensureAbsent(object: KubeObject, signal?: AbortSignal): Promise<boolean> {
    const { kube } = this.#options;
    const type = typeOf(object);
    const { namespace, name } = object.metadata;
    const live = await this.#read(type, namespace, name, signal);
    if (live === undefined) return true;
    if (live.metadata.deletionTimestamp !== undefined) return false;
    try {
      const { uid } = live.metadata;
      await kube.delete(type, namespace, name, {
        ...(uid === undefined ? {} : { uid }),
        propagation: 'Background',
        ...withSignal(signal),
      });
    } catch (error) {
      if (isNotFound(error)) return true;
      // Another object of that name since we looked: the next round judges it anew.
      if (!isConflict(error)) throw error;
    }
    return false;
  }

  /** Asks the cache first; only what it does not confirm is read, so that a stale cache never causes a write. */
  async #exists(
    type: ResourceType<KubeObject>,
    { metadata: { namespace, name } }: KubeObject,
    good: (live: KubeObject) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const cached = this.#options.lookup?.(type, namespace, name);
    if (cached !== undefined && good(cached)) return true;
    const live = await this.#read(type, namespace, name, signal);
    return live !== undefined && good(live);
  }

  async #read(
    type: ResourceType<KubeObject>,
    namespace: string | undefined,
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<KubeObject | undefined> {
    try {
      return await this.#options.kube.get(type, namespace, name, withSignal(signal));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #settled(object: KubeObject, live: KubeObject): boolean {
    const rest = missing(object, live);
    return rest.length === 0 || this.#normalised.get(keyOf(live)) === normalisation(object, rest);
  }
}

/** Exactly these fields, with exactly these values, were left over after this desired state was applied. */
function normalisation(object: KubeObject, rest: readonly string[]): string {
  return hashOf([object.metadata.annotations?.[APPLIED_HASH], rest]);
}

function keyOf(live: KubeObject): string {
  return live.metadata.uid ?? '';
}

/** @throws ConfigError for a kind that resources.ts does not list */
function typeOf(object: KubeObject): ResourceType<KubeObject> {
  const type = resourceOf(object);
  if (type === undefined) {
    throw new ConfigError(`${object.apiVersion} ${object.kind} is no kind that src/kube/resources.ts lists`);
  }
  return type;
}

function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
