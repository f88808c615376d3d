// Every version of the role records while a test runs, and what must hold of them all: epochs rise, one holder each (L1, L2).
import { decodeRole } from '../../src/agent/role-record.ts';
import type { RoleRecord } from '../../src/agent/role-record.ts';
import { ROLE_LABEL } from '../../src/api/v1alpha1/names.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import { Leases } from '../../src/kube/resources.ts';
import type { Logger } from '../../src/log.ts';

export interface Entry {
  /** Milliseconds since 1970, when it was seen. */
  readonly at: number;
  readonly role: string;
  readonly record: RoleRecord;
}

export class History {
  readonly entries: Entry[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  async start(kube: KubeClient, namespace: string, log: Logger): Promise<void> {
    const reflector = new Reflector({
      kube,
      type: Leases,
      query: { namespace, labelSelector: ROLE_LABEL },
      log,
    });
    reflector.subscribe((change) => {
      if (change.type === 'DELETED') return;
      const lease = change.object;
      this.entries.push({ at: Date.now(), role: lease.metadata.name, record: decodeRole(lease) });
    });
    this.#running = reflector.run(this.#stop.signal);
    await reflector.hasSynced;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  of(role: string): readonly Entry[] {
    return this.entries.filter((entry) => entry.role === role);
  }

  /** How often the role got another holder since a moment. */
  handOvers(role: string, since: number): number {
    const entries = this.of(role);
    const before = entries.findLast(({ at }) => at < since)?.record.epoch ?? 0;
    return (entries.at(-1)?.record.epoch ?? before) - before;
  }

  /** '' when all is as it must be. */
  violation(): string {
    for (const role of new Set(this.entries.map((entry) => entry.role))) {
      const holders = new Map<number, string>();
      let last = 0;
      for (const { record } of this.of(role)) {
        if (record.epoch < last) return `${role}: the epoch fell from ${last} to ${record.epoch} (L2)`;
        last = record.epoch;
        if (record.holder === undefined) continue;
        const first = holders.get(record.epoch) ?? record.holder;
        if (first !== record.holder) return `${role}: ${first} and ${record.holder} in epoch ${last} (L1)`;
        holders.set(record.epoch, first);
      }
    }
    return '';
  }
}
