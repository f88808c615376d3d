// What outlives an agent, on a real disk: its memory, and the deadline it left mysqld under.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bootNow, DiskMemory } from './memory.ts';
import type { Kept } from './memory.ts';
import { Supervisor } from './supervisor.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/memory-`);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe('the memory', () => {
  const kept: Kept = {
    record: {
      holder: 'm-0/u',
      epoch: 3,
      phase: 'open',
      copies: [{ member: 'm-0', serverUuid: 'a', datadir: 'data-a' }],
      switchover: '',
      resourceVersion: '77',
    },
    pending: [{ kind: 'withdraw', base: '77', copies: [] }],
    promisedUntil: bootNow() + 5_000,
  };
  const file = (): string => `${directory}/agent.json`;

  it('gives back what was kept last', () => {
    const memory = new DiskMemory(file());
    expect(memory.load()).toBeUndefined();
    memory.save({ ...kept, record: undefined });
    memory.save(kept);
    expect(new DiskMemory(file()).load()).toMatchObject(kept);
  });

  it('does not know how old a promise of an earlier life of the machine is', () => {
    const memory = new DiskMemory(file());
    memory.save(kept);
    const text = readFileSync(file(), 'utf8');
    writeFileSync(file(), text.replace(/"boot":"[^"]*"/, '"boot":"another"'));
    expect(memory.load()).toMatchObject({ ...kept, promisedUntil: undefined });
  });

  it.each(['', '{"version":', '{"version":9}'])('is none where the file says %j', (text) => {
    writeFileSync(file(), text);
    expect(new DiskMemory(file()).load()).toBeUndefined();
  });
});

describe('the deadline', () => {
  it('is read by the next agent as the last one wrote it', () => {
    const supervisor = new Supervisor(directory);
    expect(supervisor.deadline()).toBeUndefined();
    const until = performance.now() + 1_500;
    supervisor.arm(until);
    const read = new Supervisor(directory).deadline() ?? 0;
    expect(read).toBeGreaterThan(until - 200);
    // To the hundredth of a second, by which both clocks are read.
    expect(read).toBeLessThan(until + 20);
    supervisor.disarm();
    expect(supervisor.deadline()).toBeUndefined();
  });

  it('has passed where it was set in an earlier life of the machine, or cannot be read', () => {
    for (const text of ['another 999999999', 'broken']) {
      writeFileSync(`${directory}/deadline`, `${text}\n`);
      expect(new Supervisor(directory).deadline()).toBe(Number.NEGATIVE_INFINITY);
    }
  });
});
