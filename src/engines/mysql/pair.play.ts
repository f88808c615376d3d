// For tests: schedules of faults played on the model of the pair, and the safety properties in the words of the specification.
import { expect } from '@jest/globals';
import { array, constantFrom, integer, oneof, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { Pair } from './pair.model.ts';
import type { Fate } from './pair.store.ts';
import type { Rules } from './pair.world.ts';

/** A round gives each part of the system its turn, except those that the move leaves out. */
const ORDINARY = [
  'look',
  'heartbeat',
  'watch',
  'poll',
  'write',
  'read',
  'receive',
  'acknowledge',
  'apply',
  'start',
  'advance',
] as const;
export const FAULTS = [
  'kill',
  'restart-agent',
  'hang',
  'freeze',
  'cut-api',
  'cut-api-all',
  'cut-link',
  'lose-disk',
  'replace',
  'fate',
  'land',
  'power',
] as const;

export type Action = 'round' | (typeof ORDINARY)[number] | (typeof FAULTS)[number];

export interface Move {
  readonly action: Action;
  readonly node: number;
  /** Bits of what a round leaves out; how long a fault lasts. */
  readonly amount: number;
}

/** Rounds of 100 ms: a standby that came and went often is tried again after the longest pause of a minute. */
export const HEALED_ROUNDS = 900;

const FATES: readonly Fate[] = ['landed', 'lost', 'late'];

export class Play {
  readonly pair: Pair;
  #healing: { readonly at: number; readonly heal: () => void }[] = [];

  constructor(rules: Rules = {}) {
    this.pair = new Pair(rules);
  }

  async move({ action, node, amount }: Move): Promise<void> {
    const { pair } = this;
    const member = pair.members[node === 0 ? 0 : 1];
    const lasting = (fault: () => void, heal: () => void): void => {
      fault();
      this.#healing.push({ at: pair.world.now + amount * 20, heal });
    };
    switch (action) {
      case 'round':
        return this.round(amount);
      case 'look':
        await member.look();
        break;
      case 'heartbeat':
        member.heartbeat();
        break;
      case 'watch':
        member.watch();
        break;
      case 'poll':
        member.poll();
        break;
      case 'write':
        member.write();
        break;
      case 'read':
        member.read();
        break;
      case 'receive':
        member.reconnect();
        member.receive();
        break;
      case 'acknowledge':
        member.acknowledge();
        break;
      case 'apply':
        member.apply();
        break;
      case 'start':
        member.start();
        break;
      case 'advance':
        this.advance(amount);
        break;
      case 'kill':
        member.engine.kill();
        break;
      case 'power':
        member.losePower();
        break;
      case 'restart-agent':
        // Down for a while; the next one has the disk, and none of the memory.
        lasting(
          () => (member.agent.up = false),
          () => {
            member.restartAgent();
          },
        );
        break;
      case 'hang':
        lasting(
          () => (member.agent.up = false),
          () => (member.agent.up = true),
        );
        break;
      case 'freeze':
        lasting(
          () => member.freeze(true),
          () => member.freeze(false),
        );
        break;
      case 'cut-api':
        lasting(
          () => (member.api = false),
          () => (member.api = true),
        );
        break;
      case 'cut-api-all':
        for (const each of pair.members) {
          lasting(
            () => (each.api = false),
            () => (each.api = true),
          );
        }
        break;
      case 'cut-link':
        lasting(
          () => (pair.world.link = false),
          () => (pair.world.link = true),
        );
        break;
      case 'fate':
        pair.store.fates = Array<Fate>(1 + (amount % 4)).fill(FATES[amount % FATES.length] ?? 'lost');
        break;
      case 'land':
        pair.store.landLate();
        break;
      case 'replace':
        lasting(
          () => (pair.store.asked.replace = member.name),
          () => (pair.store.asked.replace = ''),
        );
        break;
      case 'lose-disk': {
        // The last copy of everything cannot be lost: no protocol brings that back.
        const { name, engine } = member.peer;
        const { copies, phase } = pair.store.record;
        const kept = copies.some((copy) => copy.member === name && copy.datadir === engine.datadir);
        if (kept && phase === 'open') member.loseDisk();
        break;
      }
      default:
        throw new Error('unknown action');
    }
  }

  advance(ms: number): void {
    this.pair.advance(ms);
    const due = this.#healing.filter(({ at }) => at <= this.pair.world.now);
    this.#healing = this.#healing.filter((each) => !due.includes(each));
    for (const { heal } of due) heal();
  }

  async round(leftOut: number): Promise<void> {
    const { pair } = this;
    for (const [index, member] of pair.members.entries()) {
      const on = (bit: number): boolean => ((leftOut >> (bit + index * 3)) & 1) === 0;
      member.start();
      if (on(0)) member.heartbeat();
      if (on(1)) member.watch();
      if (on(2)) member.poll();
      member.write();
      member.failsafe();
      await member.look();
      member.read();
      member.reconnect();
      const [receive, acknowledge, apply] =
        leftOut === 0 ? [9, 9, 9] : [leftOut % 4, leftOut % 3, leftOut % 5];
      times(receive, () => {
        member.receive();
      });
      times(acknowledge, () => {
        member.acknowledge();
      });
      times(apply, () => {
        member.apply();
      });
    }
    this.advance(100);
  }

  /** Everything works and everybody has his turn. */
  async settle(rounds: number): Promise<void> {
    const { pair } = this;
    this.#healing = [];
    pair.world.link = true;
    pair.store.fates = [];
    for (const member of pair.members) {
      member.api = true;
      member.agent.up = true;
      member.freeze(false);
    }
    for (let round = 0; round < rounds && !(round > 20 && healthy(pair)); round += 1) {
      await this.round(0);
      expect(violation(pair)).toBeUndefined();
    }
  }
}

function times(count: number, work: () => void): void {
  for (let each = 0; each < count; each += 1) work();
}

/** The safety properties, in the words of the specification. */
export function violation(pair: Pair): string | undefined {
  const [a, b] = pair.members;
  if (a.canAcknowledge() && b.canAcknowledge()) return 'S2: two can acknowledge';
  const open = pair.members.filter((member) => member.isOpen() && !member.isWaking());
  if (open.length > 1) return 'L1: two are open';
  for (const { engine } of open) {
    for (const each of pair.world.acked)
      if (!engine.committed.has(each)) return `S1: ${each} was acknowledged and is lost`;
    for (const each of pair.world.read)
      if (!engine.committed.has(each)) return `S3: ${each} was read and is lost`;
  }
  return undefined;
}

export function healthy(pair: Pair): boolean {
  const primary = pair.members.find((member) => member.engine.alive && member.engine.writable);
  return (
    primary !== undefined &&
    pair.store.record.holder === primary.identity &&
    pair.store.record.phase === 'open' &&
    pair.store.record.copies.length === 2 &&
    primary.engine.semiSync &&
    primary.engine.online &&
    primary.peer.engine.io
  );
}

/**
 * The one end that only a human can mend: a withdrawal without an answer landed after the primary's disk was lost, so that no
 * recorded copy exists any more. Then both members say what they have.
 */
export function isToldOf({ members, store }: Pair): boolean {
  const { holder, copies, notes } = store.record;
  const gone = copies.every(({ member, datadir }) =>
    members.every(({ name, engine }) => name !== member || engine.datadir !== datadir),
  );
  return gone && holder === undefined && notes?.stranded?.length === members.length;
}

const moves = (...actions: readonly Action[]) =>
  record<Move>({
    action: constantFrom(...actions),
    node: integer({ min: 0, max: 1 }),
    amount: integer({ min: 0, max: 255 }),
  });

/** Mostly rounds: a fault is of interest only when the protocol goes on around it. */
export function schedules(faults: readonly Action[] = FAULTS): Arbitrary<Move[]> {
  return array(
    oneof(
      { weight: 14, arbitrary: moves('round') },
      { weight: 4, arbitrary: moves(...ORDINARY) },
      { weight: 3, arbitrary: moves(...faults) },
    ),
    { minLength: 100, maxLength: 500, size: 'max' },
  );
}
