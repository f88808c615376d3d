// Acts on renewal.ts: one outdated pod is deleted, and its StatefulSet makes it anew from the template of today.
import type { Component } from '../../api/v1alpha1/names.ts';
import { selectorLabels } from '../../api/v1alpha1/names.ts';
import { wasDeleted } from '../../kube/deletion.ts';
import { Pods } from '../../kube/resources.ts';
import type { EngineContext } from '../engine.ts';
import { decideRenewal, renewalMembers } from './renewal.ts';
import type { Renewal, RenewalWish } from './renewal.ts';

/**
 * Decides by the caches, and once more by the API server before a pod is taken: a cache that is behind must not take the
 * second member of a pair while the first is away.
 */
export async function renew(
  component: Component,
  wish: RenewalWish,
  context: EngineContext,
  now: Date,
): Promise<Renewal> {
  const { cluster, view, kube, log, signal } = context;
  const seen = decideRenewal(renewalMembers(component, view.statefulSets, view.pods, now), wish);
  if (seen.kind !== 'renew') return seen;
  const { namespace, name } = cluster.metadata;
  const labelSelector = Object.entries(selectorLabels(name, component))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const { items } = await kube.list(Pods, { namespace, labelSelector }, { signal });
  const renewal = decideRenewal(renewalMembers(component, view.statefulSets, items, now), wish);
  if (renewal.kind !== 'renew' || renewal.uid !== seen.uid) return renewal;
  log.info('renewing a pod: the spec asks for another', { pod: renewal.pod });
  await wasDeleted(kube.delete(Pods, namespace, renewal.pod, { signal, uid: renewal.uid }));
  return renewal;
}
