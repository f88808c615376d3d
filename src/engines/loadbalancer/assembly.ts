// The parts of one balancer's agent, put together: who feeds whom.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { names } from '../../api/v1alpha1/names.ts';
import { messageOf } from '../../errors.ts';
import type { AgentContext } from '../../agent/agent.ts';
import { Heartbeat } from '../../agent/heartbeat.ts';
import { Peers } from '../../agent/peers.ts';
import { RoleClient } from '../../agent/role.ts';
import { explain } from '../../agent/simple-role.ts';
import { Slices } from '../../agent/slices.ts';
import { EventRecorder } from '../../kube/events.ts';
import { Reflector, URGENT_BACKOFF } from '../../kube/reflector.ts';
import { EndpointSlices } from '../../kube/resources.ts';
import { RuntimeSocket } from './admin.ts';
import { PATHS } from './config.ts';
import type { Member } from './config.ts';
import { Drain } from './drain.ts';
import { Membership } from './membership.ts';
import { membersOf } from './members.ts';
import { balancerMetrics } from './metrics.ts';
import { Rotation } from './rotation.ts';
import { Serving } from './serving.ts';
import { VipRole } from './vip-role.ts';

export interface Balancer {
  /** Before HAProxy may start. */
  readonly prepare: () => Promise<void>;
  /** Until `signal` is aborted. @throws LeaseLostError when another pod of this name has taken over */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Gives the Web IP to the other balancer, within a bound. */
  readonly handOver: () => Promise<void>;
  /** Last act: this pod does nothing any more that its Lease stood for. */
  readonly leave: () => Promise<void>;
  /** What is missing for readiness; undefined when nothing is. */
  readonly missing: () => string | undefined;
  readonly metrics: () => string;
}

export function assemble(context: AgentContext): Balancer {
  const { identity, kube, log } = context;
  const cluster = (): SpaceCluster => context.cluster();
  const { roleLeases, services } = names(identity.cluster);
  const events = new EventRecorder({
    kube,
    controller: 'spacecluster.dev/agent',
    instance: identity.pod,
    log,
  });
  const peers = new Peers({ kube, identity, log });
  const heartbeat = new Heartbeat({
    kube,
    identity,
    peers,
    log,
    beat: 'candidate',
    profile: () => cluster().spec.failureDetection.profile,
    onLevel: (level) => {
      events.record(cluster(), {
        type: 'Warning',
        reason: 'FailureDetectionChanged',
        action: 'AdaptHeartbeat',
        note: `${identity.pod} beats at level ${level}, as the time its renewals take allows`,
      });
    },
  });
  const workers = new Reflector({
    kube,
    type: EndpointSlices,
    query: {
      namespace: identity.namespace,
      labelSelector: `kubernetes.io/service-name=${services.workers}`,
    },
    log,
    backoff: URGENT_BACKOFF,
  });
  const socket = new RuntimeSocket(PATHS.socket);
  const membership = new Membership({
    cluster: identity.cluster,
    namespace: identity.namespace,
    socket,
    log,
    members: () => (workers.synced ? members() : undefined),
  });
  const serving = new Serving({
    socket,
    log,
    onChange: () => {
      vip.notify();
      membership.notify();
    },
  });
  const vip = new VipRole({
    identity,
    peers,
    heartbeat,
    role: new RoleClient({ kube, identity, peers, role: roleLeases.vip }),
    slices: new Slices({ kube, identity }),
    log,
    cluster,
    serving: () => serving.serving(),
    life: () => serving.life(),
    drain: new Drain(socket, log),
    onTaken: (epoch, reason) => {
      events.record(cluster(), {
        type: reason === 'holder-dead' ? 'Warning' : 'Normal',
        reason: 'WebIPMoved',
        action: 'TakeWebIP',
        note: `${cluster().spec.vip.address} is served by ${identity.pod} on ${identity.node} since epoch ${epoch}: ${explain(reason)}`,
      });
    },
  });
  const rotation = new Rotation({ socket, log });

  /** A worker without a heartbeat is HAProxy's own checks to judge. */
  function members(): readonly Member[] {
    const dead = new Set(
      peers
        .members()
        .filter((member) => member.dead)
        .map((member) => member.identity),
    );
    return membersOf(workers.store.list(), (pod, uid) => dead.has(`${pod}/${uid}`));
  }

  // Heartbeats come many times a second; HAProxy is asked only when they change what is wanted.
  let wanted = '';
  const compare = (): void => {
    const next = JSON.stringify(members());
    if (next === wanted) return;
    wanted = next;
    membership.notify();
  };
  workers.subscribe(compare);
  peers.onChange(compare);
  context.onClusterChange(() => {
    vip.notify();
  });

  return {
    prepare: () => membership.prepare(),
    run: async (signal) => {
      const parts = [peers, heartbeat, workers, serving, membership, rotation, vip];
      await Promise.all(parts.map((part) => part.run(signal)));
    },
    handOver: () => vip.handOver(),
    leave: async () => {
      try {
        await heartbeat.release();
      } catch (error) {
        // It runs out by itself.
        log.warn('Lease not released', { error: messageOf(error) });
      }
      await events.flush();
    },
    missing: () => {
      if (!serving.serving()) return 'HAProxy does not serve';
      return membership.settled() ? undefined : 'HAProxy does not have the workers yet';
    },
    metrics: balancerMetrics(heartbeat, vip, serving),
  };
}
