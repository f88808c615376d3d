// Everything one pass over one cluster may use. Phases take a scope and nothing else.
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import type { ClusterView } from '../engines/engine.ts';
import type { Applier } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Logger } from '../log.ts';
import type { OperatorSettings } from './settings.ts';

export interface Scope {
  readonly cluster: SpaceCluster;
  readonly view: ClusterView;
  /** The cached copy of an object, of any kind that is cached. */
  lookup(object: KubeObject): KubeObject | undefined;
  /** The image that this cluster's agents and workers run from. */
  readonly productImage: string;
  readonly kube: KubeClient;
  readonly applier: Applier;
  readonly events: EventRecorder;
  readonly settings: OperatorSettings;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** When the pass began. */
  readonly now: Date;
}
