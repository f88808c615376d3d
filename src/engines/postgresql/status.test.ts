import { describe, expect, test } from '@jest/globals';
import type { ClusterView } from '../engine.ts';
import { emptySlice } from '../shared/presets.ts';
import type { EndpointSlice, Pod } from '../../kube/types.ts';
import type { AuditResult } from './audit.ts';
import { decodeReport, encodeReport, REPORT_ANNOTATION, report } from './report.ts';
import type { Report } from './report.ts';
import { assess, observe } from './status.ts';
import type { ObservedMember } from './status.ts';
import { copyOf, memberState, observation, pairRecord, spaceCluster, up } from './testing.ts';

const SETTLED: Report = { role: 'active', reason: 'Settled', problem: '', link: 'streaming' };

const AUDIT: AuditResult = {
  at: '2026-11-22T00:00:00.000Z',
  tables: 2,
  rows: 10,
  differing: 3,
  repaired: 1,
  left: 0,
  seconds: 1,
};

const ABOUT = { failure: undefined, audit: undefined, pod: 'u-0' };

function member(name: string, change: Partial<ObservedMember> = {}): ObservedMember {
  return { name, uid: `uid-of-${name}`, node: `node-of-${name}`, serving: true, report: SETTLED, ...change };
}

describe('the pair’s assessment', () => {
  test.each<[string, Partial<ObservedMember>, boolean, boolean, string]>([
    ['both serve and follow each other', {}, true, true, 'Serving'],
    [
      'one does not serve',
      { serving: false, report: { ...SETTLED, role: 'returning' } },
      true,
      false,
      'OneMember',
    ],
    ['a link is down', { report: { ...SETTLED, link: 'broken' } }, true, false, 'LinkDown'],
    [
      'a human is needed',
      { report: { ...SETTLED, reason: 'SchemaConflict', problem: 'two' } },
      true,
      false,
      'SchemaConflict',
    ],
    [
      'rows are left different by an audit',
      { report: { ...SETTLED, audit: { ...AUDIT, left: 2 } } },
      true,
      true,
      'RowsDiffer',
    ],
    ['one has never reported', { serving: false, report: undefined }, true, false, 'OneMember'],
  ])('when %s', (_, second, ready, faultTolerant, reason) => {
    const verdict = assess({ members: [member('a'), member('b', second)] });
    expect({ ready: verdict.ready, reason: verdict.reason }).toEqual({ ready, reason });
    if (reason !== 'SchemaConflict') expect(verdict.faultTolerant).toBe(faultTolerant);
  });

  test('the last audit of a link is told with it, and nothing that the status does not know', () => {
    const newer = { ...AUDIT, later: 1 };
    const report = decodeReport(encodeReport({ ...SETTLED, audit: newer }));
    const { status } = assess({ members: [member('a', { report }), member('b')] });
    expect(status.postgresql?.links).toEqual([
      { from: 'b', to: 'a', state: 'streaming', lastAudit: AUDIT },
      { from: 'a', to: 'b', state: 'streaming' },
    ]);
  });

  test('nobody serves before the first is admitted', () => {
    const waiting = {
      serving: false,
      report: { ...SETTLED, role: 'joining', reason: 'WaitingForPeer', link: 'none' },
    } as const;
    const verdict = assess({
      members: [member('a', waiting), member('b', { ...waiting, report: undefined })],
    });
    expect(verdict).toMatchObject({ ready: false, reason: 'Bootstrapping' });
    expect(verdict.message).toBe('no member serves yet: a is joining (WaitingForPeer), b has not reported');
    expect(verdict.status.postgresql?.links).toEqual([
      { from: 'b', to: 'a', state: 'none' },
      { from: 'a', to: 'b', state: 'none' },
    ]);
  });

  test('a member serves when its very pod is listed and Ready', () => {
    const pod = (name: string, uid: string, ready: 'True' | 'False'): Pod => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, uid },
      spec: { nodeName: 'n1', containers: [] },
      status: { conditions: [{ type: 'Ready', status: ready }] },
    });
    const slice = (service: string, change: Partial<EndpointSlice>): EndpointSlice => ({
      ...emptySlice(spaceCluster(), 'postgresql', service, []),
      ...change,
    });
    const listed = slice('demo-postgresql', {
      endpoints: [
        { addresses: [], targetRef: { name: 'demo-postgresql-0', uid: 'u-0' } },
        { addresses: [], targetRef: { name: 'demo-postgresql-1', uid: 'u-old' } },
      ],
    });
    const own = slice('demo-postgresql-0', {});
    const reported = {
      ...own,
      metadata: { ...own.metadata, annotations: { [REPORT_ANNOTATION]: encodeReport(SETTLED) } },
    };
    const view: ClusterView = {
      pods: [pod('demo-postgresql-0', 'u-0', 'True'), pod('demo-postgresql-1', 'u-1', 'True')],
      statefulSets: [],
      roleLeases: [],
      slices: [listed, reported],
      secret: () => undefined,
      configMap: () => undefined,
    };
    expect(observe(spaceCluster(), view).members).toEqual([
      { name: 'demo-postgresql-0', uid: 'u-0', node: 'n1', serving: true, report: SETTLED },
      { name: 'demo-postgresql-1', uid: 'u-1', node: 'n1', serving: false, report: undefined },
    ]);
  });
});

describe('a member’s report', () => {
  test('says what it is to the pair', () => {
    expect(report(observation(), { kind: 'settled' }, ABOUT)).toEqual({ ...SETTLED, pod: 'u-0' });
    const away = observation({ remote: { kind: 'absent', problem: 'x' } });
    expect(report(away, { kind: 'wait', reason: 'PeerAway', message: 'x' }, ABOUT)).toMatchObject({
      role: 'solo',
      reason: 'PeerAway',
      problem: '',
      link: 'broken',
    });
    const removed = observation({ record: pairRecord([copyOf(1)]) });
    expect(report(removed, { kind: 'prepare' }, { ...ABOUT, failure: 'it failed' })).toMatchObject({
      role: 'joining',
      reason: 'StepFailed',
      problem: 'it failed',
    });
  });

  test('says that WAL was given up while the peer is away (P3)', () => {
    const slots = memberState(0).slots.map((slot) => ({ ...slot, active: false, lost: true }));
    const seen = observation({
      local: up(memberState(0, { slots })),
      remote: { kind: 'absent', problem: 'x' },
    });
    const away = { kind: 'wait', reason: 'PeerAway', message: 'x' } as const;
    expect(report(seen, away, ABOUT).reason).toBe('WalGivenUp');
    expect(report(observation(), away, ABOUT).reason).toBe('PeerAway');
  });

  test('survives being written down; foreign text is none', () => {
    expect(decodeReport(encodeReport(SETTLED))).toEqual(SETTLED);
    expect(decodeReport('{')).toBeUndefined();
    expect(decodeReport('{"role":"active"}')).toBeUndefined();
    expect(decodeReport(undefined)).toBeUndefined();
  });
});
