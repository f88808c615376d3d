// For tests: what both members of the model share: time, the link between them, what clients were told, and the rules that
// are left out.
import type { Step, View } from './view.ts';

/** A rule taken out, to see that the model notices: what is left out is as it should be. */
export interface Rules {
  /** Between the agent's eyes and the decider, and between the decider and its hands. */
  readonly seen?: (view: View) => View;
  readonly done?: (step: Step, view: View) => Step;
  /** The record's store, the supervisor, the peer and the engine do not keep theirs. */
  readonly without?: readonly Rule[];
}

export type Rule =
  | 'resource-version'
  | 'deadline'
  | 'promise'
  | 'own-renewal'
  | 'solo'
  | 'lent'
  | 'failsafe'
  | 'memory'
  | 'unknown-outcome'
  | 'wait-no-replica'
  | 'sync-relay-log'
  | 'relay-log-recovery-off'
  | 'kill-to-fence'
  | 'apply-before-reset'
  | 'read-only-start';

export class World {
  /** Milliseconds. */
  now = 0;
  link = true;
  /** Transactions whose commit was acknowledged to a client, and those that a client has read. */
  readonly acked = new Set<number>();
  readonly read = new Set<number>();
  readonly rules: Rules;
  /** By transaction the server that it came from. */
  readonly #origins = new Map<number, string>();
  #fresh = 0;

  constructor(rules: Rules) {
    this.rules = rules;
  }

  without(rule: Rule): boolean {
    return this.rules.without?.includes(rule) === true;
  }

  /** The next transaction, which begins on this server. */
  transaction(serverUuid: string): number {
    const id = this.#origins.size + 1;
    this.#origins.set(id, serverUuid);
    return id;
  }

  gtids(transactions: ReadonlySet<number>): string {
    return [...transactions].map((each) => `${this.#origins.get(each)}:${each}`).join(',');
  }

  /** Names of a data directory and of a server that never were before. */
  fresh(): { readonly datadir: string; readonly serverUuid: string } {
    this.#fresh += 1;
    return {
      datadir: `data-${this.#fresh}`,
      serverUuid: `00000000-0000-0000-0000-${String(this.#fresh).padStart(12, '0')}`,
    };
  }
}
