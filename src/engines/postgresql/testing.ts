// Plain data for the tests of this folder: a member, an observation, a cluster, each as it is when all is well.
import { API_VERSION } from '../../api/v1alpha1/index.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import type { Copy, RoleRecord } from '../../agent/role-record.ts';
import { slotTo, subscriptionFrom } from './names.ts';
import { NO_GAP, NO_SETTINGS } from './observation.ts';
import type { MemberState, Observation, Seen } from './observation.ts';
import { BASE_VERSION } from './sql/base.ts';

export const PAIR = 'eef06638-f3b1-48b8-a3b1-db817d83d4f1';

/** System identifiers of the two members. */
export const SYSTEMS = ['7001', '7002'] as const;

export function memberState(ordinal: 0 | 1, change: Partial<MemberState> = {}): MemberState {
  const [own, peer] = ordinal === 0 ? SYSTEMS : [SYSTEMS[1], SYSTEMS[0]];
  return {
    systemIdentifier: own,
    base: BASE_VERSION,
    started: '1',
    pair: PAIR,
    admitted: true,
    changes: 'same',
    wal: 1_000n,
    tables: ['space.alarm'],
    subscriptions: [
      { name: subscriptionFrom(peer), enabled: true, running: true, tables: ['space.alarm'], pending: 0 },
    ],
    slots: [{ name: slotTo(peer), active: true, confirmed: 1_000n, lost: false }],
    ...change,
  };
}

export function fresh(ordinal: 0 | 1, change: Partial<MemberState> = {}): MemberState {
  return memberState(ordinal, {
    pair: undefined,
    admitted: false,
    tables: [],
    subscriptions: [],
    slots: [],
    ...change,
  });
}

export function up(state: MemberState): Seen {
  return { kind: 'up', state };
}

export function copyOf(ordinal: 0 | 1): Copy {
  return { member: `demo-postgresql-${ordinal}`, serverUuid: SYSTEMS[ordinal], datadir: PAIR };
}

export function pairRecord(copies: readonly Copy[]): RoleRecord {
  return {
    epoch: copies.length,
    phase: copies.length > 0 ? 'open' : '',
    copies,
    switchover: '',
    resourceVersion: '1',
  };
}

/** Seen by member 0 when both follow each other. */
export function observation(change: Partial<Observation> = {}): Observation {
  return {
    member: 'demo-postgresql-0',
    ordinal: 0,
    peer: 'demo-postgresql-1',
    local: up(memberState(0)),
    remote: up(memberState(1)),
    settings: NO_SETTINGS,
    gap: NO_GAP,
    record: pairRecord([copyOf(0), copyOf(1)]),
    caughtUp: true,
    peerAwayMs: 0,
    soloAfterMs: 60_000,
    replace: '',
    ...change,
  };
}

export function spaceCluster(
  change: { readonly size?: string; readonly memory?: string } = {},
): SpaceCluster {
  const storage = { size: '1Gi' };
  return {
    apiVersion: API_VERSION,
    kind: 'SpaceCluster',
    metadata: { name: 'demo', namespace: 'ns', uid: 'u-1' },
    spec: {
      vip: { address: '10.0.0.9', cidr: '10.0.0.0/24', managePool: false, subnetCheck: 'Enforce' },
      workers: { replicas: 3 },
      mysql: { durability: 'Preferred', storage },
      postgresql: { soloAfter: '60s', storage: { size: change.size ?? '2Gi' } },
      cassandra: { replicas: 3, storage },
      failureDetection: { profile: 'Auto' },
      antiAffinity: 'Required',
      requirements: {},
      tls: {},
      images: {
        mysql: 'mysql:9.7',
        postgresql: 'postgres:18',
        cassandra: 'cassandra:5.0',
        haproxy: 'haproxy:3.2',
      },
      resources: change.memory === undefined ? {} : { postgresql: { requests: { memory: change.memory } } },
      deletionPolicy: 'Retain',
      paused: false,
    },
  };
}
