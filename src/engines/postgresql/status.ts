// The pair as the operator sees it: from pods, slices and the members' own reports in them. No SQL, so that it costs nothing.
import type { SpaceCluster, SpaceClusterStatus } from '../../api/v1alpha1/index.ts';
import { names, podName } from '../../api/v1alpha1/names.ts';
import type { Pod } from '../../kube/types.ts';
import type { Assessment, ClusterView } from '../engine.ts';
import type { RenewalWish } from '../shared/renewal.ts';
import { memberService, ORDINALS } from './names.ts';
import { decodeReport, REPORT_ANNOTATION } from './report.ts';
import type { Report } from './report.ts';

export interface ObservedMember {
  readonly name: string;
  /** Of the pod that is there and stays; undefined otherwise. */
  readonly uid: string | undefined;
  readonly node: string | undefined;
  /** In the pair's Service, by a pod that is there and Ready. */
  readonly serving: boolean;
  readonly report: Report | undefined;
}

type Link = NonNullable<NonNullable<SpaceClusterStatus['postgresql']>['links']>[number];

export interface ObservedPair {
  readonly members: readonly ObservedMember[];
}

export function observe(cluster: SpaceCluster, view: ClusterView): ObservedPair {
  const name = cluster.metadata.name;
  const slice = (service: string): ClusterView['slices'][number] | undefined =>
    view.slices.find((each) => each.metadata.name === service);
  const endpoints = slice(names(name).services.postgresql)?.endpoints ?? [];
  return {
    members: ORDINALS.map((ordinal) => {
      const pod = view.pods.find((each) => each.metadata.name === podName(name, 'postgresql', ordinal));
      const listed = endpoints.some(
        ({ targetRef }) => pod !== undefined && targetRef?.uid === pod.metadata.uid,
      );
      return {
        name: podName(name, 'postgresql', ordinal),
        uid: pod?.metadata.deletionTimestamp === undefined ? pod?.metadata.uid : undefined,
        node: pod?.spec?.nodeName,
        serving: listed && isReady(pod),
        report: decodeReport(slice(memberService(name, ordinal))?.metadata.annotations?.[REPORT_ANNOTATION]),
      };
    }),
  };
}

export function assess({ members }: ObservedPair): Assessment {
  const serving = members.filter((member) => member.serving);
  const streaming = members.every((member) => linkOf(member) === 'streaming');
  const both = serving.length === ORDINALS.length;
  return {
    ready: serving.length > 0,
    faultTolerant: both && streaming,
    ...verdict(members, both && streaming),
    status: {
      postgresql: {
        members: members.map((member) => ({
          name: member.name,
          ...(member.node === undefined ? {} : { node: member.node }),
          ready: member.serving,
          role: member.report?.role ?? 'down',
        })),
        links: members.map((member, index) => ({
          from: members[1 - index]?.name ?? '',
          to: member.name,
          state: linkOf(member),
          ...lastAudit(member),
        })),
      },
    },
  };
}

/** Both are equals. One may leave while the other serves and has what it has, which the links tell. */
export function renewal({ members }: ObservedPair): RenewalWish {
  const whole = members.every((member) => member.serving && linkOf(member) === 'streaming');
  return { last: [], hold: whole ? undefined : `the members are not in step: ${links(members)}` };
}

function verdict(members: readonly ObservedMember[], whole: boolean): Pick<Assessment, 'reason' | 'message'> {
  const troubled = members.find((member) => (member.report?.problem ?? '') !== '');
  if (troubled?.report !== undefined) {
    return { reason: troubled.report.reason, message: `${troubled.name}: ${troubled.report.problem}` };
  }
  const differing = members.find((member) => (member.report?.audit?.left ?? 0) > 0);
  if (differing !== undefined) {
    return {
      reason: 'RowsDiffer',
      message: `${differing.name}: the last audit found rows that differ from the other member's and could not bring them in line; the agent's log names the tables`,
    };
  }
  if (whole) return { reason: 'Serving', message: 'both members serve, and each follows the other' };
  const first = members.find((member) => member.serving);
  if (first === undefined)
    return { reason: 'Bootstrapping', message: `no member serves yet: ${waits(members)}` };
  const waiting = members.filter((member) => !member.serving);
  return waiting.length > 0
    ? { reason: 'OneMember', message: `${first.name} serves alone: ${waits(waiting)}` }
    : { reason: 'LinkDown', message: `both members serve, but ${links(members)}` };
}

function waits(members: readonly ObservedMember[]): string {
  return members
    .map(({ name, report }) =>
      report === undefined ? `${name} has not reported` : `${name} is ${report.role} (${report.reason})`,
    )
    .join(', ');
}

function links(members: readonly ObservedMember[]): string {
  return members
    .filter((member) => linkOf(member) !== 'streaming')
    .map((member) => `the link to ${member.name} is ${linkOf(member)}`)
    .join(', ');
}

/** Only what the schema of the status knows: a member's agent may be newer than this operator. */
function lastAudit({ report }: ObservedMember): Pick<Link, 'lastAudit'> {
  if (report?.audit === undefined) return {};
  const { at, tables, rows, differing, repaired, left, seconds } = report.audit;
  return { lastAudit: { at, tables, rows, differing, repaired, left, seconds } };
}

function linkOf(member: ObservedMember): string {
  return member.report?.link ?? 'none';
}

function isReady(pod: Pod | undefined): boolean {
  return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}
