// Pods are made anew one at a time, the holder last, none while another is away; only what is broken anyway may go at once.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { sampleCluster } from '../../../test/unit/sample.ts';
import { ANNOTATIONS } from '../../api/v1alpha1/names.ts';
import type { KubeObject, Pod, StatefulSet } from '../../kube/types.ts';
import { specs } from '../mysql/specs.ts';
import { decideRenewal, renewalMembers } from './renewal.ts';
import type { RenewalMember, RenewalWish } from './renewal.ts';

const FREE: RenewalWish = { last: [], hold: undefined };

function member(ordinal: number, change: Partial<RenewalMember> = {}): RenewalMember {
  const pod = `p-${ordinal}`;
  return { pod, uid: `u${ordinal}`, outdated: false, ready: true, ending: false, broken: false, ...change };
}

const old = { outdated: true } as const;
const broken = { ready: false, broken: true } as const;

function next(members: readonly RenewalMember[], wish = FREE): string {
  const renewal = decideRenewal(members, wish);
  return renewal.kind === 'renew' ? renewal.pod : renewal.kind;
}

describe('decideRenewal', () => {
  it.each<readonly [string, readonly RenewalMember[], RenewalWish, string]>([
    ['nothing to do', [member(0), member(1)], FREE, 'none'],
    ['nothing to do while one is down', [member(0), member(1, broken)], FREE, 'none'],
    ['the youngest first', [member(0, old), member(1, old)], FREE, 'p-1'],
    ['the holder last', [member(0, old), member(1, old)], { ...FREE, last: ['p-1'] }, 'p-0'],
    ['then the holder', [member(0), member(1, old)], { ...FREE, last: ['p-1'] }, 'p-1'],
    [
      'not while the other is away',
      [member(0, { uid: undefined, ready: false }), member(1, old)],
      FREE,
      'wait',
    ],
    ['not while the other ends', [member(0, { ending: true }), member(1, old)], FREE, 'wait'],
    ['not while the other is not ready', [member(0, { ready: false }), member(1, old)], FREE, 'wait'],
    ['not one that starts', [member(0), member(1, { ...old, ready: false })], FREE, 'wait'],
    ['not while the engine says no', [member(0, old), member(1, old)], { ...FREE, hold: 'x' }, 'wait'],
    ['the broken one first', [member(0, { ...old, ...broken }), member(1, old)], FREE, 'p-0'],
    [
      'the broken one, though the engine says no',
      [member(0, { ...old, ...broken }), member(1)],
      { ...FREE, hold: 'x' },
      'p-0',
    ],
    [
      'a broken holder after a broken other',
      [member(0, { ...old, ...broken }), member(1, { ...old, ...broken })],
      { ...FREE, last: ['p-1'] },
      'p-0',
    ],
    ['no sound one while what was renewed is broken', [member(0, old), member(1, broken)], FREE, 'wait'],
    ['the only one', [member(0, old)], FREE, 'p-0'],
  ])('%s', (_what, members, wish, expected) => {
    expect(next(members, wish)).toBe(expected);
  });

  it('says who is still to be renewed and what it waits for', () => {
    expect(decideRenewal([member(0, { ready: false }), member(1, old)], FREE)).toEqual({
      kind: 'wait',
      why: 'p-1 still to be renewed; waiting: p-0 is not ready',
    });
  });

  it('never takes a ready member while another is away, whatever else is so', () => {
    const any = fc.record({
      uid: fc.constantFrom('u', undefined),
      outdated: fc.boolean(),
      ready: fc.boolean(),
      ending: fc.boolean(),
    });
    const list = fc.array(any, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(list, fc.constantFrom('p-0', 'p-1'), (facts, holder) => {
        const members = facts.map((fact, ordinal) =>
          member(ordinal, { ...fact, broken: !fact.ready && fact.uid !== undefined }),
        );
        const renewal = decideRenewal(members, { last: [holder], hold: undefined });
        if (renewal.kind !== 'renew') return;
        const taken = members.find(({ pod }) => pod === renewal.pod);
        const others = members.filter((each) => each !== taken);
        expect(taken?.outdated).toBe(true);
        expect(others.every(({ uid, ending }) => uid !== undefined && !ending)).toBe(true);
        if (taken?.ready === true) expect(others.every(({ ready }) => ready)).toBe(true);
      }),
    );
  });
});

