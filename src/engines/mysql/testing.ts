// For tests: members of a pair as the decider sees them, all in order; each case changes what it is about.
import { expect, it } from '@jest/globals';
import type { RoleRecord } from '../../agent/role-record.ts';
import { decide } from './decide.ts';
import { startHistory } from './history.ts';
import type { PeerReport, ReplicaState, RunningEngine } from './member-state.ts';
import type { Step, View } from './view.ts';

export const A = 'aaaaaaaa-0000-0000-0000-000000000000';
export const B = 'bbbbbbbb-0000-0000-0000-000000000000';
export const NOW = 100_000;

export const copyA = { member: 'm-0', serverUuid: A, datadir: 'data-a' };
export const copyB = { member: 'm-1', serverUuid: B, datadir: 'data-b' };

export const EMPTY: RoleRecord = {
  holder: undefined,
  epoch: 0,
  phase: '',
  copies: [],
  switchover: '',
  resourceVersion: '1',
};
export const HELD: RoleRecord = {
  ...EMPTY,
  holder: 'm-0/u',
  epoch: 3,
  phase: 'open',
  copies: [copyA, copyB],
};
export const ALONE: RoleRecord = { ...HELD, copies: [copyA] };

/** Member 0, running and closed, without a source. */
export const CLOSED: RunningEngine = {
  kind: 'running',
  datadir: 'data-a',
  serverUuid: A,
  run: '1',
  writable: false,
  online: false,
  executed: `${A}:1-9`,
  purged: '',
  semiSync: { on: false, clients: 0, waiting: 0, acknowledged: 0 },
  replica: undefined,
};
export const OPEN: RunningEngine = {
  ...CLOSED,
  writable: true,
  online: true,
  semiSync: { on: true, clients: 1, waiting: 0, acknowledged: 7 },
};
export const FOLLOWING: ReplicaState = {
  sourceHost: 'm-0',
  sourceUuid: A,
  io: 'on',
  sql: true,
  ioError: '',
  sqlError: '',
  retrieved: `${A}:5-9`,
};
/** Member 1 as its agent tells of it: in step with member 0. */
export const STANDBY: PeerReport = {
  member: 'm-1',
  epoch: 3,
  dataBytes: 1,
  stopping: false,
  engine: { ...CLOSED, datadir: 'data-b', serverUuid: B, replica: FOLLOWING },
};

export function standbyWith(change: Partial<RunningEngine>): PeerReport {
  return { ...STANDBY, engine: { ...(STANDBY.engine as RunningEngine), ...change } };
}

/** Member 0 with all in order. */
export const VIEW: View = {
  now: NOW,
  self: 'm-0/u',
  member: 'm-0',
  ordinal: 0,
  peerMember: 'm-1',
  record: HELD,
  recordOnWatch: true,
  pending: [],
  initialised: undefined,
  certain: true,
  permitted: true,
  lent: false,
  proven: true,
  holderDead: false,
  promised: false,
  refrain: false,
  stopping: false,
  handingOver: undefined,
  asked: '',
  replace: '',
  force: '',
  unheldMs: 0,
  upTo: '',
  handover: undefined,
  durability: 'Preferred',
  graceMs: 1_000,
  engine: OPEN,
  peer: STANDBY,
  history: { ...startHistory(0), run: '1', counted: true },
  provisioned: true,
  retire: false,
  published: true,
  job: undefined,
  leftovers: [],
  fresh: { datadir: 'data-new', serverUuid: 'new' },
};

/** Member 0 when member 1 holds the role. */
export const OTHER: View = {
  ...VIEW,
  record: { ...HELD, holder: 'm-1/u' },
  engine: {
    ...CLOSED,
    online: true,
    executed: `${A}:1-9,${B}:1-4`,
    replica: { ...FOLLOWING, sourceHost: 'm-1', sourceUuid: B, retrieved: `${B}:1-4` },
  },
  peer: {
    ...STANDBY,
    engine: { ...OPEN, datadir: 'data-b', serverUuid: B, executed: `${A}:1-9,${B}:1-4` },
  },
};

/** A step as the tables name it. */
export function short(step: Step): string {
  switch (step.kind) {
    case 'write':
      return `write ${step.write}`;
    case 'semi-sync':
      return `semi-sync ${step.on ? 'on' : 'off'}`;
    case 'close':
      return step.planned ? 'close' : 'fence';
    default:
      return step.kind;
  }
}

/** A case each: what a member that sees `view` does next, in short. */
export function table(rows: readonly (readonly [what: string, view: View, step: string])[]): void {
  it.each(rows)('%s', (_, view, step) => {
    expect(short(decide(view))).toBe(step);
  });
}
