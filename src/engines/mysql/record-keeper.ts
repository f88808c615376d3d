// The role's record as this agent may rely on it, and its own writes whose outcome it does not know (M5).
import type { RoleClient } from '../../agent/role.ts';
import type { RoleRecord } from '../../agent/role-record.ts';
import type { PendingWrite, Step } from './view.ts';

/** So long a write may take; then its outcome is unknown. */
const WRITE_MS = 1_500;

export class RecordKeeper {
  readonly #role: Pick<RoleClient, 'current' | 'write'>;
  #own: RoleRecord | undefined;
  #pending: readonly PendingWrite[] = [];

  constructor(role: Pick<RoleClient, 'current' | 'write'>) {
    this.#role = role;
  }

  /** The newest record known: what the watch has shown, or an own write it has not shown yet. */
  record(): RoleRecord | undefined {
    const seen = this.#role.current();
    if (this.#own === undefined || (seen !== undefined && isNewer(seen, this.#own))) return seen;
    return this.#own;
  }

  /** Is the newest record the one on the watch, so that verdict and version are of one moment (M4)? */
  onWatch(): boolean {
    const seen = this.#role.current();
    return seen !== undefined && seen.resourceVersion === this.record()?.resourceVersion;
  }

  /** A write can land only on the version it was sent for: once the record has moved on, it has landed or never will. */
  pending(): readonly PendingWrite[] {
    const version = this.record()?.resourceVersion;
    this.#pending = this.#pending.filter(({ base }) => base === version);
    return this.#pending;
  }

  /** @returns what became of it; an unknown outcome is kept in `pending` */
  async write(
    step: Step & { readonly kind: 'write' },
    signal: AbortSignal,
  ): Promise<'done' | 'conflict' | 'unknown'> {
    const pending: PendingWrite = {
      kind: step.write,
      base: step.base.resourceVersion,
      copies: step.change.copies,
    };
    // Known before it is sent: whatever interrupts this call, the write counts as possibly done.
    if (!this.pending().some((each) => each.kind === pending.kind))
      this.#pending = [...this.#pending, pending];
    const bound = AbortSignal.any([signal, AbortSignal.timeout(WRITE_MS)]);
    const outcome = await this.#role.write(step.base, step.change, bound);
    if (outcome.kind === 'done') this.#own = outcome.record;
    return outcome.kind;
  }
}

/** Versions of one object grow (Kubernetes 1.35 says so for all its stores; etcd's always did). */
function isNewer(a: RoleRecord, b: RoleRecord): boolean {
  return BigInt(a.resourceVersion) > BigInt(b.resourceVersion);
}
