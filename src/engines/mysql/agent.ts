// The MySQL agent: looks, decides, acts, in one loop; beside it run the heartbeat, the failsafe, the routing and the peer's questions.
import { watch } from 'node:fs';
import type { AgentContext, AgentProgram } from '../../agent/agent.ts';
import { Heartbeat } from '../../agent/heartbeat.ts';
import { holderIdentity, ordinalOf } from '../../agent/identity.ts';
import { Peers } from '../../agent/peers.ts';
import { RoleClient } from '../../agent/role.ts';
import { startAgentServer } from '../../agent/server.ts';
import { Slices } from '../../agent/slices.ts';
import { Wake } from '../../agent/wake.ts';
import { names, podName, workloadName } from '../../api/v1alpha1/names.ts';
import { messageOf } from '../../errors.ts';
import { EventRecorder } from '../../kube/events.ts';
import { RUN_DIR } from '../shared/pods.ts';
import { Chronicle } from './chronicle.ts';
import { decide } from './decide.ts';
import { Failsafe } from './failsafe-runner.ts';
import { freshDatadir, Lookout } from './lookout.ts';
import { Marker } from './marker.ts';
import { Member } from './member.ts';
import { DiskMemory } from './memory.ts';
import { renderMetrics } from './metrics.ts';
import { Operations } from './operations.ts';
import { PeerClient, servePeer } from './peer-channel.ts';
import { Permit } from './permit.ts';
import { readiness } from './readiness.ts';
import { RecordKeeper } from './record-keeper.ts';
import { Router } from './router.ts';
import { routingOf } from './routing.ts';
import { Supervisor } from './supervisor.ts';
import { describe, tell } from './telling.ts';
import { watchTls } from './tls.ts';
import { isStillNeeded, mustCommit } from './view.ts';
import type { Step, View } from './view.ts';

/** Between two looks when nothing calls for one sooner. */
const LOOK_MS = 250;
/** After a step that did not bring about anything new. */
const REPEAT_MS = 100;
/** For a hand-over before the pod ends, and before this process alone does. */
const HAND_OVER_MS = 20_000;
const LEAVE_MS = 5_000;
const STANDBY_LEAVES_MS = 5_000;
/** Of the renew deadline: so long a renewal waits for its marker commit (M8). */
const FRESH_PART = 5;

/** The SpaceCluster as last seen, for an agent that is started while the API server is away. */
export const clusterFile = `${RUN_DIR}/cluster.json`;

export const program: AgentProgram = async (context) => {
  await new MySqlAgent(context).run();
};

class MySqlAgent {
  readonly #context: AgentContext;
  readonly #self: string;
  readonly #stop = new AbortController();
  readonly #wake = new Wake();
  readonly #peers: Peers;
  readonly #role: RoleClient;
  readonly #heartbeat: Heartbeat;
  readonly #member: Member;
  readonly #marker: Marker;
  readonly #permit: Permit;
  readonly #operations: Operations;
  readonly #router: Router;
  readonly #peerClient: PeerClient;
  readonly #lookout: Lookout;
  readonly #failsafe: Failsafe;

