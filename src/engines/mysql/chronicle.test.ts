// The course of a hand-over, as it is told to people.
import { describe, expect, it } from '@jest/globals';
import type { RoleRecord } from '../../agent/role-record.ts';
import { taking } from '../../agent/role-record.ts';
import { Chronicle } from './chronicle.ts';
import { HELD } from './testing.ts';
import type { Step } from './view.ts';

const AT = '2026-11-22T20:00:00.000Z';
const take = (base: RoleRecord, reason: string): Step => ({
  kind: 'write',
  write: 'take',
  base,
  change: taking(base, 'm-1/u'),
  reason,
});

describe('the chronicle', () => {
  it('tells of a failover when it is routed, and not before', () => {
    const chronicle = new Chronicle('m-1/u');
    chronicle.looked(HELD, undefined, 0);
    chronicle.done(take(HELD, 'no sign of life from m-0/u'), 3_100.4, AT, 1_000);
    chronicle.looked(HELD, undefined, 1_100);
    expect(chronicle.handover()).toBeUndefined();
    chronicle.done({ kind: 'open' }, 0, AT, 1_250);
    chronicle.looked(HELD, 3, 1_260);
    expect(chronicle.handover()).toBeUndefined();
    chronicle.looked(HELD, 4, 1_300);
    chronicle.looked(HELD, 4, 9_000);
    // Opened again under the same role: that is no hand-over.
    chronicle.done({ kind: 'open' }, 0, AT, 9_000);
    expect(chronicle.handover()).toEqual({
      epoch: 4,
      at: AT,
      reason: 'no sign of life from m-0/u',
      from: 'm-0',
      to: 'm-1',
      detectMs: 3_100,
      promoteMs: 250,
      routeMs: 50,
    });
  });

  it('takes the reason of a role that was given up from who gave it up', () => {
    const chronicle = new Chronicle('m-1/u');
    chronicle.looked(HELD, undefined, 0);
    const released = { ...HELD, holder: undefined, notes: { released: 'a hand-over was asked for' } };
    chronicle.done(take(released, 'nobody holds the role'), 40, AT, 1_000);
    chronicle.done({ kind: 'open' }, 0, AT, 1_100);
    chronicle.looked(released, 4, 1_200);
    expect(chronicle.handover()).toMatchObject({ from: 'm-0', reason: 'a hand-over was asked for' });
  });

  it('says that a role was forced', () => {
    const chronicle = new Chronicle('m-1/u');
    const step = take({ ...HELD, holder: undefined, notes: { released: 'before' } }, 'forced');
    const forced: Step = { ...(step as Step & { kind: 'write' }), change: { notes: { forced: 'abc' } } };
    chronicle.done(forced, 0, AT, 0);
    chronicle.done({ kind: 'open' }, 0, AT, 0);
    chronicle.looked(undefined, 3, 0);
    expect(chronicle.handover()).toMatchObject({ from: '', reason: 'forced' });
  });
});
