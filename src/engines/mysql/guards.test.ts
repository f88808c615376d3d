// What stands between a decision and its effect: the record that is believed, the permit to serve, the failsafe.
import { describe, expect, it } from '@jest/globals';
import type { RoleChange, RoleRecord } from '../../agent/role-record.ts';
import type { WriteOutcome } from '../../agent/role.ts';
import { answerTo, decideFailsafe } from './failsafe.ts';
import { Permit } from './permit.ts';
import { RecordKeeper } from './record-keeper.ts';

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

const withdraw = (base: RoleRecord) =>
  ({ kind: 'write', write: 'withdraw', base, change: { copies: [] }, reason: '' }) as const;
const signal = new AbortController().signal;

describe('the record keeper', () => {
  it('believes an own confirmed write before the watch shows it, and newer ones after', async () => {
    const store = new Store();
    const keeper = new RecordKeeper(store);
    await keeper.write(withdraw(record(5)), signal);
    expect(keeper.record()?.resourceVersion).toBe('6');
    expect(keeper.onWatch()).toBe(false);
    store.seen = record(12);
    expect(keeper.record()?.resourceVersion).toBe('12');
    expect(keeper.onWatch()).toBe(true);
  });

  it('keeps a write of unknown outcome until the record has moved on (M5, counterexample 35)', async () => {
    const store = new Store();
    const keeper = new RecordKeeper(store);
    store.outcome = { kind: 'unknown', error: new Error('no answer') };
    expect(await keeper.write(withdraw(record(5)), signal)).toBe('unknown');
    expect(keeper.pending()).toEqual([{ kind: 'withdraw', base: '5', copies: [] }]);
    await keeper.write(withdraw(record(5)), signal);
    expect(keeper.pending()).toHaveLength(1);
    store.seen = record(7);
    expect(keeper.pending()).toEqual([]);
  });
});

describe('the permit', () => {
  const make = () => {
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
    return { clock, armed, permit: new Permit(supervisor, false, () => clock.now) };
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

describe('the failsafe', () => {
  const holder = {
    now: 1_000,
    writable: true,
    permitUntil: 1_900,
    renewDeadlineMs: 2_000,
    peerMayCount: true,
    answer: undefined,
  };

  it.each([
    ['nothing while the heartbeat is renewed', { permitUntil: 2_900 }, 'none'],
    ['nothing when it is not open', { writable: false }, 'none'],
    ['asks the peer in time', {}, 'ask'],
    ['carries on alone when no other copy is named (counterexample 39)', { peerMayCount: false }, 'carry-on'],
    ['does not yield before it has to', { answer: 'refused' as const }, 'ask'],
    ['yields to a peer that can take over', { answer: 'refused' as const, permitUntil: 1_200 }, 'yield'],
    ['asks to the end when the peer is silent', { permitUntil: 1_050 }, 'ask'],
  ])('%s', (_, change, step) => {
    expect(decideFailsafe({ ...holder, ...change }).kind).toBe(step);
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
