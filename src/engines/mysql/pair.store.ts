// For tests: what the API server of the model keeps: the role record, and what annotations ask for. A write may be lost, land
// without an answer, or land late.
import type { RoleChange, RoleRecord } from '../../agent/role-record.ts';
import type { WriteOutcome } from '../../agent/role.ts';
import type { World } from './pair.world.ts';
import { EMPTY } from './testing.ts';

export type Fate = 'done' | 'landed' | 'lost' | 'late';

const UNKNOWN: WriteOutcome = { kind: 'unknown', error: new Error('no answer') };

export class Store {
  record = EMPTY;
  /** A member to be made anew; a member that shall go on alone, and the token for it. */
  asked = { replace: '', force: { member: '', token: '' } };
  /** Of the next writes. */
  fates: Fate[] = [];
  /** On their way; they may land while the version that they go by is current. */
  readonly #late: { readonly base: RoleRecord; readonly change: RoleChange }[] = [];
  readonly #world: World;
  #version = 1;

  constructor(world: World) {
    this.#world = world;
  }

  /** From a member that reaches the store, or does not. */
  write(reachable: boolean, base: RoleRecord, change: RoleChange): WriteOutcome {
    if (!reachable) return UNKNOWN;
    const fate = this.fates.shift() ?? 'done';
    if (fate === 'lost') return UNKNOWN;
    if (fate === 'late') {
      this.#late.push({ base, change });
      return UNKNOWN;
    }
    if (!this.#land(base, change)) return { kind: 'conflict' };
    return fate === 'landed' ? UNKNOWN : { kind: 'done', record: this.record };
  }

  /** The oldest of the late writes arrives. */
  landLate(): void {
    const [first] = this.#late.splice(0, 1);
    if (first !== undefined) this.#land(first.base, first.change);
  }

  #land(base: RoleRecord, change: RoleChange): boolean {
    if (this.#world.without('resource-version')) this.record = base;
    if (base.resourceVersion !== this.record.resourceVersion) return false;
    this.#version += 1;
    const { holder, notes, ...rest } = change;
    this.record = {
      ...this.record,
      ...rest,
      notes: { ...this.record.notes, ...notes },
      holder: holder === undefined ? this.record.holder : (holder ?? undefined),
      resourceVersion: String(this.#version),
    };
    return true;
  }
}
