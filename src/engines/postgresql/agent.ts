// The agent of a PostgreSQL member: its heartbeat, its view of the pair, its routing, its probes.
import type { AgentContext, AgentProgram } from '../../agent/agent.ts';
import { Heartbeat } from '../../agent/heartbeat.ts';
import { ordinalOf } from '../../agent/identity.ts';
import { Peers } from '../../agent/peers.ts';
import { RoleClient } from '../../agent/role.ts';
import { startAgentServer } from '../../agent/server.ts';
import { durationMs } from '../../api/v1alpha1/duration.ts';
import { ANNOTATIONS, names, podName } from '../../api/v1alpha1/names.ts';
import { messageOf } from '../../errors.ts';
import { EventRecorder } from '../../kube/events.ts';
import type { Occurrence } from '../../kube/events.ts';
import { Auditor } from './auditor.ts';
import { Member } from './member.ts';
import { metrics } from './metrics.ts';
import { memberHost, memberService, pairRecord } from './names.ts';
import { Routing } from './routing.ts';

/** A look that has not begun for so long: the agent hangs and shall be restarted. The server goes on meanwhile. */
const HUNG_MS = 30_000;
/** The engine's stop script waits little longer. */
const LEAVE_MS = 8_000;

export const program: AgentProgram = async (context) => {
  const { identity, kube, log } = context;
  const ordinal = ordinalOf(identity.pod);
  const peerOrdinal = 1 - ordinal;
  const peer = podName(identity.cluster, 'postgresql', peerOrdinal);
  const peers = new Peers({ kube, identity, log });
  const routing = new Routing({
    kube,
    identity,
    peer,
    log,
    onTakenOut: () => {
      member.takenOut();
    },
    services: {
      pair: names(identity.cluster).services.postgresql,
      own: memberService(identity.cluster, ordinal),
      peer: memberService(identity.cluster, peerOrdinal),
    },
  });
  const heartOf = (): ReturnType<Peers['members']>[number] | undefined =>
    peers.members().find(({ pod }) => pod === peer);
  const role = new RoleClient({ kube, identity, peers, role: pairRecord(identity.cluster) });
  const peerHost = memberHost(identity.cluster, identity.namespace, peerOrdinal);
  const events = new EventRecorder({
    kube,
    controller: 'spacecluster.dev/agent',
    instance: identity.pod,
    log,
  });
  const tell = (occurrence: Occurrence): void => {
    events.record(context.cluster(), occurrence);
  };
  const auditor = new Auditor({
    member: identity.pod,
    peer,
    peerHost,
    log,
    seen: () => member.seen,
    request: () => context.cluster().metadata.annotations?.[ANNOTATIONS.audit] ?? '',
    tell,
  });
  const member = new Member({
    member: identity.pod,
    ordinal,
    peer,
    peerHost,
    audit: () => auditor.result,
    role,
    log,
    peerServes: () => heartOf()?.dead === false && routing.peerListed(),
    peerDead: () => heartOf()?.dead === true,
    replace: () => context.cluster().metadata.annotations?.[ANNOTATIONS.replaceMember] ?? '',
    uid: identity.uid,
    tell,
    soloAfterMs: () => durationMs(context.cluster().spec.postgresql.soloAfter),
    publish: (wish) => {
      routing.wish(wish);
    },
  });
  // Every heartbeat of the cluster is a change: only what is decided from is worth a look ahead of time.
  let known = '';
  peers.onChange(() => {
    const facts = `${role.current()?.resourceVersion}/${heartOf()?.dead}`;
    if (facts !== known) member.notify();
    known = facts;
  });
  await serve(context, { member, routing, peers, auditor });
};

interface Parts {
  readonly member: Member;
  readonly routing: Routing;
  readonly peers: Peers;
  readonly auditor: Auditor;
}

/** Runs all parts until the pod is told to end; the server has ended before, so that nothing is left to be given up but the Lease. */
async function serve(context: AgentContext, { member, routing, peers, auditor }: Parts): Promise<void> {
  const { identity, kube, log, signal } = context;
  const heartbeat = new Heartbeat({
    kube,
    identity,
    peers,
    log,
    beat: 'member',
    profile: () => context.cluster().spec.failureDetection.profile,
  });
  const server = await startAgentServer({
    log,
    healthy: () => (member.silentMs() < HUNG_MS ? undefined : 'the agent hangs'),
    ready: () => member.unready(),
    metrics: () => metrics(member.seen, auditor.result),
    handOver: async () => {
      member.leave();
      await routing.leave(AbortSignal.any([signal, AbortSignal.timeout(LEAVE_MS)]));
    },
  });
  try {
    await Promise.all([
      peers.run(signal),
      heartbeat.run(signal),
      routing.run(signal),
      member.run(signal),
      auditor.run(signal),
    ]);
    await heartbeat.release();
  } catch (error) {
    if (!signal.aborted) throw error;
    log.warn('not ended in order', { error: messageOf(error) });
  } finally {
    await server.close();
  }
}
