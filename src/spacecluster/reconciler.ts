// One pass over one SpaceCluster: phases over a scope, then its status, which is written whatever the phases met.
import type { SpaceCluster, SpaceClusterStatus } from '../api/v1alpha1/index.ts';
import { SpaceClusters } from '../api/v1alpha1/index.ts';
import { FIELD_MANAGER, FINALIZER, names } from '../api/v1alpha1/names.ts';
import type { Progress } from '../api/v1alpha1/conditions.ts';
import type { Engine, EngineContext } from '../engines/engine.ts';
import { renew } from '../engines/shared/renew.ts';
import { isConflict, isNotFound, messageOf, TerminalError, WaitingError } from '../errors.ts';
import { Applier } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { addFinalizer } from '../kube/finalizers.ts';
import { hashOf } from '../kube/hash.ts';
import { resourceOf } from '../kube/resources.ts';
import type { Logger } from '../log.ts';
import { engines } from './engines.ts';
import type { Caches } from './caches.ts';
import { clusterKey } from './caches.ts';
import { nodeStatuses } from './nodes.ts';
import { finalize } from './phases/deletion.ts';
import { LostPods } from './phases/lost-pods.ts';
import { ensureParts } from './phases/parts.ts';
import { Preflight } from './phases/preflight.ts';
import { ensureSecrets } from './phases/secrets.ts';
import { ensureState } from './phases/state.ts';
import { occurrences } from './occurrences.ts';
import { productImage } from './product-image.ts';
import type { Scope } from './scope.ts';
import type { OperatorSettings } from './settings.ts';
import { nextStatus, pausedStatus, progressStatus } from './status.ts';
import type { Outcome, PartOutcome } from './status.ts';
import { assessVip } from './vip.ts';

/** A settled cluster is looked at this often all the same: certificates age, nodes come and go. */
const SETTLED_MS = 60_000;
/** While something is on its way that no watch tells about. */
const WORKING_MS = 2_000;

export interface ReconcilerOptions {
  readonly kube: KubeClient;
  readonly caches: Caches;
  readonly events: EventRecorder;
  readonly settings: OperatorSettings;
  readonly log: Logger;
}

