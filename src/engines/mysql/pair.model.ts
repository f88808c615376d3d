// For tests: two members, a record and a network that lose, delay and stop at any moment, driven by the real decider,
// record keeper, permit and failsafe.
import { Member } from './pair.member.ts';
import { Store } from './pair.store.ts';
import { World } from './pair.world.ts';
import type { Rules } from './pair.world.ts';

export class Pair {
  readonly world: World;
  readonly store: Store;
  readonly members: readonly [Member, Member];

  constructor(rules: Rules = {}) {
    this.world = new World(rules);
    this.store = new Store(this.world);
    const member = (ordinal: 0 | 1): Member =>
      new Member(ordinal, this.world, this.store, () => this.members[ordinal === 0 ? 1 : 0]);
    this.members = [member(0), member(1)];
  }

  advance(ms: number): void {
    this.world.now += ms;
    for (const member of this.members) member.supervise();
  }
}
