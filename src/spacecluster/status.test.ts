// The status says what is so, and says the same thing twice in the same bytes (R1).
import { describe, expect, it } from '@jest/globals';
import type { Assessment, Engine } from '../engines/engine.ts';
import { sampleCluster } from '../../test/unit/sample.ts';
import { nextStatus, pausedStatus } from './status.ts';
import type { Outcome } from './status.ts';

const NOW = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T01:00:00Z';
const CONDITIONS = [
  'LoadBalancerReady',
  'MySQLReady',
  'PostgreSQLReady',
  'CassandraReady',
  'WorkersReady',
] as const;
const good: Assessment = { ready: true, faultTolerant: true, reason: 'Serving', message: 'fine', status: {} };

function outcome(change: Partial<Outcome> = {}, parts: Partial<Record<string, Assessment>> = {}): Outcome {
  return {
    preflight: { passed: true, reason: 'AllChecksPassed', message: '' },
    parts: CONDITIONS.map((condition) => ({
      engine: { component: 'mysql', condition } as unknown as Engine,
      assessment: condition in parts ? parts[condition] : good,
      renewal: { kind: 'none' },
    })),
    vip: { announced: true, reason: 'Announced', message: '', status: { address: '10.77.0.100' } },
    nodes: [],
    progress: { kind: 'settled' },
    ...change,
  };
}

function conditions(cluster = sampleCluster(), facts = outcome(), now = NOW): Record<string, string> {
  const list = nextStatus(cluster, facts, now).conditions ?? [];
  return Object.fromEntries(list.map(({ type, status, reason }) => [type, `${status}/${reason}`]));
}

describe('status', () => {
  it('is Ready, and still at work, while a part is being renewed', () => {
    const [part, ...others] = outcome().parts;
    if (part === undefined) throw new Error('no part');
    const renewing = outcome({
      parts: [{ ...part, renewal: { kind: 'renew', pod: 'demo-mysql-1', uid: 'u' } }, ...others],
    });
    expect(conditions(sampleCluster(), renewing)).toMatchObject({
      Ready: 'True/Serving',
      Reconciling: 'True/Renewing',
    });
  });

  it('is Ready, settled and fault tolerant when every part is', () => {
    expect(conditions()).toMatchObject({
      Ready: 'True/Serving',
      Reconciling: 'False/Settled',
      Stalled: 'False/NotStalled',
      Paused: 'False/NotPaused',
      FaultTolerant: 'True/AnyNodeMayFail',
    });
  });

  it('is reconciling, with the reason of the first part that does not serve', () => {
    const down: Assessment = { ...good, ready: false, faultTolerant: false, reason: 'Bootstrapping' };
    expect(conditions(sampleCluster(), outcome({}, { MySQLReady: down }))).toMatchObject({
      Ready: 'False/Bootstrapping',
      Reconciling: 'True/Bootstrapping',
      FaultTolerant: 'False/PartsAtRisk',
    });
  });

  it('keeps serving while a wrong spec is held back (R4)', () => {
    const wrong = outcome({
      preflight: { passed: false, reason: 'AddressTaken', message: 'spec.vip.address' },
      progress: { kind: 'stalled', reason: 'AddressTaken', message: 'spec.vip.address' },
    });
    expect(conditions(sampleCluster(), wrong)).toMatchObject({
      Ready: 'True/Serving',
      PreflightPassed: 'False/AddressTaken',
      Stalled: 'True/AddressTaken',
      Reconciling: 'False/AddressTaken',
    });
  });

  it('does not change when nothing changed, whatever the time', () => {
    const first = nextStatus(sampleCluster(), outcome(), NOW);
    expect(nextStatus(sampleCluster({}, first), outcome(), LATER)).toEqual(first);
  });

  it("keeps a part's last word when it could not be asked", () => {
    const before = nextStatus(sampleCluster(), outcome(), NOW);
    const silent = outcome({}, { CassandraReady: undefined });
    expect(conditions(sampleCluster({}, before), silent)['CassandraReady']).toBe('True/Serving');
    expect(conditions(sampleCluster(), silent)['Ready']).toBe('Unknown/NotSeenYet');
  });

  it('shows a pause without touching the rest', () => {
    const before = nextStatus(sampleCluster(), outcome(), NOW);
    const paused = pausedStatus(sampleCluster({ paused: true }, before), LATER);
    const of = (type: string) => paused.conditions?.find((condition) => condition.type === type)?.status;
    expect([of('Paused'), of('Reconciling'), of('Ready')]).toEqual(['True', 'False', 'True']);
  });
});
