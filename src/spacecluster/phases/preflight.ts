// Phase: the cluster may start, or go on to its new spec. What it reads is read again only when it may have changed.
import { clusterKey } from '../caches.ts';
import type { KubeClient } from '../../kube/client.ts';
import { gatherPreflight } from '../preflight/gather.ts';
import { runPreflight } from '../preflight/chain.ts';
import type { PreflightResult } from '../preflight/chain.ts';
import type { OperatorSettings } from '../settings.ts';
import type { Scope } from '../scope.ts';

/** A passed preflight holds for this long: nodes, other Services and certificates change without telling us. */
const PASSED_MS = 300_000;
/** A failed one is looked at again soon: its cause may be mended anywhere. */
const FAILED_MS = 2_000;

interface Verdict {
  readonly generation: number | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly result: PreflightResult;
}

export class Preflight {
  readonly #kube: KubeClient;
  readonly #settings: OperatorSettings;
  readonly #verdicts = new Map<string, Verdict>();

  constructor(kube: KubeClient, settings: OperatorSettings) {
    this.#kube = kube;
    this.#settings = settings;
  }

  async run(scope: Scope): Promise<PreflightResult> {
    const key = clusterKey(scope.cluster);
    const { generation } = scope.cluster.metadata;
    const at = scope.now.getTime();
    const last = this.#verdicts.get(key);
    if (last !== undefined && last.generation === generation) {
      if (at - last.at < (last.result.passed ? PASSED_MS : FAILED_MS)) return last.result;
    }
    const facts = await gatherPreflight(this.#kube, scope.cluster, this.#settings, scope.signal);
    const result = runPreflight(facts, scope.now);
    this.#verdicts.set(key, { generation, at, result });
    return result;
  }

  /** A cluster that is gone is not remembered. */
  forget(key: string): void {
    this.#verdicts.delete(key);
  }
}