describe('renewalMembers', () => {
  const NOW = new Date('2026-01-01T00:10:00Z');
  const isSet = (object: KubeObject): object is StatefulSet => object.kind === 'StatefulSet';
  const setOf = (...spec: Parameters<typeof sampleCluster>): StatefulSet => {
    const set = specs({ cluster: sampleCluster(...spec), productImage: 'p:1' }).find(isSet);
    if (set === undefined) throw new Error('no StatefulSet');
    return set;
  };
  const podOf = (set: StatefulSet, ordinal: number, readySince: string | undefined): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${set.metadata.name}-${ordinal}`,
      uid: `u${ordinal}`,
      creationTimestamp: '2026-01-01T00:09:30Z',
      annotations: set.spec?.template.metadata?.annotations ?? {},
    },
    status: {
      conditions:
        readySince === undefined ? [] : [{ type: 'Ready', status: 'False', lastTransitionTime: readySince }],
    },
  });

  it('lists all that the StatefulSet asks for; one that has no pod is missing, not outdated', () => {
    const set = setOf();
    const seen = renewalMembers('mysql', [set], [podOf(set, 0, undefined)], NOW);
    expect(seen.map(({ pod, uid, outdated }) => [pod, uid, outdated])).toEqual([
      ['demo-mysql-0', 'u0', false],
      ['demo-mysql-1', undefined, false],
    ]);
    expect(renewalMembers('postgresql', [set], [], NOW)).toEqual([]);
  });

  it('takes a pod for outdated when the spec asks for another image or other resources', () => {
    const before = setOf();
    const pods = [podOf(before, 0, undefined)];
    const outdated = (set: StatefulSet): boolean | undefined =>
      renewalMembers('mysql', [set], pods, NOW)[0]?.outdated;
    const { images } = sampleCluster().spec;
    expect(outdated(setOf())).toBe(false);
    expect(outdated(setOf({ images: { ...images, mysql: 'mysql:9.7.1' } }))).toBe(true);
    expect(outdated(setOf({ images: { ...images, cassandra: 'cassandra:5.0.1' } }))).toBe(false);
    expect(outdated(setOf({ resources: { mysql: { requests: { memory: '2Gi' } } } }))).toBe(true);
    expect(outdated(setOf({ workers: { replicas: 9 } }))).toBe(false);
  });

  it('leaves pods alone when only the operator builds another template (R4)', () => {
    const set = setOf();
    const { spec } = set;
    if (spec === undefined) throw new Error('no spec');
    const newer = {
      ...set,
      spec: {
        ...spec,
        template: {
          ...spec.template,
          metadata: { ...spec.template.metadata, labels: { 'a-new-label': 'x' } },
        },
      },
    };
    expect(renewalMembers('mysql', [newer], [podOf(set, 0, undefined)], NOW)[0]?.outdated).toBe(false);
    expect(spec.template.metadata?.annotations?.[ANNOTATIONS.asked]).toMatch(/^[0-9a-f]{32}$/);
  });

  it('takes one that has not been ready for a minute for broken, and a young one for starting', () => {
    const set = setOf();
    const brokenAt = (since: string | undefined): boolean | undefined =>
      renewalMembers('mysql', [set], [podOf(set, 0, since)], NOW)[0]?.broken;
    expect(brokenAt('2026-01-01T00:08:59Z')).toBe(true);
    expect(brokenAt('2026-01-01T00:09:01Z')).toBe(false);
    expect(brokenAt(undefined)).toBe(false);
  });
});
