// For tests: two members, a record and a network that lose, delay and stop at any moment, driven by the real decider,
// record keeper, permit and failsafe. What is a set of transactions here is a GTID set there.
import type { RoleChange, RoleRecord } from '../../agent/role-record.ts';
import type { WriteOutcome } from '../../agent/role.ts';
import { timingOf } from '../../agent/timing.ts';
import { decide } from './decide.ts';
import { answerTo, decideFailsafe, paceOf } from './failsafe.ts';
import type { HolderView } from './failsafe.ts';
import { remember, startHistory } from './history.ts';
import type { History } from './history.ts';
import type { EngineState, PeerReport } from './member-state.ts';
import type { Kept } from './memory.ts';
import { Permit } from './permit.ts';
import { RecordKeeper } from './record-keeper.ts';
import { routingOf } from './routing.ts';
import type { Step, View } from './view.ts';
import { isPending, peerCounts, peerMayCount } from './view.ts';

const BEAT = timingOf('Fast', 'candidate');
const DURATION_MS = BEAT.durationMs;
const DEADLINE_MS = BEAT.renewDeadlineMs;

export type Fate = 'done' | 'landed' | 'lost' | 'late';

interface Engine {
  alive: boolean;
  run: number;
  datadir: string;
  uuid: string;
  writable: boolean;
  online: boolean;
  semiSync: boolean;
  acknowledged: number;
  /** Visible. */
  committed: Set<number>;
  /** Flushed, waiting for the acknowledgement; a restart makes them visible. */
  prepared: Set<number>;
  retrieved: Set<number>;
  io: boolean;
  sql: boolean;
  following: boolean;
  sourceUuid: string;
}

interface Agent {
  up: boolean;
  keeper: RecordKeeper;
  permit: Permit;
  seen: RoleRecord | undefined;
  history: History;
  peer: { report: PeerReport; at: number } | undefined;
  provisionedRun: number;
  published: number | undefined;
  unheldSince: number | undefined;
  handingOver: string | undefined;
  refrainUntil: number;
  promisedAt: number;
  certainUntil: number;
  /** The observer's part of the dead-rule. */
  since: number;
  proof: number;
}

interface Node {
  readonly name: string;
  readonly identity: string;
  engine: Engine;
  agent: Agent;
  /** The run directory: outlives the agent. */
  disk: Kept;
  api: boolean;
  frozen: boolean;
  /** Was frozen, and its supervisor has not had its turn yet. */
  woken: boolean;
  /** Monotonic time after which the supervisor kills; undefined: not armed. */
  deadline: number | undefined;
  /** When its heartbeat was last renewed in the store. */
  renewedAt: number;
}

/** A rule taken out, to see that the model notices: what is left out is as it should be. */
export interface Rules {
  /** Between the agent's eyes and the decider, and between the decider and its hands. */
  readonly seen?: (view: View) => View;
  readonly done?: (step: Step, view: View) => Step;
  /** The record's store, the supervisor, the peer and the engine do not keep theirs. */
  readonly without?: readonly (
    | 'resource-version'
    | 'deadline'
    | 'promise'
    | 'own-renewal'
    | 'solo'
    | 'lent'
    | 'failsafe'
    | 'memory'
    | 'unknown-outcome'
    | 'wait-no-replica'
    | 'sync-relay-log'
    | 'relay-log-recovery-off'
    | 'kill-to-fence'
    | 'apply-before-reset'
    | 'read-only-start'
  )[];
}

export class Pair {
  now = 0;
  link = true;
  readonly nodes: readonly [Node, Node];
  record: RoleRecord;
  #version = 1;
  #transactions = 0;
  #fresh = 0;
  readonly #origin = new Map<number, string>();
  /** Writes on their way that may land while their version is current. */
  readonly #late: { node: Node; base: RoleRecord; change: RoleChange }[] = [];
  readonly acked = new Set<number>();
  readonly read = new Set<number>();
  /** What the annotations ask for: a member to be made anew; a member and a token. */
  replace = '';
  force = { member: '', token: '' };
  /** Of the next writes on the record. */
  fates: Fate[] = [];

  readonly #rules: Rules;

