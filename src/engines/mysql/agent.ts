// The MySQL agent: sees, decides, acts, in one loop; beside it beat the heartbeat, the failsafe, the routing and the peer's questions.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, watch } from 'node:fs';
import { Heartbeat } from '../../agent/heartbeat.ts';
import { holderIdentity, ordinalOf } from '../../agent/identity.ts';
import type { AgentContext, AgentProgram } from '../../agent/agent.ts';
import { Peers } from '../../agent/peers.ts';
import { RoleClient } from '../../agent/role.ts';
import { startAgentServer } from '../../agent/server.ts';
import { Slices } from '../../agent/slices.ts';
import { Wake } from '../../agent/wake.ts';
import { ANNOTATIONS, names, podName, workloadName } from '../../api/v1alpha1/names.ts';
import { messageOf } from '../../errors.ts';
import { EventRecorder } from '../../kube/events.ts';
import { ConfigMaps } from '../../kube/resources.ts';
import { RUN_DIR } from '../shared/pods.ts';
import { readDataBytes } from './admin.ts';
import { decide } from './decide.ts';
import { answerTo } from './failsafe.ts';
import type { Answer, Question } from './failsafe.ts';
import { runFailsafe } from './failsafe-runner.ts';
import { remember, startHistory } from './history.ts';
import { Marker } from './marker.ts';
import { Member } from './member.ts';
import type { PeerReport } from './member-state.ts';
import { renderMetrics } from './metrics.ts';
import { Operations } from './operations.ts';
import { PeerClient, servePeer } from './peer-channel.ts';
import { Permit } from './permit.ts';
import { readiness } from './readiness.ts';
import { RecordKeeper } from './record-keeper.ts';
import { Router } from './router.ts';
import { routingOf } from './routing.ts';
import { lifeOf, Supervisor } from './supervisor.ts';
import { tell } from './telling.ts';
import { watchTls } from './tls.ts';
import { isPending, peerCounts, peerMayCount } from './view.ts';
import type { Step, View } from './view.ts';

/** Between two looks when nothing calls for one sooner. */
const LOOK_MS = 250;
/** After a step that did not bring about anything new. */
const REPEAT_MS = 100;
const PEER_MS = 250;
const PEER_TIMEOUT_MS = 400;
/** Beats within which a standby has to acknowledge. */
const GRACE_PERIODS = 2;
/** Parts of the renew deadline: so long a word of the peer is believed, so long a renewal waits for its marker commit. */
const WORD_PART = 2;
const FRESH_PART = 5;
const PROBE_MS = 400;
const HAND_OVER_MS = 20_000;
const SIZE_MS = 60_000;

export const program: AgentProgram = async (context) => {
  await new MySqlAgent(context).run();
};

class MySqlAgent {
  readonly #context: AgentContext;
  readonly #self: string;
  readonly #peerMember: string;
  readonly #stop = new AbortController();
  readonly #wake = new Wake();
  readonly #supervisor = new Supervisor();
  readonly #peers: Peers;
  readonly #role: RoleClient;
  readonly #keeper: RecordKeeper;
  readonly #heartbeat: Heartbeat;
  readonly #member: Member;
  readonly #marker: Marker;
  readonly #permit: Permit;
  readonly #operations: Operations;
  readonly #router: Router;
  readonly #peerClient: PeerClient;
  readonly #events: EventRecorder;
  #view: View | undefined;
  #history = startHistory(performance.now());
  #peerWord: { readonly report: PeerReport; readonly at: number } | undefined;
  #promisedUntil = Number.NEGATIVE_INFINITY;
  /** The supervisor's life in which the pod was told to end. */
  #stoppingIn: string | undefined;
  #life = '';
  #dataBytes = 0;
  #sizeAt = Number.NEGATIVE_INFINITY;

