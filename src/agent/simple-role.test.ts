import { describe, expect, test } from '@jest/globals';
import type { RoleRecord } from './role-record.ts';
import { decideRole } from './simple-role.ts';
import type { RoleStep, RoleView } from './simple-role.ts';

const SELF = 'lb-0/1';
const PEER = 'lb-1/2';

function record(holder?: string, switchover = ''): RoleRecord {
  return { holder, epoch: 4, phase: '', copies: [], switchover, resourceVersion: '9' };
}

const CALM: Omit<RoleView, 'record'> = {
  self: SELF,
  fit: true,
  certain: true,
  stopping: false,
  asked: '',
  refrain: false,
  isDead: () => false,
};

function decide(holder: string | undefined, view: Partial<RoleView> = {}): RoleStep {
  return decideRole({ ...CALM, record: record(holder), ...view });
}

describe('a role that any fit candidate may hold', () => {
  test('an unknown record is left alone', () => {
    expect(decide(undefined, { record: undefined })).toEqual({ kind: 'wait' });
  });

  test('a vacant role is taken at the next epoch', () => {
    expect(decide(undefined)).toMatchObject({
      kind: 'take',
      change: { holder: SELF, epoch: 5 },
      reason: 'vacant',
    });
  });

  test('a dead holder is replaced, over the very version that was judged', () => {
    const step = decide(PEER, { isDead: (identity) => identity === PEER });
    expect(step).toMatchObject({ kind: 'take', base: record(PEER), reason: 'holder-dead' });
  });

  test('a live holder is left alone', () => {
    expect(decide(PEER)).toEqual({ kind: 'wait' });
  });

  test.each<[string, Partial<RoleView>]>([
    ['unfit', { fit: false }],
    ['uncertain', { certain: false }],
    ['stopping', { stopping: true }],
  ])('who is %s takes nothing, be it vacant or its holder dead', (_, view) => {
    expect(decide(undefined, view)).toEqual({ kind: 'wait' });
    expect(decide(PEER, { ...view, isDead: () => true })).toEqual({ kind: 'wait' });
  });

  test('who has just given it up lets others go first, but does not watch it die', () => {
    expect(decide(undefined, { refrain: true })).toEqual({ kind: 'wait' });
    expect(decide(PEER, { refrain: true, isDead: () => true })).toMatchObject({ kind: 'take' });
  });

  test('the holder holds, even while its heartbeat is uncertain: this role needs no fence', () => {
    expect(decide(SELF)).toEqual({ kind: 'hold', epoch: 4 });
    expect(decide(SELF, { certain: false })).toEqual({ kind: 'hold', epoch: 4 });
  });

  test.each<[string, Partial<RoleView>]>([
    ['unfit', { fit: false }],
    ['stopping', { stopping: true }],
  ])('a holder that is %s gives up', (reason, view) => {
    expect(decide(SELF, view)).toMatchObject({ kind: 'yield', change: { holder: null }, reason });
  });

  test('a switchover acts once: it is remembered in the record, and forgotten when the annotation goes', () => {
    expect(decide(SELF, { asked: 'vip' })).toMatchObject({
      kind: 'yield',
      change: { holder: null, switchover: 'vip' },
      reason: 'switchover',
    });
    expect(decide(SELF, { asked: 'vip', record: record(SELF, 'vip') })).toEqual({ kind: 'hold', epoch: 4 });
    expect(decide(SELF, { record: record(SELF, 'vip') })).toMatchObject({
      kind: 'rearm',
      change: { switchover: '' },
    });
  });
});
