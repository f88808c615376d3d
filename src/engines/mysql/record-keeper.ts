// The role's record as this agent may rely on it, its own writes whose outcome it does not know (M5), and its promise to
// the peer. All three outlive the process (memory.ts).
import type { RoleClient } from '../../agent/role.ts';
import type { RoleRecord } from '../../agent/role-record.ts';
import { LONGEST_DURATION_MS } from '../../agent/timing.ts';
import { bootNow } from './memory.ts';
import type { Memory } from './memory.ts';
import type { PendingWrite, Step } from './view.ts';

/** So long a write may take; then its outcome is unknown. */
const WRITE_MS = 1_500;

export class RecordKeeper {
  readonly #role: Pick<RoleClient, 'current' | 'write'>;
  readonly #memory: Memory;
  readonly #clock: () => number;
  #own: RoleRecord | undefined;
  #pending: readonly PendingWrite[];
  #promisedUntil: number;
  #saved = '';

  /** @param clock milliseconds that go on through a restart of this process */
  constructor(role: Pick<RoleClient, 'current' | 'write'>, memory: Memory, clock: () => number = bootNow) {
    const kept = memory.load();
    this.#role = role;
    this.#memory = memory;
    this.#clock = clock;
    this.#own = kept?.record;
    this.#pending = kept?.pending ?? [];
    // What an earlier agent of this member has promised is not known: the longest there is.
    this.#promisedUntil = kept?.promisedUntil ?? clock() + LONGEST_DURATION_MS;
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
    this.#save();
    return this.#pending;
  }

  /**
   * The holder was promised that nothing is taken from it for so long. Kept before it is said: an agent that is started
   * anew keeps it too.
   */
  promise(durationMs: number): void {
    this.#promisedUntil = Math.max(this.#promisedUntil, this.#clock() + durationMs);
    this.#save();
  }

  /** Is a promise in force? One that nobody holds the role under binds nobody. */
  promised(): boolean {
    return this.record()?.holder !== undefined && this.#clock() < this.#promisedUntil;
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
    if (!this.pending().some((each) => each.kind === pending.kind)) {
      this.#pending = [...this.#pending, pending];
      this.#save();
    }
    const bound = AbortSignal.any([signal, AbortSignal.timeout(WRITE_MS)]);
    const outcome = await this.#role.write(step.base, step.change, bound);
    if (outcome.kind === 'done') {
      this.#own = outcome.record;
      this.#save();
    }
    return outcome.kind;
  }

  #save(): void {
    const kept = { record: this.record(), pending: this.#pending, promisedUntil: this.#promisedUntil };
    const text = JSON.stringify(kept);
    if (text === this.#saved) return;
    this.#memory.save(kept);
    this.#saved = text;
  }
}

/** Versions of one object grow (Kubernetes 1.35 says so for all its stores; etcd's always did). */
function isNewer(a: RoleRecord, b: RoleRecord): boolean {
  return BigInt(a.resourceVersion) > BigInt(b.resourceVersion);
}
