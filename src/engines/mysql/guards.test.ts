// What stands between a decision and its effect: the record that is believed, the permit to serve, the failsafe.
import { describe, expect, it } from '@jest/globals';
import type { RoleChange, RoleRecord } from '../../agent/role-record.ts';
import type { WriteOutcome } from '../../agent/role.ts';
import { timingOf } from '../../agent/timing.ts';
import { answerTo, decideFailsafe, paceOf } from './failsafe.ts';
import type { HolderView } from './failsafe.ts';
import type { Kept, Memory } from './memory.ts';
import { Permit } from './permit.ts';
import { RecordKeeper } from './record-keeper.ts';
import { CLOSED, OTHER, VIEW } from './testing.ts';
import { mustCommit } from './view.ts';

const record = (version: number, holder = 'm-0/u'): RoleRecord => ({
  holder,
  epoch: 2,
  phase: 'open',
  copies: [],
  switchover: '',
  resourceVersion: String(version),
});

class Store {
  seen: RoleRecord | undefined = record(5);
  outcome: WriteOutcome = { kind: 'done', record: record(6) };
  readonly written: RoleChange[] = [];

  current(): RoleRecord | undefined {
    return this.seen;
  }

  write(_base: RoleRecord, change: RoleChange): Promise<WriteOutcome> {
    this.written.push(change);
    return Promise.resolve(this.outcome);
  }
}

class Disk implements Memory {
  kept: Kept | undefined = { record: undefined, pending: [], promisedUntil: 0 };

  load(): Kept | undefined {
    return this.kept;
  }

  save(kept: Kept): void {
    this.kept = kept;
  }
}

const withdraw = (base: RoleRecord) =>
  ({ kind: 'write', write: 'withdraw', base, change: { copies: [] }, reason: '' }) as const;
const signal = new AbortController().signal;

describe('the record keeper', () => {
  it('believes an own confirmed write before the watch shows it, and newer ones after', async () => {
    const store = new Store();
    const keeper = new RecordKeeper(store, new Disk());
    await keeper.write(withdraw(record(5)), signal);
    expect(keeper.record()?.resourceVersion).toBe('6');
    expect(keeper.onWatch()).toBe(false);
    store.seen = record(12);
    expect(keeper.record()?.resourceVersion).toBe('12');
    expect(keeper.onWatch()).toBe(true);
  });

  it('keeps a write of unknown outcome until the record has moved on (M5, counterexample 35)', async () => {
    const store = new Store();
    const keeper = new RecordKeeper(store, new Disk());
    store.outcome = { kind: 'unknown', error: new Error('no answer') };
    expect(await keeper.write(withdraw(record(5)), signal)).toBe('unknown');
    expect(keeper.pending()).toEqual([{ kind: 'withdraw', base: '5', copies: [] }]);
    await keeper.write(withdraw(record(5)), signal);
    expect(keeper.pending()).toHaveLength(1);
    store.seen = record(7);
    expect(keeper.pending()).toEqual([]);
  });
});

describe('the record keeper of an agent that is started anew', () => {
  it('knows a write that was under way when the last agent ended (M5)', async () => {
    const [store, disk] = [new Store(), new Disk()];
    const before = new RecordKeeper(store, disk);
    store.outcome = { kind: 'unknown', error: new Error('no answer') };
    const sent = before.write(withdraw(record(5)), signal);
    // Not yet answered: it ends here.
    expect(disk.kept?.pending).toHaveLength(1);
    await sent;
    const away = new Store();
    away.seen = undefined;
    const after = new RecordKeeper(away, disk);
    expect(after.record()).toEqual(record(5));
    expect(after.pending()).toEqual([{ kind: 'withdraw', base: '5', copies: [] }]);
    expect(after.onWatch()).toBe(false);
  });

  it('keeps a promise, and the longest one where none is known; nobody is bound to a holder that is not', () => {
    const clock = { now: 1_000 };
    const [store, disk] = [new Store(), new Disk()];
    const start = () => new RecordKeeper(store, disk, () => clock.now);
    const before = start();
    expect(before.promised()).toBe(false);
    before.promise(3_000);
    clock.now = 3_900;
    expect(start().promised()).toBe(true);
    clock.now = 4_100;
    expect(start().promised()).toBe(false);
    disk.kept = undefined;
    const fresh = start();
    clock.now = 19_000;
    expect(fresh.promised()).toBe(true);
    store.seen = { ...record(8), holder: undefined };
    expect(fresh.promised()).toBe(false);
    store.seen = record(9);
    clock.now = 19_200;
    expect(fresh.promised()).toBe(false);
  });
});

