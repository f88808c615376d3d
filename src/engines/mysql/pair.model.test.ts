// Random schedules of faults against the real decider: nothing acknowledged or read is lost, never two primaries, and
// once all is healed the pair comes together again.
import { describe, expect, it } from '@jest/globals';
import { array, assert, asyncProperty, constantFrom, integer, record } from 'fast-check';
import { Pair } from './pair.model.ts';
import type { Fate } from './pair.model.ts';

const ORDINARY = ['look', 'look', 'look', 'heartbeat', 'heartbeat', 'watch', 'watch', 'poll', 'poll', 'write', 'replicate', 'replicate', 'start', 'failsafe', 'advance', 'advance'] as const;
const FAULTS = ['kill', 'restart-agent', 'hang', 'freeze', 'cut-api', 'cut-link', 'lose-disk', 'fate', 'land', 'wait-long'] as const;
const HEALING = ['resume', 'thaw', 'mend-api', 'mend-link'] as const;

type Action = (typeof ORDINARY)[number] | (typeof FAULTS)[number] | (typeof HEALING)[number];

interface Move {
  readonly action: Action;
  readonly node: number;
  readonly amount: number;
}

const FATES: readonly Fate[] = ['landed', 'lost', 'late'];

async function play(pair: Pair, { action, node: index, amount }: Move): Promise<void> {
  const node = pair.nodes[index === 0 ? 0 : 1];
  switch (action) {
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
    case 'replicate':
      pair.reconnect(node);
      pair.replicate(node);
      break;
    case 'start':
      pair.start(node);
      break;
    case 'failsafe':
      pair.failsafe(node);
      break;
    case 'advance':
      pair.advance(amount);
      break;
    case 'wait-long':
      pair.advance(amount * 20);
      break;
    case 'kill':
      pair.kill(node);
      break;
    case 'restart-agent':
      pair.restartAgent(node);
      break;
    case 'hang':
      node.agent.up = false;
      break;
    case 'resume':
      node.agent.up = true;
      break;
    case 'freeze':
      pair.freeze(node, true);
      break;
    case 'thaw':
      pair.freeze(node, false);
      break;
    case 'cut-api':
      node.api = false;
      break;
    case 'mend-api':
      node.api = true;
      break;
    case 'cut-link':
      pair.link = false;
      break;
    case 'mend-link':
      pair.link = true;
      break;
    case 'fate':
      pair.fate = FATES[amount % FATES.length] ?? 'lost';
      break;
    case 'land':
      pair.landLate();
      break;
    case 'lose-disk': {
      // The last copy of everything cannot be lost: no protocol brings that back.
      const other = pair.other(node);
      const recorded = pair.record.copies.some(
        ({ member, datadir }) => member === other.name && datadir === other.engine.datadir,
      );
      if (recorded && !pair.record.copies.some(({ member }) => member === node.name)) pair.loseDisk(node);
      break;
    }
    default:
      throw new Error('unknown action');
  }
}

/** The safety properties, in the words of the specification. */
function violation(pair: Pair): string | undefined {
  const [a, b] = pair.nodes;
  if (pair.canAcknowledge(a) && pair.canAcknowledge(b)) return 'S2: two can acknowledge';
  const open = pair.nodes.filter((node) => node.engine.alive && node.engine.writable && !node.frozen);
  if (open.length > 1) return 'L1: two are open';
  for (const { engine } of open) {
    for (const each of pair.acked) if (!engine.committed.has(each)) return `S1: ${each} was acknowledged and is lost`;
    for (const each of pair.read) if (!engine.committed.has(each)) return `S3: ${each} was read and is lost`;
  }
  return undefined;
}

/** Everything works and everybody has his turn. */
async function settle(pair: Pair, rounds: number): Promise<void> {
  pair.link = true;
  pair.fate = 'done';
  for (const node of pair.nodes) {
    node.api = true;
    node.agent.up = true;
    pair.freeze(node, false);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const node of pair.nodes) {
      pair.start(node);
      await pair.heartbeat(node);
      pair.watch(node);
      pair.poll(node);
      pair.failsafe(node);
      await pair.look(node);
      pair.reconnect(node);
      for (let each = 0; each < 20; each += 1) pair.replicate(node);
      expect(violation(pair)).toBeUndefined();
    }
    pair.advance(100);
  }
}

function healthy(pair: Pair): boolean {
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

const moves = (actions: readonly Action[]) =>
  record<Move>({
    action: constantFrom(...actions),
    node: integer({ min: 0, max: 1 }),
    amount: integer({ min: 10, max: 400 }),
  });

describe('the pair under faults', () => {
  it('comes up from nothing', async () => {
    const pair = new Pair();
    await settle(pair, 60);
    expect(healthy(pair)).toBe(true);
  });

  it('loses nothing and never has two primaries, whatever fails; and comes together again', async () => {
    const actions = [...ORDINARY, ...ORDINARY, ...ORDINARY, ...FAULTS, ...HEALING, ...HEALING];
    await assert(
      asyncProperty(array(moves(actions), { minLength: 50, maxLength: 400 }), async (schedule) => {
        const pair = new Pair();
        await settle(pair, 60);
        for (const move of schedule) {
          await play(pair, move);
          const wrong = violation(pair);
          if (wrong !== undefined) throw new Error(wrong);
        }
        await settle(pair, 300);
        expect(healthy(pair)).toBe(true);
      }),
      { numRuns: Number(process.env['SPC_MODEL_RUNS'] ?? 200) },
    );
  }, 600_000);
});