  constructor(rules: Rules = {}) {
    this.#rules = rules;
    this.record = {
      holder: undefined,
      epoch: 0,
      phase: '',
      copies: [],
      switchover: '',
      resourceVersion: '1',
    };
    this.nodes = [this.#node(0), this.#node(1)];
  }

  // ---- time

  advance(ms: number): void {
    this.now += ms;
    for (const node of this.nodes) {
      node.woken = false;
      this.#enforce(node);
    }
  }

  #enforce(node: Node): void {
    if (node.frozen || node.deadline === undefined || this.now < node.deadline) return;
    if (this.#without('deadline')) return;
    if (node.engine.alive) this.kill(node);
  }

  // ---- agents

  async heartbeat(node: Node): Promise<void> {
    if (!node.agent.up || node.frozen) return;
    this.#marker(node);
    const { agent } = node;
    if (!node.api) {
      agent.since = this.now;
      agent.proof = Number.NEGATIVE_INFINITY;
      return;
    }
    node.renewedAt = this.now;
    agent.proof = this.now;
    agent.certainUntil = this.now + DEADLINE_MS;
    agent.permit.renewed(agent.certainUntil);
  }

  watch(node: Node): void {
    if (node.api && node.agent.up && !node.frozen) node.agent.seen = this.record;
  }

  poll(node: Node): void {
    const peer = this.other(node);
    if (!this.#reaches(node, peer) || !node.agent.up || !peer.agent.up) return;
    const report: PeerReport = {
      member: peer.name,
      engine: this.#engineState(peer),
      epoch: peer.agent.keeper.record()?.epoch ?? 0,
      dataBytes: 1,
      stopping: false,
    };
    node.agent.peer = { report, at: this.now };
  }

  async look(node: Node): Promise<Step | undefined> {
    if (!node.agent.up || node.frozen) return undefined;
    const seen = this.view(node);
    const view = this.#rules.seen?.(seen) ?? seen;
    node.agent.published = routingOf(view).rw;
    const { engine } = view;
    if (engine.kind === 'down' || (engine.kind === 'running' && !engine.writable)) node.agent.permit.disarm();
    if (view.record?.holder !== node.identity) node.agent.handingOver = undefined;
    const decided = decide(view);
    const step = this.#rules.done?.(decided, view) ?? decided;
    await this.#act(node, step);
    return step;
  }

  failsafe(node: Node): void {
    const { agent } = node;
    const record = agent.keeper.record();
    if (
      this.#without('failsafe') ||
      !agent.up ||
      node.frozen ||
      record?.holder !== node.identity ||
      record.phase !== 'open'
    )
      return;
    if (agent.handingOver !== undefined) return;
    const current = { ...this.view(node), record };
    if (isPending(current, 'release')) return;
    const { engine } = current;
    const holder: HolderView = {
      now: this.now,
      beat: BEAT,
      writable: node.engine.alive && node.engine.writable,
      semiSync: engine.kind === 'running' && engine.semiSync.on,
      permitUntil: agent.permit.until(),
      heartbeatUntil: agent.permit.heartbeatUntil(),
      lent: current.lent,
      peerMayCount:
        peerMayCount(current) && (!this.#without('solo') || this.#reaches(node, this.other(node))),
      answer: undefined,
    };
    const { durationMs, renewDeadlineMs } = paceOf(holder);
    const ask = (): 'promised' | 'refused' | undefined => {
      const peer = this.other(node);
      if (!this.#reaches(node, peer) || !peer.agent.up) return undefined;
      const answer = answerTo(
        { holder: node.identity, epoch: record.epoch, durationMs },
        {
          record: peer.agent.keeper.record(),
          taking: peer.agent.keeper.pending().some(({ kind }) => kind === 'take'),
          apiReachable: peer.api,
        },
      );
      if (answer === 'promised') {
        if (!this.#without('promise')) {
          peer.agent.keeper.promise(durationMs);
          peer.agent.promisedAt = this.now;
        }
      }
      return answer;
    };
    const step = decideFailsafe(holder);
    if (step.kind === 'give-back') agent.permit.giveBack();
    if (step.kind === 'carry-on') agent.permit.carryOn(this.now + renewDeadlineMs);
    if (step.kind !== 'ask') return;
    const answer = ask();
    if (answer === 'promised') agent.permit.carryOn(this.now + renewDeadlineMs);
    else if (decideFailsafe({ ...holder, answer }).kind === 'yield') {
      agent.permit.forsake();
      agent.handingOver = 'yields';
    }
  }

  view(node: Node): View {
    const { agent } = node;
    const engine = this.#engineState(node);
    const record = agent.keeper.record();
    const peer = agent.peer !== undefined && this.now - agent.peer.at < 1_000 ? agent.peer.report : undefined;
    const counted = peerCounts(record, this.other(node).name, peer);
    agent.history = remember(agent.history, engine, counted, this.now);
    this.#fresh += 1;
    const { holder } = record ?? { holder: undefined };
    const holderDead = holder !== undefined && holder !== node.identity && this.#dead(node);
    const held = record === undefined || (holder !== undefined && !holderDead);
    agent.unheldSince = held ? undefined : (agent.unheldSince ?? this.now);
    return {
      now: this.now,
      self: node.identity,
      member: node.name,
      ordinal: this.nodes.indexOf(node),
      peerMember: this.other(node).name,
      record,
      recordOnWatch: agent.keeper.onWatch(),
      pending: this.#without('unknown-outcome') ? [] : agent.keeper.pending(),
      initialised: this.record.phase === 'open' || this.record.epoch > 1,
      certain: this.now < agent.certainUntil,
      permitted: agent.permit.permitted(),
      lent: !this.#without('lent') && agent.permit.lent(),
      proven: agent.permit.proven(),
      holderDead,
      promised: agent.keeper.promised(),
      refrain: this.now < agent.refrainUntil,
      stopping: false,
      handingOver: agent.handingOver,
      asked: '',
      replace: this.replace,
      force: this.force.member === node.name ? this.force.token : '',
      unheldMs: agent.unheldSince === undefined ? 0 : this.now - agent.unheldSince,
      upTo: String(engine.kind === 'running' ? node.engine.committed.size : 0),
      handover: undefined,
      durability: 'Preferred',
      graceMs: 1_000,
      engine,
      peer,
      history: agent.history,
      provisioned: agent.provisionedRun === node.engine.run,
      retire: false,
      published: record !== undefined && agent.published === record.epoch,
      job: undefined,
      leftovers: [],
      fresh: { datadir: `data-${this.#fresh}`, serverUuid: uuid(this.#fresh) },
    };
  }

  #dead(observer: Node): boolean {
    const { agent } = observer;
    const lastSeen = Math.max(this.other(observer).renewedAt, agent.since, agent.promisedAt);
    const proof = this.#without('own-renewal') ? this.now : agent.proof;
    return proof >= lastSeen + DURATION_MS;
  }

  // ---- steps

  async #act(node: Node, step: Step): Promise<void> {
    const { engine, agent } = node;
    switch (step.kind) {
      case 'wait':
      case 'remove':
      case 'end-clone':
        return;
      case 'write': {
        const outcome = await agent.keeper.write(step, new AbortController().signal);
        if (outcome !== 'done') return;
        agent.permit.confirmed();
        if (step.write === 'release') {
          agent.refrainUntil = this.now + 5_000;
          agent.handingOver = undefined;
        }
        return;
      }
      case 'hand-over':
        agent.handingOver = step.reason;
        return;
      case 'initialize':
        Object.assign(engine, this.#emptyEngine(), {
          alive: true,
          run: engine.run + 1,
          datadir: step.datadir,
          uuid: step.serverUuid,
        });
        return;
      case 'clone':
        return this.#clone(node);
      case 'follow':
        this.#mustHaveApplied(engine, 'CHANGE');
        engine.following = true;
        engine.retrieved = new Set();
        engine.sql = true;
        return this.#connect(node);
      case 'start-replica':
        engine.sql = true;
        return this.#connect(node);
      case 'stop-replica':
        engine.io = false;
        engine.sql = false;
        return;
      case 'start-applying':
        engine.sql = true;
        return;
      case 'stop-receiving':
        engine.io = false;
        return;
      case 'stop-sending':
        this.other(node).engine.io = false;
        return;
      case 'forget-source':
        this.#mustHaveApplied(engine, 'RESET');
        Object.assign(engine, {
          following: false,
          io: false,
          sql: false,
          retrieved: new Set(),
          sourceUuid: '',
        });
        return;
      case 'semi-sync':
        engine.semiSync = step.on;
        if (!step.on) this.#acknowledgeAll(engine);
        return;
      case 'open':
        agent.permit.arm();
        this.#enforce(node);
        if (engine.alive) engine.writable = true;
        return;
      case 'close':
        engine.online = false;
        if (this.#without('kill-to-fence')) this.#acknowledgeAll(engine);
        if (engine.prepared.size > 0) this.kill(node);
        else engine.writable = false;
        agent.permit.disarm();
        return;
      case 'let-in':
        engine.online = true;
        return;
      case 'provision':
        agent.provisionedRun = engine.run;
        return;
      case 'retire':
        return;
      default:
        throw new Error('unknown step');
    }
  }

  #clone(node: Node): void {
    const donor = this.other(node);
    if (!this.#reaches(node, donor) || !donor.engine.alive) return;
    this.#fresh += 1;
    Object.assign(node.engine, this.#emptyEngine(), {
      alive: true,
      run: node.engine.run + 1,
      datadir: `data-${this.#fresh}`,
      uuid: uuid(this.#fresh),
      committed: new Set(donor.engine.committed),
    });
  }

  // ---- engines

  /** A client or an agent commits. */
  commit(engine: Engine): void {
    if (!engine.alive || !engine.writable) return;
    this.#transactions += 1;
    this.#origin.set(this.#transactions, engine.uuid);
    const alone = this.#without('wait-no-replica') && !this.#hasStandby(engine);
    if (engine.semiSync && !alone) {
      engine.prepared.add(this.#transactions);
    } else {
      engine.committed.add(this.#transactions);
      this.acked.add(this.#transactions);
    }
  }

  write(node: Node): void {
    if (!node.frozen && node.engine.online) this.commit(node.engine);
  }

  /** The standby receives the next transaction, durably. */
  ship(node: Node): void {
    const source = this.other(node);
    const { engine } = node;
    if (!engine.alive || !engine.io || node.frozen || !this.#reaches(node, source) || !source.engine.alive)
      return;
    const there = [...source.engine.committed, ...source.engine.prepared].toSorted((a, b) => a - b);
    const next = there.find((each) => !engine.committed.has(each) && !engine.retrieved.has(each));
    if (next !== undefined) engine.retrieved.add(next);
  }

  /** The acknowledgement of its oldest waiting commit reaches the source. */
  acknowledge(node: Node): void {
    const source = this.other(node);
    const { engine } = node;
    if (!engine.alive || !engine.io || node.frozen || !this.#reaches(node, source) || !source.engine.alive)
      return;
    const [first] = source.engine.prepared;
    if (first === undefined || !(engine.retrieved.has(first) || engine.committed.has(first))) return;
    source.engine.prepared.delete(first);
    source.engine.committed.add(first);
    source.engine.acknowledged += 1;
    this.acked.add(first);
  }

  apply(node: Node): void {
    const { engine } = node;
    const [unapplied] = this.#unapplied(engine);
    if (engine.alive && engine.sql && !node.frozen && unapplied !== undefined)
      engine.committed.add(unapplied);
  }

  /** A client reads all there is. */
  clientReads(node: Node): void {
    const { engine } = node;
    if (!engine.alive || !engine.writable || !engine.online || node.frozen) return;
    for (const seen of engine.committed) this.read.add(seen);
  }

  /** The IO thread finds its source again by itself, if the server there can serve it. */
  reconnect(node: Node): void {
    if (node.engine.following && node.agent.up && node.engine.io) this.#connect(node);
  }

  start(node: Node): void {
    const { engine } = node;
    const held = node.deadline !== undefined && this.now >= node.deadline;
    if (engine.alive || engine.datadir === '' || node.frozen || held) return;
    engine.alive = true;
    engine.run += 1;
  }

  kill(node: Node): void {
    const { engine } = node;
    for (const each of engine.prepared) engine.committed.add(each);
    engine.prepared.clear();
    if (this.#without('relay-log-recovery-off')) this.#forgetRelayLog(engine);
    const asItWas = this.#without('read-only-start');
    Object.assign(engine, {
      alive: false,
      writable: asItWas && engine.writable,
      online: asItWas && engine.online,
      semiSync: false,
      io: false,
      sql: false,
    });
    const peer = this.other(node).engine;
    if (peer.io && !this.#keepsIo(peer)) peer.io = false;
  }

  /** The machine goes down: what was not synced is gone. */
  losePower(node: Node): void {
    this.kill(node);
    if (this.#without('sync-relay-log')) this.#forgetRelayLog(node.engine);
    this.restartAgent(node);
  }

  #keepsIo(engine: Engine): boolean {
    return engine.following;
  }

  // ---- faults

  loseDisk(node: Node): void {
    this.kill(node);
    Object.assign(node.engine, this.#emptyEngine());
    this.restartAgent(node);
  }

  restartAgent(node: Node): void {
    node.agent = this.#agent(node);
  }

  freeze(node: Node, frozen: boolean): void {
    // Who thaws it a second time changes nothing: its supervisor has not had its turn yet.
    if (node.frozen === frozen) return;
    node.woken = !frozen;
    node.frozen = frozen;
  }

  landLate(): void {
    const [first] = this.#late.splice(0, 1);
    if (first === undefined) return;
    const blind = this.#without('resource-version');
    if (blind) this.record = first.base;
    if (blind || first.base.resourceVersion === this.record.resourceVersion) this.#land(first.change);
  }

  other(node: Node): Node {
    return this.nodes[0] === node ? this.nodes[1] : this.nodes[0];
  }

  /** Would a commit on it be acknowledged now? */
  canAcknowledge(node: Node): boolean {
    const { engine } = node;
    if (!engine.alive || !engine.writable || node.frozen) return false;
    const peer = this.other(node);
    return !engine.semiSync || (peer.engine.alive && peer.engine.io && this.#reaches(node, peer));
  }

  // ---- inside

  #without(rule: NonNullable<Rules['without']>[number]): boolean {
    return this.#rules.without?.includes(rule) === true;
  }

  /** M10. A server that is told to go on elsewhere throws away what it received and has not applied. */
  #mustHaveApplied(engine: Engine, verb: string): void {
    if (this.#unapplied(engine).length === 0 || this.#without('apply-before-reset')) return;
    throw new Error(`M10: ${verb} with unapplied transactions`);
  }

  #forgetRelayLog(engine: Engine): void {
    engine.retrieved = new Set([...engine.retrieved].filter((each) => engine.committed.has(each)));
  }

  #hasStandby(engine: Engine): boolean {
    const source = this.nodes.find((node) => node.engine === engine);
    if (source === undefined) return false;
    const peer = this.other(source);
    return peer.engine.alive && peer.engine.io && this.#reaches(source, peer);
  }

  #node(ordinal: 0 | 1): Node {
    const node: Omit<Node, 'agent'> & { agent?: Agent } = {
      name: `m-${ordinal}`,
      identity: `m-${ordinal}/u`,
      engine: this.#emptyEngine(),
      disk: { record: undefined, pending: [], promisedUntil: Number.NEGATIVE_INFINITY },
      api: true,
      frozen: false,
      woken: false,
      deadline: undefined,
      renewedAt: Number.NEGATIVE_INFINITY,
    };
    const whole = node as Node;
    whole.agent = this.#agent(whole);
    return whole;
  }

  #agent(node: Node): Agent {
    const role = {
      current: () => node.agent.seen,
      write: (base: RoleRecord, change: RoleChange) => Promise.resolve(this.#store(node, base, change)),
    };
    const supervisor = {
      arm: (until: number) => {
        node.deadline = until;
      },
      disarm: () => {
        node.deadline = undefined;
      },
    };
    const memory = {
      load: () => (this.#without('memory') ? undefined : node.disk),
      save: (kept: Kept) => {
        node.disk = kept;
      },
    };
    return {
      up: true,
      keeper: new RecordKeeper(role, memory, () => this.now),
      permit: new Permit(supervisor, node.deadline, () => this.now),
      seen: undefined,
      history: startHistory(this.now),
      peer: undefined,
      provisionedRun: -1,
      published: undefined,
      unheldSince: undefined,
      handingOver: undefined,
      refrainUntil: Number.NEGATIVE_INFINITY,
      promisedAt: Number.NEGATIVE_INFINITY,
      certainUntil: Number.NEGATIVE_INFINITY,
      since: this.now,
      proof: Number.NEGATIVE_INFINITY,
    };
  }

  #store(node: Node, base: RoleRecord, change: RoleChange): WriteOutcome {
    const unknown: WriteOutcome = { kind: 'unknown', error: new Error('no answer') };
    if (!node.api) return unknown;
    const fate = this.fates.shift() ?? 'done';
    if (fate === 'lost') return unknown;
    if (fate === 'late') {
      this.#late.push({ node, base, change });
      return unknown;
    }
    const blind = this.#without('resource-version');
    if (blind) this.record = base;
    if (base.resourceVersion !== this.record.resourceVersion) return { kind: 'conflict' };
    this.#land(change);
    return fate === 'landed' ? unknown : { kind: 'done', record: this.record };
  }

  #land(change: RoleChange): void {
    this.#version += 1;
    const { holder, notes, ...rest } = change;
    this.record = {
      ...this.record,
      ...rest,
      notes: { ...this.record.notes, ...notes },
      holder: holder === undefined ? this.record.holder : (holder ?? undefined),
      resourceVersion: String(this.#version),
    };
  }

  #emptyEngine(): Engine {
    return {
      alive: false,
      run: 0,
      datadir: '',
      uuid: '',
      writable: false,
      online: false,
      semiSync: false,
      acknowledged: 0,
      committed: new Set(),
      prepared: new Set(),
      retrieved: new Set(),
      io: false,
      sql: false,
      following: false,
      sourceUuid: '',
    };
  }

  #reaches(a: Node, b: Node): boolean {
    return this.link && !a.frozen && !b.frozen;
  }

  #connect(node: Node): void {
    const source = this.other(node);
    node.engine.io = true;
    if (this.#reaches(node, source) && source.engine.alive) node.engine.sourceUuid = source.engine.uuid;
  }

  #unapplied(engine: Engine): readonly number[] {
    return [...engine.retrieved].filter((each) => !engine.committed.has(each));
  }

  #acknowledgeAll(engine: Engine): void {
    for (const each of engine.prepared) {
      engine.committed.add(each);
      this.acked.add(each);
    }
    engine.prepared.clear();
  }

  /** M8's marker: one commit of the holder with each heartbeat. */
  #marker(node: Node): void {
    if (node.agent.provisionedRun === node.engine.run && node.engine.prepared.size === 0)
      this.commit(node.engine);
  }

  #engineState(node: Node): EngineState {
    const { engine } = node;
    if (engine.datadir === '') return { kind: 'empty' };
    if (!engine.alive) return { kind: 'down', datadir: engine.datadir };
    const peer = this.other(node);
    const connected = peer.engine.alive && peer.engine.io && this.#reaches(node, peer);
    const receives = engine.io && peer.engine.alive && this.#reaches(node, peer);
    return {
      kind: 'running',
      datadir: engine.datadir,
      serverUuid: engine.uuid,
      run: String(engine.run),
      writable: engine.writable,
      online: engine.online,
      executed: this.#gtids(engine.committed),
      purged: '',
      semiSync: {
        on: engine.semiSync,
        clients: connected ? 1 : 0,
        waiting: engine.prepared.size,
        acknowledged: engine.acknowledged,
      },
      replica: engine.following
        ? {
            sourceHost: peer.name,
            sourceUuid: engine.sourceUuid,
            io: receives ? 'on' : engine.io ? 'connecting' : 'off',
            sql: engine.sql,
            ioError: '',
            sqlError: '',
            retrieved: this.#gtids(engine.retrieved),
          }
        : undefined,
    };
  }

  #gtids(set: ReadonlySet<number>): string {
    return [...set].map((each) => `${this.#origin.get(each)}:${each}`).join(',');
  }
}

function uuid(n: number): string {
  return `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;
}