  constructor(context: AgentContext) {
    const { identity, kube, log } = context;
    const { cluster, namespace } = identity;
    const wake = (): void => {
      this.#wake.notify();
    };
    const hostOf = (member: string): string => `${member}.${workloadName(cluster, 'mysql')}.${namespace}.svc`;
    const gate = (): Promise<boolean> => this.#gate();
    const self = holderIdentity(identity);
    const supervisor = new Supervisor();
    const peers = new Peers({ kube, identity, log });
    const role = new RoleClient({ kube, identity, peers, role: names(cluster).roleLeases.mysql });
    const keeper = new RecordKeeper(role, new DiskMemory());
    const permit = new Permit(supervisor, supervisor.deadline());
    const member = new Member({ supervisor, log, onEnd: wake });
    const heartbeat = new Heartbeat({
      kube,
      identity,
      peers,
      log,
      beat: 'candidate',
      profile: () => context.cluster().spec.failureDetection.profile,
      gate,
      onRenewed: (until) => {
        const lapsed = !permit.permitted();
        permit.renewed(until);
        if (lapsed) wake();
      },
    });
    const events = new EventRecorder({
      kube,
      controller: 'spacecluster.dev/agent',
      instance: identity.pod,
      log,
    });
    const chronicle = new Chronicle(self);
    const operations = new Operations({
      supervisor,
      member,
      permit,
      keeper,
      log,
      hostOf,
      datadir: freshDatadir,
      onJobDone: wake,
      onDone: (step) => {
        this.#note(step, chronicle);
        tell(events, context.cluster(), step);
      },
    });
    const router = new Router({
      slices: new Slices({ kube, identity }),
      rwService: names(cluster).services.mysqlRw,
      roService: names(cluster).services.mysqlRo,
      log,
      onDone: wake,
    });
    const peerClient = new PeerClient({
      host: hostOf(podName(cluster, 'mysql', 1 - ordinalOf(identity.pod))),
    });
    const lookout = new Lookout({
      context,
      member,
      peers,
      keeper,
      heartbeat,
      permit,
      operations,
      router,
      peerClient,
      chronicle,
    });
    const failsafe = new Failsafe({
      self,
      permit,
      keeper,
      role,
      peers,
      heartbeat,
      lookout,
      peerClient,
      log,
      gate,
      yield: (reason) => {
        operations.beginHandOver(reason);
        wake();
      },
    });
    this.#context = context;
    this.#self = self;
    this.#peers = peers;
    this.#role = role;
    this.#heartbeat = heartbeat;
    this.#member = member;
    this.#marker = new Marker(log);
    this.#permit = permit;
    this.#operations = operations;
    this.#router = router;
    this.#peerClient = peerClient;
    this.#lookout = lookout;
    this.#failsafe = failsafe;
  }

  async run(): Promise<void> {
    const { identity, log, signal } = this.#context;
    const stop = this.#stop.signal;
    const server = await startAgentServer({
      log,
      healthy: () => undefined,
      ready: () => readiness(this.#lookout.view()),
      metrics: () => renderMetrics(this.#lookout.view()),
      handOver: () => this.#handOver(),
    });
    const unwatch = this.#watchForCauses(signal);
    const beside = [
      this.#peers.run(stop),
      this.#heartbeat.run(stop),
      this.#router.run(stop),
      this.#lookout.followPeer(stop),
      this.#failsafe.run(stop),
      watchTls(this.#member, log, stop),
      servePeer({
        commonName: workloadName(identity.cluster, 'mysql'),
        report: () => this.#lookout.report(),
        answer: (question) => this.#failsafe.answer(question),
        log,
        signal: stop,
      }),
    ];
    try {
      // A part that fails ends the agent: the kubelet starts it anew, and the deadline file guards meanwhile (L4).
      await Promise.race([this.#loop(signal), ...beside.map(async (part) => part.then(() => ended(stop)))]);
    } finally {
      unwatch();
      this.#stop.abort();
      this.#peerClient.close();
      await server.close();
    }
    await this.#leave();
  }

  /** What calls for a look before its time. */
  #watchForCauses(signal: AbortSignal): () => void {
    const wake = (): void => {
      this.#wake.notify();
    };
    // Beats of all pods come many times a second: only what a decision rests on is worth a look.
    let seen = '';
    this.#peers.onChange(() => {
      const record = this.#role.current();
      const dead = record?.holder !== undefined && this.#peers.isDead(record.holder);
      const mark = `${record?.resourceVersion}/${dead}`;
      if (mark !== seen) wake();
      seen = mark;
    });
    this.#context.onClusterChange(wake);
    signal.addEventListener('abort', wake);
    const watching = watch(RUN_DIR, (_event, file) => {
      if (file === 'state') wake();
    });
    return () => {
      watching.close();
    };
  }

  /** Until the process is told to end and has handed over what the standby can take. */
  async #loop(signal: AbortSignal): Promise<void> {
    let before = '';
    let leaveBy = Number.POSITIVE_INFINITY;
    while (!this.#stop.signal.aborted) {
      const view = await this.#lookout.look();
      this.#settle(view);
      this.#router.want(routingOf(view));
      const step = decide(view);
      const described = describe(step);
      if (described !== before) this.#context.log.info('next', { step: described });
      await this.#act(step);
      if (signal.aborted) {
        leaveBy = Math.min(leaveBy, performance.now() + LEAVE_MS);
        if (!this.#mustHandOver(view) || performance.now() > leaveBy) return;
      }
      if (step.kind === 'wait') await this.#wake.wait(LOOK_MS, this.#stop.signal);
      else if (described === before) await this.#wake.wait(REPEAT_MS, this.#stop.signal);
      before = described;
    }
  }

  async #act(step: Step): Promise<void> {
    try {
      await this.#operations.run(step, this.#stop.signal);
    } catch (error) {
      this.#context.log.warn('step failed', { step: describe(step), error: messageOf(error) });
    }
  }

  #note(step: Step, chronicle: Chronicle): void {
    const now = performance.now();
    const holder = step.kind === 'write' ? step.base.holder : undefined;
    const detectMs = holder === undefined ? this.#lookout.unheldMs(now) : this.#peers.silentFor(holder);
    chronicle.done(step, detectMs, new Date().toISOString(), now);
  }