  constructor(context: AgentContext) {
    this.#context = context;
    const { identity, kube, log } = context;
    const { cluster, namespace } = identity;
    this.#self = holderIdentity(identity);
    this.#peerMember = podName(cluster, 'mysql', 1 - ordinalOf(identity.pod));
    const hostOf = (member: string): string => `${member}.${workloadName(cluster, 'mysql')}.${namespace}.svc`;
    const wake = (): void => {
      this.#wake.notify();
    };
    this.#peers = new Peers({ kube, identity, log });
    this.#role = new RoleClient({
      kube,
      identity,
      peers: this.#peers,
      role: names(cluster).roleLeases.mysql,
    });
    this.#keeper = new RecordKeeper(this.#role);
    this.#permit = new Permit(this.#supervisor, wasArmed());
    this.#member = new Member({ supervisor: this.#supervisor, log, onEnd: wake });
    this.#marker = new Marker(log);
    this.#heartbeat = new Heartbeat({
      kube,
      identity,
      peers: this.#peers,
      log,
      beat: 'candidate',
      profile: () => context.cluster().spec.failureDetection.profile,
      gate: () => this.#gate(),
      onRenewed: (until) => {
        const lapsed = !this.#permit.permitted();
        this.#permit.renewed(until);
        if (lapsed) this.#wake.notify();
      },
    });
    this.#operations = new Operations({
      supervisor: this.#supervisor,
      member: this.#member,
      permit: this.#permit,
      keeper: this.#keeper,
      log,
      hostOf,
      datadir: freshDatadir,
      onJobDone: wake,
      onDone: (step) => {
        tell(this.#events, context.cluster(), step);
      },
    });
    this.#router = new Router({
      slices: new Slices({ kube, identity }),
      rwService: names(cluster).services.mysqlRw,
      roService: names(cluster).services.mysqlRo,
      log,
      onDone: wake,
    });
    this.#peerClient = new PeerClient({ host: hostOf(this.#peerMember) });
    this.#events = new EventRecorder({
      kube,
      controller: 'spacecluster.dev/agent',
      instance: identity.pod,
      log,
    });
  }

  async run(): Promise<void> {
    const { identity, log, signal } = this.#context;
    const stop = this.#stop.signal;
    const server = await startAgentServer({
      log,
      healthy: () => undefined,
      ready: () => readiness(this.#view),
      metrics: () => renderMetrics(this.#view),
      handOver: () => this.#handOver(HAND_OVER_MS),
    });
    const watched = new Set<string>();
    this.#peers.onChange(() => {
      // Beats of other pods come many times a second; only what a decision rests on is worth a look.
      const record = this.#role.current();
      const mark = `${record?.resourceVersion}/${record?.holder !== undefined && this.#peers.isDead(record.holder)}`;
      if (watched.has(mark)) return;
      watched.clear();
      watched.add(mark);
      this.#wake.notify();
    });
    this.#context.onClusterChange(() => {
      this.#wake.notify();
    });
    const supervisorWatch = watch(RUN_DIR, (_event, file) => {
      if (file === 'state') this.#wake.notify();
    });
    signal.addEventListener('abort', () => {
      this.#wake.notify();
    });
    const beside = [
      this.#peers.run(stop),
      this.#heartbeat.run(stop),
      this.#router.run(stop),
      this.#followPeer(stop),
      watchTls(this.#member, log, stop),
      runFailsafe(
        {
          permit: this.#permit,
          log,
          holder: () => this.#asHolder(),
          renewDeadlineMs: () => this.#heartbeat.timing().renewDeadlineMs,
          ask: (question, timeoutMs) => this.#peerClient.ask(question, timeoutMs),
          gate: () => this.#gate(),
          yield: (reason) => {
            void this.#operations.run({ kind: 'hand-over', reason }, stop);
            this.#wake.notify();
          },
        },
        stop,
      ),
      servePeer({
        commonName: workloadName(identity.cluster, 'mysql'),
        report: () => this.#report(),
        answer: (question) => this.#answer(question),
        log,
        signal: stop,
      }),
    ];
    try {
      // A part that fails ends the agent: the kubelet starts it anew, and the deadline file guards meanwhile (L4).
      await Promise.race([
        this.#loop(signal),
        ...beside.map(async (part) => part.then(async () => never(stop))),
      ]);
    } finally {
      supervisorWatch.close();
      this.#stop.abort();
      this.#peerClient.close();
      await server.close();
    }
    await this.#leave();
  }

  /** Until the process is told to end and has handed over what another can take. */
  async #loop(signal: AbortSignal): Promise<void> {
    let before = '';
    let deadline = Number.POSITIVE_INFINITY;
    while (!this.#stop.signal.aborted) {
      const view = await this.#gather();
      this.#view = view;
      this.#settle(view);
      this.#router.want(routingOf(view));
      const step = decide(view);
      const described = describe(step);
      if (described !== before) this.#context.log.info('next', { step: described });
      await this.#act(step);
      if (signal.aborted) {
        deadline = Math.min(deadline, performance.now() + HAND_OVER_MS / 4);
        if (!this.#mustHandOver(view) || performance.now() > deadline) return;
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

  /** A closed engine needs no deadline; one that the deadline has ended may start again, read-only. */
  #settle(view: View): void {
    const { engine, record } = view;
    if (
      engine.kind === 'down' ||
      engine.kind === 'empty' ||
      (engine.kind === 'running' && !engine.writable)
    ) {
      this.#permit.disarm();
    }
    if (record?.holder !== view.self) this.#operations.handedOver();
  }

  async #gather(): Promise<View> {
    const { identity } = this.#context;
    const cluster = this.#context.cluster();
    const engine = await this.#member.observe();
    const now = performance.now();
    const record = this.#keeper.record();
    const peer = this.#freshPeer(now);
    const counted = peerCounts(record, this.#peerMember, peer);
    this.#history = remember(this.#history, engine, counted, now);
    const ordinal = ordinalOf(identity.pod);
    await this.#noteLife();
    await this.#noteSize(engine.kind === 'running' && engine.writable);
    const asked = cluster.metadata.annotations?.[ANNOTATIONS.switchover] ?? '';
    return {
      now,
      self: this.#self,
      member: identity.pod,
      ordinal,
      peerMember: this.#peerMember,
      record,
      recordOnWatch: this.#keeper.onWatch(),
      pending: this.#keeper.pending(),
      initialised: record?.epoch === 0 && ordinal === 0 ? await this.#readInitialised() : undefined,
      certain: this.#heartbeat.certain(),
      permitted: this.#permit.permitted(),
      proven: this.#permit.proven(),
      holderDead: record?.holder !== undefined && this.#peers.isDead(record.holder),
      promised: now < this.#promisedUntil,
      refrain: this.#operations.refrain(),
      stopping: this.#stoppingIn === this.#life,
      handingOver: this.#operations.handingOver(),
      asked: asked === 'mysql' ? asked : '',
      durability: cluster.spec.mysql.durability,
      graceMs: GRACE_PERIODS * this.#heartbeat.timing().periodMs,
      engine,
      peer,
      history: this.#history,
      provisioned: await this.#operations.isProvisioned(),
      published: record !== undefined && this.#router.published() === record.epoch,
      job: this.#operations.job(),
      leftovers: engine.kind === 'running' ? await this.#operations.leftovers(engine.datadir) : [],
      fresh: freshDatadir(),
    };
  }

  #wordLastsMs(): number {
    return this.#heartbeat.timing().renewDeadlineMs / WORD_PART;
  }

  #freshPeer(now: number): PeerReport | undefined {
    return this.#peerWord !== undefined && now - this.#peerWord.at < this.#wordLastsMs()
      ? this.#peerWord.report
      : undefined;
  }

  async #noteLife(): Promise<void> {
    const state = await this.#supervisor.state();
    if (state !== undefined) this.#life = lifeOf(state);
  }

  async #noteSize(open: boolean): Promise<void> {
    const session = this.#member.session();
    if (!open || session === undefined || performance.now() - this.#sizeAt < SIZE_MS) return;
    this.#sizeAt = performance.now();
    this.#dataBytes = await readDataBytes(session).catch(() => this.#dataBytes);
  }

  /** The state record outlives the role Lease: a missing Lease never means that nothing was initialised (M2). */
  async #readInitialised(): Promise<boolean | undefined> {
    const { identity, kube, log } = this.#context;
    try {
      const state = await kube.get(ConfigMaps, identity.namespace, names(identity.cluster).state);
      const text = state.data?.['mysql'];
      return (
        text !== undefined && (JSON.parse(text) as { readonly initialised?: boolean }).initialised === true
      );
    } catch (error) {
      log.warn('the state record could not be read', { error: messageOf(error) });
      return undefined;
    }
  }

  async #gate(): Promise<boolean> {
    const view = this.#view;
    const serving =
      view?.record?.holder === this.#self &&
      view.engine.kind === 'running' &&
      view.engine.writable &&
      view.provisioned;
    const session = serving ? this.#member.session() : undefined;
    const freshMs = this.#heartbeat.timing().renewDeadlineMs / FRESH_PART;
    return this.#marker.gate(session, view?.record?.epoch ?? 0, freshMs);
  }

  #report(): PeerReport | undefined {
    const view = this.#view;
    if (view === undefined || performance.now() - view.now > this.#wordLastsMs()) return undefined;
    return {
      member: view.member,
      engine: view.engine,
      epoch: view.record?.epoch ?? 0,
      dataBytes: this.#dataBytes,
    };
  }

  async #followPeer(signal: AbortSignal): Promise<void> {
    const pause = new Wake();
    while (!signal.aborted) {
      try {
        const report = await this.#peerClient.report(PEER_TIMEOUT_MS);
        if (report !== undefined) this.#peerWord = { report, at: performance.now() };
      } catch (error) {
        this.#context.log.debug('no word of the peer', { error: messageOf(error) });
      }
      await pause.wait(PEER_MS, signal);
    }
  }

  #asHolder():
    { readonly writable: boolean; readonly peerMayCount: boolean; readonly question: Question } | undefined {
    const view = this.#view;
    const record = this.#keeper.record();
    if (
      view === undefined ||
      record === undefined ||
      record.holder !== this.#self ||
      record.phase !== 'open'
    ) {
      return undefined;
    }
    if (view.stopping || this.#operations.handingOver() !== undefined) return undefined;
    const current = { ...view, record, pending: this.#keeper.pending() };
    if (isPending(current, 'release')) return undefined;
    return {
      writable: view.engine.kind === 'running' && view.engine.writable,
      peerMayCount: peerMayCount(current),
      question: {
        holder: this.#self,
        epoch: record.epoch,
        durationMs: this.#heartbeat.timing().durationMs,
      },
    };
  }

  async #answer(question: Question): Promise<Answer> {
    const apiReachable = await this.#role.read(AbortSignal.timeout(PROBE_MS)).then(
      () => true,
      () => false,
    );
    const answer = answerTo(question, {
      record: this.#keeper.record(),
      taking: this.#keeper.pending().some(({ kind }) => kind === 'take'),
      apiReachable,
    });
    if (answer === 'promised') {
      this.#promisedUntil = performance.now() + question.durationMs;
      this.#peers.promised(question.holder);
    }
    this.#context.log.warn('the holder asks whether it may carry on', { answer });
    return answer;
  }

  /** Gives the role up and settles when it is given up, or cannot be in time. The pod is going to end. */
  async #handOver(withinMs: number): Promise<void> {
    this.#stoppingIn = this.#life;
    this.#wake.notify();
    const until = performance.now() + withinMs;
    const settled = new Wake();
    while (performance.now() < until && this.#holdsSomething()) await settled.wait(20, this.#stop.signal);
  }

  #holdsSomething(): boolean {
    const view = this.#view;
    if (view === undefined) return false;
    if (!view.stopping) return true;
    return view.record?.holder === this.#self || (view.engine.kind === 'running' && view.engine.writable);
  }

  /** Told to end alone, without the pod: only a role that the standby can take at once is given up. */
  #mustHandOver(view: View): boolean {
    if (view.record?.holder !== this.#self) return false;
    if (view.stopping) return true;
    if (view.record.copies.length < 2 || view.peer?.engine.kind !== 'running') return false;
    this.#stoppingIn = this.#life;
    return true;
  }

  async #leave(): Promise<void> {
    const view = this.#view;
    const holds = view?.record?.holder === this.#self;
    this.#member.close();
    if (holds || (view?.engine.kind === 'running' && view.engine.writable)) return;
    await this.#heartbeat.release().catch((error: unknown) => {
      this.#context.log.warn('the heartbeat could not be released', { error: messageOf(error) });
    });
  }
}

function freshDatadir(): View['fresh'] {
  const serverUuid = randomUUID();
  return { datadir: `data-${serverUuid.slice(0, 8)}`, serverUuid };
}

/** Did an earlier agent of this pod leave mysqld under a deadline? */
function wasArmed(): boolean {
  const file = `${RUN_DIR}/deadline`;
  return existsSync(file) && readFileSync(file, 'utf8').trim() !== 'none';
}

function describe(step: Step): string {
  switch (step.kind) {
    case 'wait':
      return `wait: ${step.reason}`;
    case 'write':
      return `write ${step.write}: ${step.reason}`;
    case 'close':
    case 'hand-over':
      return `${step.kind}: ${step.reason}`;
    case 'semi-sync':
      return `semi-sync ${step.on ? 'on' : 'off'}: ${step.reason}`;
    default:
      return step.kind;
  }
}

async function never(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => {
    resolve();
  });
  await promise;
}
