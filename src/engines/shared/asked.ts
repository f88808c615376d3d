// What of the spec a running pod depends on, as a fingerprint in its template: the pods that bear another one are renewed.
// Not the template's own revision: a new operator may build another template from the same spec, and changes no pod (R4).
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import type { Component } from '../../api/v1alpha1/names.ts';
import { hashOf } from '../../kube/hash.ts';
import type { PodSpec } from '../../kube/types.ts';

/** Pure. Images, resources (the engines' configuration is sized by them) and the spread over nodes. */
export function askedOf({ spec }: SpaceCluster, component: Component, pod: PodSpec): string {
  const sidecars = pod.initContainers ?? [];
  return hashOf({
    images: [...sidecars, ...pod.containers].map(({ name, image }) => [name, image]),
    resources: spec.resources[component === 'loadbalancer' ? 'loadBalancer' : component],
    agent: sidecars.length === 0 ? undefined : spec.resources.agent,
    antiAffinity: spec.antiAffinity,
  });
}