  /** A closed engine needs no deadline; one that the deadline has ended may start again, read-only. */
  #settle({ engine, record, self }: View): void {
    const closed = engine.kind === 'running' && !engine.writable;
    if (closed || engine.kind === 'down' || engine.kind === 'empty') this.#permit.disarm();
    if (record?.holder !== self) this.#operations.handedOver();
  }

  /** M8: the holder of an open engine beats only with a fresh commit. */
  async #gate(): Promise<boolean> {
    const view = this.#lookout.view();
    const session = view !== undefined && mustCommit(view) ? this.#member.session() : undefined;
    const freshMs = this.#heartbeat.timing().renewDeadlineMs / FRESH_PART;
    return this.#marker.gate(session, view?.record?.epoch ?? 0, freshMs);
  }

  /** The pod is going to end: gives the role up and settles when it is given up, or cannot be in time. */
  async #handOver(): Promise<void> {
    this.#lookout.stop();
    this.#wake.notify();
    const askedAt = performance.now();
    const pause = new Wake();
    while (performance.now() - askedAt < HAND_OVER_MS && this.#holdsSomething(askedAt)) {
      await pause.wait(20, this.#stop.signal);
    }
  }

  #holdsSomething(askedAt: number): boolean {
    const view = this.#lookout.view();
    if (view === undefined) return false;
    if (!view.stopping || view.record?.holder === this.#self || isOpen(view)) return true;
    // The address of a pod that has ended may soon be another's.
    if (this.#router.published() !== undefined) return true;
    if (performance.now() - askedAt > STANDBY_LEAVES_MS) return false;
    return isStillNeeded(view) || replicates(view);
  }

  /** Told to end alone, without the pod: only a role that the standby can take at once is given up. */
  #mustHandOver(view: View): boolean {
    if (view.record?.holder !== this.#self) return false;
    if (view.stopping) return true;
    if (view.record.copies.length < 2 || view.peer?.engine.kind !== 'running') return false;
    this.#lookout.stop();
    return true;
  }

  /** Nobody has to wait for the Lease of a member that has nothing open and no role. */
  async #leave(): Promise<void> {
    const view = this.#lookout.view();
    this.#member.close();
    if (view === undefined || view.record?.holder === this.#self || isOpen(view)) return;
    try {
      await this.#heartbeat.release();
    } catch (error) {
      this.#context.log.warn('the heartbeat could not be released', { error: messageOf(error) });
    }
  }
}

function replicates({ engine }: View): boolean {
  return (
    engine.kind === 'running' &&
    engine.replica !== undefined &&
    (engine.replica.io !== 'off' || engine.replica.sql)
  );
}

function isOpen({ engine }: View): boolean {
  return engine.kind === 'running' && engine.writable;
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => {
    resolve();
  });
  await promise;
}
