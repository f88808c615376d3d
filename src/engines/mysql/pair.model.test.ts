// Random schedules of faults against the real decider: nothing acknowledged or read is lost, never two primaries, and
// once all is healed the pair comes together again.
import { describe, expect, it } from '@jest/globals';
import { assert, asyncProperty } from 'fast-check';
import { lossToken } from '../../agent/role-notes.ts';
import { HEALED_ROUNDS, healthy, isToldOf, Play, schedules, violation } from './pair.play.ts';

describe('the pair under faults', () => {
  it('comes up from nothing', async () => {
    const play = new Play();
    await play.settle(60);
    expect(healthy(play.pair)).toBe(true);
  });

  it('goes on when the agent of the primary is started anew in an outage of the API server (V4, counterexample 40)', async () => {
    const play = new Play();
    const { pair } = play;
    await play.settle(60);
    for (const member of pair.members) member.api = false;
    const [primary] = pair.members;
    for (let round = 0; round < 1_000; round += 1) {
      // Seldom and for long, as a kubelet does it; never in the first seconds, when an outage may be none.
      if (round > 100 && round % 200 === 0) primary.agent.up = false;
      if (round % 200 === 30 && !primary.agent.up) primary.restartAgent();
      await play.round(0);
      expect([round, primary.engine.alive, primary.engine.writable]).toEqual([round, true, true]);
      expect(violation(pair)).toBeUndefined();
    }
    expect(primary.engine.run).toBe(1);
  });

  it('keeps what an agent promised when it is started anew', async () => {
    const play = new Play();
    const { pair } = play;
    await play.settle(60);
    const [primary, standby] = pair.members;
    for (const member of pair.members) member.api = false;
    for (let round = 0; round < 100; round += 1) await play.round(0);
    // The standby alone reaches the API server again, and has forgotten that it promised.
    pair.world.link = false;
    standby.api = true;
    standby.restartAgent();
    for (let round = 0; round < 300; round += 1) {
      await play.round(0);
      expect(violation(pair)).toBeUndefined();
    }
    expect([primary.engine.writable, standby.engine.writable]).toEqual([false, true]);
  });

  it('goes on with what is left when a human accepts the loss, once, and keeps what the lost primary has', async () => {
    const play = new Play();
    const { pair } = play;
    await play.settle(60);
    const [primary, standby] = pair.members;
    // The standby is withdrawn, then the only recorded copy is gone for good.
    pair.world.link = false;
    for (let round = 0; round < 60; round += 1) await play.round(0);
    expect(pair.store.record.copies.map(({ member }) => member)).toEqual([primary.name]);
    primary.freeze(true);
    for (let round = 0; round < 400; round += 1) await play.round(0);
    expect(standby.engine.writable).toBe(false);
    const { stranded } = pair.store.record.notes ?? {};
    expect(stranded).toEqual([{ member: standby.name, upTo: String(standby.engine.committed.size) }]);
    pair.store.asked.force = { member: standby.name, token: lossToken(pair.store.record, standby.name) };
    for (let round = 0; round < 60; round += 1) await play.round(0);
    expect(standby.engine.writable).toBe(true);
    const { epoch } = pair.store.record;
    // It comes back, with commits that the new primary has not: they stay until a human lets them go.
    const kept = [...primary.engine.committed];
    pair.world.link = true;
    primary.freeze(false);
    for (let round = 0; round < 400; round += 1) await play.round(0);
    expect([primary.engine.writable, standby.engine.writable, pair.store.record.epoch]).toEqual([
      false,
      true,
      epoch,
    ]);
    expect(kept.every((each) => primary.engine.committed.has(each))).toBe(true);
    expect(pair.store.record.copies).toHaveLength(1);
    pair.store.asked.replace = primary.name;
    for (let round = 0; round < 400; round += 1) await play.round(0);
    expect([healthy(pair), pair.store.record.epoch, pair.store.record.notes?.forced]).toEqual([
      true,
      epoch,
      '',
    ]);
  });

  it('loses nothing and never has two primaries, whatever fails; and comes together again', async () => {
    await assert(
      asyncProperty(schedules(), async (schedule) => {
        const play = new Play();
        await play.settle(60);
        for (const move of schedule) {
          await play.move(move);
          const wrong = violation(play.pair);
          if (wrong !== undefined) throw new Error(wrong);
        }
        await play.settle(HEALED_ROUNDS);
        expect(healthy(play.pair) || isToldOf(play.pair)).toBe(true);
      }),
      { numRuns: Number(process.env['SPC_MODEL_RUNS'] ?? 200), endOnFailure: true },
    );
  }, 600_000);
});
