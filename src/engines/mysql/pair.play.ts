// For tests: schedules of faults played on the model of the pair, and the safety properties in the words of the specification.
import { expect } from '@jest/globals';
import { array, constantFrom, integer, oneof, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { Pair } from './pair.model.ts';
import type { Fate, Rules } from './pair.model.ts';

/** A round gives each part of the system its turn, except those that the move leaves out. */
const ORDINARY = [
  'look',
  'heartbeat',
  'watch',
  'poll',
  'write',
  'read',
  'ship',
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

  async move({ action, node: index, amount }: Move): Promise<void> {
    const { pair } = this;
    const node = pair.nodes[index === 0 ? 0 : 1];
    const lasting = (fault: () => void, heal: () => void): void => {
      fault();
      this.#healing.push({ at: pair.now + amount * 20, heal });
    };
    switch (action) {
      case 'round':
        return this.round(amount);
      case 'look':
        await pair.look(node);
        break;
      case 'heartbeat':
        await pair.heartbeat(node);
        break;
      case 'watch':
        pair.watch(node);
        break;
      case 'poll':
        pair.poll(node);
        break;
      case 'write':
        pair.write(node);
        break;
      case 'read':
        pair.clientReads(node);
        break;
      case 'ship':
        pair.reconnect(node);
        pair.ship(node);
        break;
      case 'acknowledge':
        pair.acknowledge(node);
        break;
      case 'apply':
        pair.apply(node);
        break;
      case 'start':
        pair.start(node);
        break;
      case 'advance':
        this.advance(amount);
        break;
      case 'kill':
        pair.kill(node);
        break;
      case 'power':
        pair.losePower(node);
        break;
      case 'restart-agent':
        // Down for a while; the next one has the disk, and none of the memory.
        lasting(
          () => (node.agent.up = false),
          () => {
            pair.restartAgent(node);
          },
        );
        break;
      case 'hang':
        lasting(
          () => (node.agent.up = false),
          () => (node.agent.up = true),
        );
        break;
      case 'freeze':
        lasting(
          () => pair.freeze(node, true),
          () => pair.freeze(node, false),
        );
        break;
      case 'cut-api':
        lasting(
          () => (node.api = false),
          () => (node.api = true),
        );
        break;
      case 'cut-api-all':
        for (const each of pair.nodes) {
          lasting(
            () => (each.api = false),
            () => (each.api = true),
          );
        }
        break;
      case 'cut-link':
        lasting(
          () => (pair.link = false),
          () => (pair.link = true),
        );
        break;
      case 'fate':
        pair.fates = Array<Fate>(1 + (amount % 4)).fill(FATES[amount % FATES.length] ?? 'lost');
        break;
      case 'land':
        pair.landLate();
        break;
      case 'replace':
        lasting(
          () => (pair.replace = node.name),
          () => (pair.replace = ''),
        );
        break;
      case 'lose-disk': {
        // The last copy of everything cannot be lost: no protocol brings that back.
        const other = pair.other(node);
        const kept = pair.record.copies.some(
          ({ member, datadir }) => member === other.name && datadir === other.engine.datadir,
        );
        if (kept && pair.record.phase === 'open') pair.loseDisk(node);
        break;
      }
      default:
        throw new Error('unknown action');
    }
  }

  advance(ms: number): void {
    this.pair.advance(ms);
    const due = this.#healing.filter(({ at }) => at <= this.pair.now);
    this.#healing = this.#healing.filter((each) => !due.includes(each));
    for (const { heal } of due) heal();
  }

  async round(leftOut: number): Promise<void> {
    const { pair } = this;
    for (const [index, node] of pair.nodes.entries()) {
      const on = (bit: number): boolean => ((leftOut >> (bit + index * 3)) & 1) === 0;
      pair.start(node);
      if (on(0)) await pair.heartbeat(node);
      if (on(1)) pair.watch(node);
      if (on(2)) pair.poll(node);
      pair.write(node);
      pair.failsafe(node);
      await pair.look(node);
      pair.clientReads(node);
      pair.reconnect(node);
      const [ship, acknowledge, apply] = leftOut === 0 ? [9, 9, 9] : [leftOut % 4, leftOut % 3, leftOut % 5];
      times(ship, () => {
        pair.ship(node);
      });
      times(acknowledge, () => {
        pair.acknowledge(node);
      });
      times(apply, () => {
        pair.apply(node);
      });
    }
    this.advance(100);
  }

  /** Everything works and everybody has his turn. */
  async settle(rounds: number): Promise<void> {
    const { pair } = this;
    this.#healing = [];
    pair.link = true;
    pair.fates = [];
    for (const node of pair.nodes) {
      node.api = true;
      node.agent.up = true;
      pair.freeze(node, false);
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
  const [a, b] = pair.nodes;
  if (pair.canAcknowledge(a) && pair.canAcknowledge(b)) return 'S2: two can acknowledge';
  const open = pair.nodes.filter(
    (node) => node.engine.alive && node.engine.writable && !node.frozen && !node.woken,
  );
  if (open.length > 1) return 'L1: two are open';
  for (const { engine } of open) {
    for (const each of pair.acked)
      if (!engine.committed.has(each)) return `S1: ${each} was acknowledged and is lost`;
    for (const each of pair.read) if (!engine.committed.has(each)) return `S3: ${each} was read and is lost`;
  }
  return undefined;
}

export function healthy(pair: Pair): boolean {
  const primary = pair.nodes.find((node) => node.engine.alive && node.engine.writable);
  return (
    primary !== undefined &&
    pair.record.holder === primary.identity &&
    pair.record.phase === 'open' &&
    pair.record.copies.length === 2 &&
    primary.engine.semiSync &&
    primary.engine.online &&
    pair.other(primary).engine.io
  );
}

/**
 * The one end that only a human can mend: a withdrawal without an answer landed after the primary's disk was lost, so that no
 * recorded copy exists any more. Then both members say what they have.
 */
export function isToldOf({ nodes, record: { holder, copies, notes } }: Pair): boolean {
  const gone = copies.every(({ member, datadir }) =>
    nodes.every((node) => node.name !== member || node.engine.datadir !== datadir),
  );
  return gone && holder === undefined && notes?.stranded?.length === nodes.length;
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
