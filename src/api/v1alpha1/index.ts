// The SpaceCluster resource as the code sees it: types generated from the CRD, with the API server's defaults applied.
import type { KubeObject, ObjectMeta, ResourceType } from '../../kube/types.ts';
import type { SpaceClusterSpec, SpaceClusterStatus } from './types.gen.ts';

export type * from './types.gen.ts';

export const GROUP = 'spacecluster.dev';
export const API_VERSION = `${GROUP}/v1alpha1` as const;

export interface SpaceCluster extends KubeObject {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'SpaceCluster';
  readonly metadata: ObjectMeta & { readonly namespace: string; readonly uid: string };
  readonly spec: SpaceClusterSpec;
  readonly status?: SpaceClusterStatus;
}

export const SpaceClusters: ResourceType<SpaceCluster> = Object.freeze({
  apiVersion: API_VERSION,
  kind: 'SpaceCluster',
  plural: 'spaceclusters',
  namespaced: true,
});
