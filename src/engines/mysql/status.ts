// The pair's word on itself. Pure.
import { podOf } from '../../agent/role-record.ts';
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import type { Assessment } from '../engine.ts';
import type { RenewalWish } from '../shared/renewal.ts';
import type { MemberSeen, PairObserved } from './gather.ts';

export function assess(observed: PairObserved, _cluster: SpaceCluster): Assessment {
  const { record, members } = observed;
  const primary = members.find(({ pod }) => record?.holder !== undefined && pod === podOf(record.holder));
  const standby = members.find(({ pod }) => pod !== primary?.pod);
  const inSync =
    standby !== undefined &&
    primary !== undefined &&
    isCopy(observed, standby) &&
    isCopy(observed, primary) &&
    standby.ready;
  const status = {
    mysql: {
      ...(primary === undefined ? {} : { primary: primary.pod }),
      ...(primary === undefined || standby === undefined ? {} : { standby: standby.pod }),
      inSync,
      epoch: record?.epoch ?? 0,
    },
  };
  return { ...verdict(observed, primary, standby, inSync), status };
}

/** The primary last, and only while it serves: a Ready standby is a recorded copy, so it can take over without a loss. */
export function renewal({ record, members, writers }: PairObserved): RenewalWish {
  const primary = members.find(({ identity }) => identity !== undefined && identity === record?.holder);
  const serves = primary !== undefined && record?.phase === 'open' && writers.includes(primary.pod);
  return {
    last: primary === undefined ? [] : [primary.pod],
    hold: serves ? undefined : 'no open primary serves',
  };
}

function isCopy({ record }: PairObserved, member: MemberSeen): boolean {
  return record?.copies.some((copy) => copy.member === member.pod) === true;
}

function verdict(
  { record, writers, members }: PairObserved,
  primary: MemberSeen | undefined,
  standby: MemberSeen | undefined,
  inSync: boolean,
): Omit<Assessment, 'status'> {
  if (record === undefined) return notReady('Pending', 'the role record has not been made yet');
  if (record.epoch === 0) return notReady('Bootstrapping', 'the first member has not been initialised yet');
  const recorded = record.copies.map((copy) => copy.member).join(', ');
  if (primary === undefined || record.holder !== primary.identity) {
    return notReady('NoPrimary', `no running member holds the role; recorded copies: ${recorded}`);
  }
  if (record.phase !== 'open') return notReady('Promoting', `${primary.pod} is being made the primary`);
  if (!primary.ready || !writers.includes(primary.pod)) {
    return notReady('PrimaryNotServing', `${primary.pod} holds the role and does not serve yet`);
  }
  if (!inSync) {
    return serving(
      false,
      'NoStandby',
      `${primary.pod} serves alone; ${standby?.pod ?? 'the standby'} is not in sync yet, recorded copies: ${recorded}`,
    );
  }
  const apart = new Set(members.map(({ node }) => node)).size === members.length;
  return apart
    ? serving(true, 'Serving', `${primary.pod} is the primary, ${standby?.pod} is in sync`)
    : serving(
        false,
        'SameNode',
        `${primary.pod} is the primary, ${standby?.pod} is in sync, both on one node`,
      );
}

function notReady(reason: string, message: string): Omit<Assessment, 'status'> {
  return { ready: false, faultTolerant: false, reason, message };
}

function serving(faultTolerant: boolean, reason: string, message: string): Omit<Assessment, 'status'> {
  return { ready: true, faultTolerant, reason, message };
}
