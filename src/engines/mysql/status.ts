// The pair's word on itself. Pure.
import { lossToken } from '../../agent/role-notes.ts';
import type { Handover } from '../../agent/role-notes.ts';
import { podOf } from '../../agent/role-record.ts';
import type { RoleRecord } from '../../agent/role-record.ts';
import type { SpaceCluster, SpaceClusterStatus } from '../../api/v1alpha1/index.ts';
import { ANNOTATIONS } from '../../api/v1alpha1/names.ts';
import type { Assessment } from '../engine.ts';
import type { RenewalWish } from '../shared/renewal.ts';
import type { MemberSeen, PairObserved } from './gather.ts';

export function assess(observed: PairObserved, cluster: SpaceCluster): Assessment {
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
      ...lastFailover(record?.notes?.handover),
    },
  };
  return { ...(stranded(record, cluster) ?? verdict(observed, primary, standby, inSync)), status };
}

function lastFailover(
  handover: Handover | undefined,
): Pick<NonNullable<SpaceClusterStatus['mysql']>, 'lastFailover'> {
  if (handover === undefined) return {};
  const { epoch: _, from, ...rest } = handover;
  const totalMs = rest.detectMs + rest.promoteMs + rest.routeMs;
  return { lastFailover: { ...rest, ...(from === '' ? {} : { from }), totalMs } };
}

/** Nothing comes by itself any more: what may be lost, and how a human accepts that. */
function stranded(
  record: RoleRecord | undefined,
  { metadata }: SpaceCluster,
): Omit<Assessment, 'status'> | undefined {
  const waiting = record?.notes?.stranded ?? [];
  if (record === undefined || record.holder !== undefined || waiting.length === 0) return undefined;
  const forced = metadata.annotations?.[ANNOTATIONS.forcePrimary];
  const given = metadata.annotations?.[ANNOTATIONS.acceptDataLoss];
  const wanted = record.copies.map(({ member, datadir }) => `${member} with ${datadir}`).join(' or ');
  const choices = waiting
    .toSorted((a, b) => (a.member < b.member ? -1 : 1))
    .map(({ member, upTo }) => {
      const has = upTo === '' ? 'has no data: everything' : `has all until ${upTo}: what came later`;
      const wrong = forced === member && given !== lossToken(record, member) ? ' (another was given)' : '';
      return `${member} ${has} would be lost with ${ANNOTATIONS.forcePrimary}=${member} and ${ANNOTATIONS.acceptDataLoss}=${lossToken(record, member)}${wrong}`;
    });
  return notReady(
    'NoRecordedCopy',
    `no running member has every acknowledged commit; wanted: ${wanted}. Bring it back, or accept a loss: ${choices.join('; ')}`,
  );
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
      `${primary.pod} serves alone; ${standby?.pod ?? 'the standby'} is not in sync yet, recorded copies: ${recorded}${afterForce(record, standby)}`,
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

/** M9: what only the old primary has is kept until a human lets it go. */
function afterForce({ notes }: RoleRecord, standby: MemberSeen | undefined): string {
  if ((notes?.forced ?? '') === '' || standby === undefined) return '';
  return `. The role was forced: if ${standby.pod} has transactions that the primary has not, it stays as it is until ${ANNOTATIONS.replaceMember}=${standby.pod}`;
}

function notReady(reason: string, message: string): Omit<Assessment, 'status'> {
  return { ready: false, faultTolerant: false, reason, message };
}

function serving(faultTolerant: boolean, reason: string, message: string): Omit<Assessment, 'status'> {
  return { ready: true, faultTolerant, reason, message };
}
