import { describe, expect, test } from '@jest/globals';
import { emptySlice } from '../shared/presets.ts';
import type { EndpointSlice } from '../../kube/types.ts';
import { REPORT_ANNOTATION } from './report.ts';
import { sliceActions } from './routing.ts';
import type { SliceAction, Wish } from './routing.ts';
import { spaceCluster } from './testing.ts';

const SERVICES = { pair: 'demo-postgresql', own: 'demo-postgresql-0', peer: 'demo-postgresql-1' };
const OPTIONS = {
  identity: {
    cluster: 'demo',
    namespace: 'ns',
    pod: 'demo-postgresql-0',
    uid: 'u-a',
    ip: '10.1.0.1',
    node: 'n1',
  },
  peer: 'demo-postgresql-1',
  services: SERVICES,
};

function slice(service: string, pods: Readonly<Record<string, string>>): EndpointSlice {
  const empty = emptySlice(spaceCluster(), 'postgresql', service, []);
  return {
    ...empty,
    metadata: { ...empty.metadata, annotations: { [REPORT_ANNOTATION]: 'told' } },
    endpoints: Object.entries(pods).map(([name, uid]) => ({ addresses: [], targetRef: { name, uid } })),
  };
}

function actions(wish: Partial<Wish>, pair: Readonly<Record<string, string>>): readonly SliceAction[] {
  const pick = (pod: string): Readonly<Record<string, string>> => {
    const uid = pair[pod];
    return uid === undefined ? {} : { [pod]: uid };
  };
  const slices = new Map([
    [SERVICES.pair, slice(SERVICES.pair, pair)],
    [SERVICES.own, slice(SERVICES.own, pick('demo-postgresql-0'))],
    [SERVICES.peer, slice(SERVICES.peer, pick('demo-postgresql-1'))],
  ]);
  return sliceActions({ serving: true, peerDead: false, report: 'told', ...wish }, OPTIONS, (name) =>
    slices.get(name),
  );
}

const BOTH = { 'demo-postgresql-0': 'u-a', 'demo-postgresql-1': 'u-b' };

describe('the slices of the Services', () => {
  test('are left alone when they say what is wished', () => {
    expect(actions({}, BOTH)).toEqual([]);
    expect(actions({ serving: false }, { 'demo-postgresql-1': 'u-b' })).toEqual([]);
  });

  test('gain this very pod, also where an earlier one of its name stands', () => {
    const expected = [
      { kind: 'add', service: 'demo-postgresql' },
      { kind: 'add', service: 'demo-postgresql-0' },
    ];
    expect(actions({}, {})).toEqual(expected);
    expect(actions({}, { 'demo-postgresql-0': 'u-old' })).toEqual(expected);
  });

  test('lose a member that may not serve, and what an earlier pod of its name left', () => {
    for (const uid of ['u-a', 'u-old']) {
      expect(actions({ serving: false }, { 'demo-postgresql-0': uid })).toEqual([
        { kind: 'remove', service: 'demo-postgresql', pod: 'demo-postgresql-0' },
        { kind: 'remove', service: 'demo-postgresql-0', pod: 'demo-postgresql-0' },
      ]);
    }
  });

  test('lose a peer only when the dead-rule says so', () => {
    expect(actions({ peerDead: true }, BOTH)).toEqual([
      { kind: 'remove', service: 'demo-postgresql', pod: 'demo-postgresql-1' },
      { kind: 'remove', service: 'demo-postgresql-1', pod: 'demo-postgresql-1' },
    ]);
  });

  test('carry the report when it changes', () => {
    expect(actions({ report: 'new' }, BOTH)).toEqual([{ kind: 'report', text: 'new' }]);
    expect(actions({ report: undefined }, BOTH)).toEqual([]);
  });

  test('that are not made yet are waited for', () => {
    expect(sliceActions({ serving: true, peerDead: true, report: 'x' }, OPTIONS, () => undefined)).toEqual(
      [],
    );
  });
});
