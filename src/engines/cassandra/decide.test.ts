// When the operator writes the ring's record, when it settles it, and what it says of it meanwhile.
import { describe, expect, it } from '@jest/globals';
import { decide, settlementKey } from './decide.ts';
import type { MemberSeen, RingObserved } from './gather.ts';
import { EMPTY_RECORD } from './record.ts';
import { assess } from './status.ts';

const NOW = '2026-01-10T00:00:00.000Z';

const member = (index: number, change: Partial<MemberSeen> = {}): MemberSeen => ({
  pod: `demo-cassandra-r${(index % 3) + 1}-${Math.floor(index / 3)}`,
  uid: `u${index}`,
  rack: `r${(index % 3) + 1}`,
  node: `n${index + 1}`,
  ip: `10.0.0.${index + 1}`,
  ready: true,
  failing: false,
  ...change,
});

const addresses = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [member(index).pod, `10.0.0.${index + 1}`]));

function observed(change: Partial<RingObserved> = {}): RingObserved {
  return {
    members: [member(0), member(1), member(2)],
    routed: true,
    record: EMPTY_RECORD,
    secretVersions: { 'demo-cassandra': 'u/1', 'demo-internal': 'u/2' },
    missingSecrets: [],
    wanted: 3,
    ring: undefined,
    demands: {},
    now: NOW,
    ...change,
  };
}

const settled = (change: Partial<RingObserved> = {}): RingObserved => {
  const base = observed(change);
  const repaired = Object.fromEntries(Object.keys(addresses(3)).map((pod) => [pod, NOW]));
  const record = { ...EMPTY_RECORD, addresses: addresses(3), settled: settlementKey(base), repaired };
  return { ...base, record, ...change };
};

const reasonOf = (ring: RingObserved) => {
  const { ready, faultTolerant, reason } = assess(ring);
  return [ready, faultTolerant, reason];
};

describe('decide', () => {
  it('waits until all members of a new ring serve: until then they join without streaming', () => {
    expect(decide(observed({ members: [member(0), member(1), member(2, { ready: false })] }))).toEqual({
      kind: 'nothing',
    });
  });

  it('writes the record before the first keyspace', () => {
    expect(decide(observed())).toEqual({ kind: 'record', addresses: addresses(3) });
  });

  it('then settles roles and keyspaces', () => {
    const ring = observed({ record: { ...EMPTY_RECORD, addresses: addresses(3), settled: '', spread: {} } });
    expect(decide(ring)).toEqual({ kind: 'settle', key: settlementKey(ring), replication: 3 });
  });

  it('does nothing in a settled ring (R1)', () => {
    expect(decide(settled())).toEqual({ kind: 'nothing' });
  });

  it('keeps the old address of a member that is not back yet: a lost disk is replaced by it', () => {
    const ring = settled({
      members: [member(0), member(1, { ip: '10.0.0.99', ready: false }), member(2)],
    });
    expect(decide(ring)).toEqual({ kind: 'nothing' });
  });

  it('takes note of the new address of a member that is back', () => {
    const ring = settled({ members: [member(0), member(1, { ip: '10.0.0.99' }), member(2)] });
    expect(decide(ring)).toMatchObject({
      kind: 'record',
      addresses: { [member(1).pod]: '10.0.0.99' },
    });
  });

  it('settles again when a Secret changes, and tells nothing of its content', () => {
    const before = settled();
    const after = { ...before, secretVersions: { ...before.secretVersions, 'demo-cassandra': 'u/7' } };
    expect(decide(after)).toMatchObject({ kind: 'settle' });
  });

  it('waits for its Secrets', () => {
    const ring = observed({
      record: { ...EMPTY_RECORD, addresses: addresses(3), settled: '', spread: {} },
      missingSecrets: ['demo-cassandra-tls'],
    });
    expect(decide(ring)).toEqual({ kind: 'nothing' });
  });
});

describe('assess', () => {
  it.each<readonly [string, RingObserved, readonly [boolean, boolean, string]]>([
    ['forming', observed({ members: [member(0), member(1, { ready: false })] }), [false, false, 'Forming']],
    [
      'not settled yet',
      observed({ record: { ...EMPTY_RECORD, addresses: addresses(3), settled: '', spread: {} } }),
      [false, false, 'Settling'],
    ],
    ['serving', settled(), [true, true, 'Serving']],
    [
      'one of three down',
      settled({ members: [member(0), member(1, { ready: false }), member(2)] }),
      [true, false, 'MemberDown'],
    ],
    [
      'two of three down',
      settled({ members: [member(0), member(1, { ready: false }), member(2, { ready: false })] }),
      [false, false, 'QuorumLost'],
    ],
    ['serving, and the Service leads nowhere', settled({ routed: false }), [false, false, 'NotRouted']],
    [
      'all on one node',
      settled({ members: [0, 1, 2].map((i) => member(i, { node: 'n1' })) }),
      [true, false, 'Serving'],
    ],
  ])('%s', (_what, ring, expected) => {
    expect(reasonOf(ring)).toEqual(expected);
  });

  it('counts two members down in one rack as one copy', () => {
    const all = [0, 1, 2, 3, 4, 5].map((index) => member(index));
    const record = { ...EMPTY_RECORD, addresses: addresses(6), settled: 'x', spread: {} };
    const sameRack = all.map((each) => (each.rack === 'r2' ? { ...each, ready: false } : each));
    expect(reasonOf(observed({ members: sameRack, record }))).toEqual([true, false, 'MemberDown']);
    const twoRacks = all.map((each, index) =>
      index === 0 || index === 4 ? { ...each, ready: false } : each,
    );
    expect(reasonOf(observed({ members: twoRacks, record }))).toEqual([false, false, 'QuorumLost']);
  });

  it('serves while a new member joins, and says who', () => {
    const ring = settled({ members: [0, 1, 2, 3].map((index) => member(index, { ready: index < 3 })) });
    expect(reasonOf(ring)).toEqual([true, false, 'Joining']);
    expect(assess(ring).status.cassandra?.members?.at(3)).toMatchObject({ state: 'UJ' });
  });

  it('refuses to shrink in words, and goes on', () => {
    expect(reasonOf(settled({ wanted: 1 }))).toEqual([true, true, 'ScaleDownRefused']);
  });

  it('misses the members of an earlier life that the spec leaves out (R3, C1)', () => {
    const ring = observed({
      members: [member(0)],
      record: { ...EMPTY_RECORD, addresses: addresses(3), settled: 'x', spread: {} },
    });
    expect(reasonOf(ring)).toEqual([false, false, 'MembersMissing']);
    expect(assess(ring).message).toContain('set spec.cassandra.replicas to 3');
  });

  it('cannot lose a node with one or two members', () => {
    const one = observed({
      members: [member(0)],
      record: { ...EMPTY_RECORD, addresses: addresses(1), settled: '', spread: {} },
    });
    const settledOne = { ...one, record: { ...one.record, settled: settlementKey(one) } };
    expect(reasonOf(settledOne)).toEqual([true, false, 'Serving']);
  });
});