describe('the permit', () => {
  const make = (inherited?: number) => {
    const clock = { now: 1_000 };
    const armed: (number | 'off')[] = [];
    const supervisor = {
      arm: (until: number) => {
        armed.push(until);
      },
      disarm: () => {
        armed.push('off');
      },
    };
    return { clock, armed, permit: new Permit(supervisor, inherited, () => clock.now) };
  };

  it('writes the deadline only while armed, and never shortens it', () => {
    const { armed, permit } = make();
    permit.renewed(3_000);
    expect(armed).toEqual([]);
    permit.arm();
    permit.carryOn(2_000);
    permit.renewed(3_500);
    permit.disarm();
    permit.disarm();
    expect(armed).toEqual([3_000, 3_500, 'off']);
  });

  it('does not save an engine whose deadline has passed: it woke up, and another may be open (L1)', () => {
    const { armed, clock, permit } = make();
    permit.renewed(3_000);
    permit.arm();
    clock.now = 3_001;
    permit.renewed(5_000);
    permit.renewed(5_500);
    expect(armed).toEqual([3_000]);
    permit.arm();
    expect(armed).toEqual([3_000, 5_500]);
  });

  it('leaves an engine under the deadline that an earlier agent set, unproven (M11)', () => {
    const { armed, clock, permit } = make(2_500);
    expect([permit.permitted(), permit.proven()]).toEqual([true, false]);
    permit.carryOn(4_000);
    clock.now = 3_000;
    expect([permit.permitted(), permit.proven(), permit.heartbeatUntil()]).toEqual([true, false, 2_500]);
    expect(armed).toEqual([4_000]);
  });

  it('is proven by a confirmed write only until a deadline has passed, seen or not (M11)', () => {
    const { clock, permit } = make();
    permit.confirmed();
    expect(permit.proven()).toBe(false);
    permit.renewed(3_000);
    permit.confirmed();
    expect(permit.proven()).toBe(true);
    clock.now = 3_500;
    permit.renewed(5_500);
    expect(permit.permitted()).toBe(true);
    expect(permit.proven()).toBe(false);
  });
});

describe('a renewal needs a fresh commit (M8)', () => {
  it.each([
    ['of an open primary', VIEW, true],
    ['of one that does not answer: a stalled disk', { ...VIEW, engine: { kind: 'unknown', why: '' } }, true],
    ['not of a closed one', { ...VIEW, engine: CLOSED }, false],
    ['not before there is anything to commit to', { ...VIEW, provisioned: false }, false],
    ['not of a standby', { ...OTHER, engine: { kind: 'unknown', why: '' } }, false],
  ] as const)('%s', (_, view, expected) => {
    expect(mustCommit(view)).toBe(expected);
  });
});

describe('the failsafe', () => {
  const beat = timingOf('Fast', 'candidate');
  const holder: HolderView = {
    now: 1_000,
    beat,
    writable: true,
    semiSync: true,
    permitUntil: 1_900,
    heartbeatUntil: 1_900,
    lent: false,
    peerMayCount: true,
    answer: undefined,
  };
  const alone = { peerMayCount: false, semiSync: false };

  it.each([
    ['nothing while the heartbeat is renewed', { permitUntil: 2_900, heartbeatUntil: 2_900 }, 'none'],
    ['nothing when it is not open', { writable: false }, 'none'],
    ['asks the peer in time', {}, 'ask'],
    ['carries on alone when no other copy is named (counterexample 39)', { peerMayCount: false }, 'carry-on'],
    ['is in time for more where it is alone', { ...alone, permitUntil: 2_900 }, 'carry-on'],
    ['has enough then', { ...alone, permitUntil: 7_000, heartbeatUntil: 2_900, lent: true }, 'none'],
    [
      'gives it back before a standby counts',
      { peerMayCount: false, permitUntil: 7_000, heartbeatUntil: 2_900, lent: true },
      'give-back',
    ],
    [
      'keeps it while the heartbeat is not renewed',
      { peerMayCount: false, permitUntil: 7_000, heartbeatUntil: 500, lent: true },
      'none',
    ],
    ['does not yield before it has to', { answer: 'refused' as const }, 'ask'],
    ['yields to a peer that can take over', { answer: 'refused' as const, permitUntil: 1_200 }, 'yield'],
    ['asks to the end when the peer is silent', { permitUntil: 1_050 }, 'ask'],
  ])('%s', (_, change, step) => {
    expect(decideFailsafe({ ...holder, ...change }).kind).toBe(step);
  });

  it('asks for little at first, and for enough to start an agent anew in an outage that goes on, or alone', () => {
    const relaxed = timingOf('Relaxed', 'candidate');
    expect(paceOf({ ...holder, heartbeatUntil: 10_000, now: 14_000 })).toBe(beat);
    expect(paceOf({ ...holder, heartbeatUntil: 10_000, now: 16_000 })).toBe(relaxed);
    expect(paceOf({ ...holder, ...alone })).toBe(relaxed);
  });

  const question = { holder: 'm-0/u', epoch: 2, durationMs: 3_000 };
  const asked = { record: record(5), taking: false, apiReachable: false };

  it.each([
    ['a peer that cannot write promises', {}, 'promised'],
    ['one that can does not', { apiReachable: true }, 'refused'],
    ['one whose taking is of unknown outcome does not', { taking: true }, 'refused'],
    ['one that knows another holder does not', { record: record(5, 'm-1/u') }, 'refused'],
    [
      'one with an older record believes the asker',
      { record: { ...record(5, 'm-1/u'), epoch: 1 } },
      'promised',
    ],
    ['one that knows a newer epoch does not', { record: { ...record(5), epoch: 3 } }, 'refused'],
  ])('%s', (_, change, answer) => {
    expect(answerTo(question, { ...asked, ...change })).toBe(answer);
  });
});