/** What one pass found, and what went wrong in it unexpectedly. */
interface Pass {
  readonly status: SpaceClusterStatus;
  readonly failure: unknown;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #applier: Applier;
  readonly #preflight: Preflight;
  readonly #lostPods = new LostPods();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#preflight = new Preflight(options.kube, options.settings);
    this.#applier = new Applier({
      kube: options.kube,
      fieldManager: FIELD_MANAGER,
      log: options.log,
      lookup: (type, namespace, name) => options.caches.lookup(type, namespace, name),
    });
  }

  /**
   * @param key `NAMESPACE/NAME`
   * @returns milliseconds until the next look, undefined when the cluster is gone
   */
  async reconcile(key: string, signal: AbortSignal): Promise<{ readonly requeueAfterMs?: number }> {
    const [namespace, name = ''] = key.split('/');
    const cluster = this.#options.caches.clusters.store.get(namespace, name);
    if (cluster === undefined) {
      this.#preflight.forget(key);
      this.#lostPods.forget(key);
      return {};
    }
    const scope = this.#scope(cluster, signal);
    if (cluster.metadata.deletionTimestamp !== undefined) return this.#delete(scope);
    if (cluster.spec.paused) {
      await this.#writeStatus(scope, pausedStatus(cluster, scope.now.toISOString()));
      return {};
    }
    if (!(cluster.metadata.finalizers ?? []).includes(FINALIZER)) {
      // The watch brings the object back with it, and with the version that later writes need.
      await addFinalizer(scope.kube, SpaceClusters, cluster, FINALIZER, signal);
      return {};
    }
    const { status, failure } = await this.#run(scope);
    await this.#writeStatus(scope, status);
    if (failure !== undefined) throw failure;
    const waiting = await this.#lostPods.run(key, scope, this.#options.caches.nodes());
    const settled = status.conditions?.some(
      ({ type, status }) => type === 'Reconciling' && status === 'False',
    );
    return { requeueAfterMs: settled === true && !waiting ? SETTLED_MS : WORKING_MS };
  }

  async #run(scope: Scope): Promise<Pass> {
    const preflight = await this.#preflight.run(scope);
    const started = scope.view.statefulSets.length > 0;
    const blocked: Progress = { kind: 'stalled', reason: preflight.reason, message: preflight.message };
    const { progress, failure } = preflight.passed
      ? await attempt(() => applyAll(scope), { kind: 'settled' })
      : // What runs goes on: its state is still recorded and its certificates renewed; only the new spec is held back (R4).
        await attempt(() => (started ? keepUp(scope) : Promise.resolve()), blocked);
    const parts = await Promise.all(engines.map((engine) => this.#assess(engine, scope)));
    const outcome: Outcome = { preflight, parts, progress, ...this.#surroundings(scope) };
    return { status: nextStatus(scope.cluster, outcome, scope.now.toISOString()), failure };
  }

  /** A part that cannot be asked keeps its last word; the reason is logged and tried again. */
  async #assess(engine: Engine, scope: Scope): Promise<PartOutcome> {
    const context: EngineContext = {
      cluster: scope.cluster,
      view: this.#options.caches.view(scope.cluster),
      kube: scope.kube,
      log: scope.log.with({ component: engine.component }),
      signal: scope.signal,
    };
    try {
      const observed = await engine.gather(context);
      await engine.operate(observed, context);
      const renewal = await renew(engine.component, engine.renewal(observed), context, scope.now);
      return { engine, assessment: engine.assess(observed, scope.cluster), renewal };
    } catch (error) {
      if (!(error instanceof WaitingError)) context.log.warn('could not look after a part', { error });
      return { engine, assessment: undefined, renewal: { kind: 'none' } };
    }
  }

  #surroundings(scope: Scope): Pick<Outcome, 'vip' | 'nodes'> {
    const { caches } = this.#options;
    const view = caches.view(scope.cluster);
    const { namespace, name } = scope.cluster.metadata;
    return {
      vip: assessVip(scope.cluster, {
        service: caches.service(namespace, names(name).services.vip),
        slices: view.slices,
        roleLeases: view.roleLeases,
        announcements: caches.announcements(),
      }),
      nodes: nodeStatuses(view.pods, caches.nodes(), view.roleLeases),
    };
  }

  async #delete(scope: Scope): Promise<{ readonly requeueAfterMs?: number }> {
    try {
      await finalize(scope);
      return {};
    } catch (error) {
      if (!(error instanceof WaitingError)) throw error;
      const progress: Progress = { kind: 'working', reason: error.reason, message: error.message };
      await this.#writeStatus(scope, progressStatus(scope.cluster, progress, scope.now.toISOString()));
      return { requeueAfterMs: error.retryAfterMs };
    }
  }

  /** Only when it differs (R1). A status that lost a race is computed anew from what won it. */
  async #writeStatus(scope: Scope, status: SpaceClusterStatus): Promise<void> {
    const { cluster, kube, signal } = scope;
    if (hashOf(status) === hashOf(cluster.status ?? {})) return;
    try {
      await kube.replace(SpaceClusters, { ...cluster, status }, { signal, subresource: 'status' });
      for (const occurrence of occurrences(cluster.status?.conditions, status.conditions)) {
        scope.events.record(cluster, occurrence);
      }
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  #scope(cluster: SpaceCluster, signal: AbortSignal): Scope {
    const { kube, caches, events, settings, log } = this.#options;
    return {
      cluster,
      view: caches.view(cluster),
      lookup: (object) => {
        const type = resourceOf(object);
        return type === undefined
          ? undefined
          : caches.lookup(type, object.metadata.namespace, object.metadata.name);
      },
      productImage: productImage(cluster, caches.view(cluster).statefulSets, settings.productImage),
      kube,
      applier: this.#applier,
      events,
      settings,
      log: log.with({ cluster: clusterKey(cluster) }),
      signal,
      now: new Date(),
    };
  }
}

async function applyAll(scope: Scope): Promise<void> {
  const state = await keepUp(scope);
  await ensureParts(scope, state);
}

/** What a running cluster needs whatever its spec says. */
async function keepUp(scope: Scope): Promise<Readonly<Record<string, string>>> {
  const state = await ensureState(scope);
  await ensureSecrets(scope);
  return state;
}

/** Runs phases and tells how far they came. An unexpected failure is shown too, and thrown on once the status is written. */
async function attempt(
  phases: () => Promise<unknown>,
  otherwise: Progress,
): Promise<{ readonly progress: Progress; readonly failure?: unknown }> {
  try {
    await phases();
    return { progress: otherwise };
  } catch (error) {
    if (error instanceof WaitingError) {
      return { progress: { kind: 'working', reason: error.reason, message: error.message } };
    }
    if (error instanceof TerminalError) {
      return { progress: { kind: 'stalled', reason: error.reason, message: error.message } };
    }
    return { progress: { kind: 'working', reason: 'Retrying', message: messageOf(error) }, failure: error };
  }
}
