// Adds and removes a finalizer, on condition that nobody changed the object since it was read.
import { isNotFound } from '../errors.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject, ResourceType } from './types.ts';

/**
 * The object with the finalizer; unchanged when it had it.
 * @throws ApiError 409 when the object is no longer the one given
 */
export async function addFinalizer<T extends KubeObject>(
  kube: KubeClient,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
  signal: AbortSignal,
): Promise<T> {
  const present = object.metadata.finalizers ?? [];
  if (present.includes(finalizer)) return object;
  return patch(kube, type, object, [...present, finalizer], signal);
}

/**
 * Removes the finalizer, after which the API server deletes an object that is being deleted and has no other.
 * @throws ApiError 409 when the object is no longer the one given
 */
export async function removeFinalizer<T extends KubeObject>(
  kube: KubeClient,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
  signal: AbortSignal,
): Promise<void> {
  const present = object.metadata.finalizers ?? [];
  if (!present.includes(finalizer)) return;
  try {
    await patch(
      kube,
      type,
      object,
      present.filter((other) => other !== finalizer),
      signal,
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function patch<T extends KubeObject>(
  kube: KubeClient,
  type: ResourceType<T>,
  object: T,
  finalizers: readonly string[],
  signal: AbortSignal,
): Promise<T> {
  const { namespace, name, resourceVersion, uid } = object.metadata;
  return kube.mergePatch(
    type,
    namespace,
    name,
    { metadata: { finalizers, resourceVersion, uid } },
    { signal },
  );
}
