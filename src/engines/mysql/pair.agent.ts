// For tests: an agent of the model: the real decider, record keeper, permit and failsafe, with a member's engine for a hand.
import type { RoleChange, RoleRecord } from '../../agent/role-record.ts';
import { timingOf } from '../../agent/timing.ts';
import { decide } from './decide.ts';
import { answerTo, decideFailsafe, paceOf } from './failsafe.ts';
import type { HolderView } from './failsafe.ts';
import { remember, startHistory } from './history.ts';
import type { History } from './history.ts';
import type { PeerReport } from './member-state.ts';
import type { Kept } from './memory.ts';
import type { Member } from './pair.member.ts';
import type { Store } from './pair.store.ts';
import type { World } from './pair.world.ts';
import { Permit } from './permit.ts';
import { RecordKeeper } from './record-keeper.ts';
import { routingOf } from './routing.ts';
import type { Step, View } from './view.ts';
import { isPending, peerCounts, peerMayCount } from './view.ts';

const BEAT = timingOf('Fast', 'candidate');
const LONG_AGO = Number.NEGATIVE_INFINITY;

export class Agent {
  up = true;
  handingOver: string | undefined;
  readonly keeper: RecordKeeper;
  readonly #permit: Permit;
  readonly #world: World;
  readonly #store: Store;
  readonly #member: Member;
  #seen: RoleRecord | undefined;
  #history: History;
  #peer: { readonly report: PeerReport; readonly at: number } | undefined;
  #provisionedRun = -1;
  #published: number | undefined;
  #unheldSince: number | undefined;
  #refrainUntil = LONG_AGO;
  #promisedAt = LONG_AGO;
  #certainUntil = LONG_AGO;
  /** The observer's part of the dead-rule. */
  #since: number;
  #proof = LONG_AGO;

  constructor(member: Member, world: World, store: Store) {
    this.#member = member;
    this.#world = world;
    this.#store = store;
    const role = {
      current: () => this.#seen,
      write: (base: RoleRecord, change: RoleChange) => Promise.resolve(store.write(member.api, base, change)),
    };
    const memory = {
      load: () => (world.without('memory') ? undefined : member.disk),
      save: (kept: Kept) => {
        member.disk = kept;
      },
    };
    this.keeper = new RecordKeeper(role, memory, () => world.now);
    this.#permit = new Permit(member.supervisor, member.deadline, () => world.now);
    this.#history = startHistory(world.now);
    this.#since = world.now;
  }

  // ---- its turns

  heartbeat(): void {
    const { engine, api } = this.#member;
    // M8's marker: one commit of the holder with each heartbeat.
    if (this.#provisionedRun === engine.run && engine.prepared.size === 0) this.#member.commit();
    const { now } = this.#world;
    if (!api) {
      this.#since = now;
      this.#proof = LONG_AGO;
      return;
    }
    this.#member.renewedAt = now;
    this.#proof = now;
    this.#certainUntil = now + BEAT.renewDeadlineMs;
    this.#permit.renewed(this.#certainUntil);
  }

  watch(): void {
    this.#seen = this.#store.record;
  }

  poll(): void {
    const { peer } = this.#member;
    const report: PeerReport = {
      member: peer.name,
      engine: peer.engineState(),
      epoch: peer.agent.keeper.record()?.epoch ?? 0,
      dataBytes: 1,
      stopping: false,
    };
    this.#peer = { report, at: this.#world.now };
  }

  async look(): Promise<void> {
    const { rules } = this.#world;
    const seen = this.#view();
    const view = rules.seen?.(seen) ?? seen;
    this.#published = routingOf(view).rw;
    const { engine } = view;
    if (engine.kind === 'down' || (engine.kind === 'running' && !engine.writable)) this.#permit.disarm();
    if (view.record?.holder !== this.#member.identity) this.handingOver = undefined;
    const decided = decide(view);
    await this.#act(rules.done?.(decided, view) ?? decided);
  }

  failsafe(): void {
    const { engine, identity } = this.#member;
    const record = this.keeper.record();
    if (this.#world.without('failsafe') || record?.holder !== identity || record.phase !== 'open') return;
    if (this.handingOver !== undefined) return;
    const view = { ...this.#view(), record };
    if (isPending(view, 'release')) return;
    const holder: HolderView = {
      now: this.#world.now,
      beat: BEAT,
      writable: engine.alive && engine.writable,
      semiSync: view.engine.kind === 'running' && view.engine.semiSync.on,
      permitUntil: this.#permit.until(),
      heartbeatUntil: this.#permit.heartbeatUntil(),
      lent: view.lent,
      peerMayCount: peerMayCount(view) && (!this.#world.without('solo') || this.#member.hearsPeer()),
      answer: undefined,
    };
    const { durationMs, renewDeadlineMs } = paceOf(holder);
    const carryOn = (): void => {
      this.#permit.carryOn(this.#world.now + renewDeadlineMs);
    };
    const step = decideFailsafe(holder);
    if (step.kind === 'give-back') this.#permit.giveBack();
    if (step.kind === 'carry-on') carryOn();
    if (step.kind !== 'ask') return;
    const answer = this.#member.hearsPeer()
      ? this.#member.peer.agent.answer(identity, record.epoch, durationMs)
      : undefined;
    if (answer === 'promised') carryOn();
    else if (decideFailsafe({ ...holder, answer }).kind === 'yield') {
      this.#permit.forsake();
      this.handingOver = 'yields';
    }
  }

  /** Of the peer's failsafe. */
  answer(holder: string, epoch: number, durationMs: number): 'promised' | 'refused' | undefined {
    if (!this.up) return undefined;
    const answer = answerTo(
      { holder, epoch, durationMs },
      {
        record: this.keeper.record(),
        taking: this.keeper.pending().some(({ kind }) => kind === 'take'),
        apiReachable: this.#member.api,
      },
    );
    if (answer === 'promised' && !this.#world.without('promise')) {
      this.keeper.promise(durationMs);
      this.#promisedAt = this.#world.now;
    }
    return answer;
  }

  // ---- inside

  #view(): View {
    const { now } = this.#world;
    const { name, identity, peer: other, engine: server, ordinal } = this.#member;
    const engine = this.#member.engineState();
    const record = this.keeper.record();
    const peer = this.#peer !== undefined && now - this.#peer.at < 1_000 ? this.#peer.report : undefined;
    this.#history = remember(this.#history, engine, peerCounts(record, other.name, peer), now);
    const holder = record?.holder;
    const holderDead = holder !== undefined && holder !== identity && this.#isPeerDead();
    const held = record === undefined || (holder !== undefined && !holderDead);
    this.#unheldSince = held ? undefined : (this.#unheldSince ?? now);
    const { record: stored, asked } = this.#store;
    return {
      now,
      self: identity,
      member: name,
      ordinal,
      peerMember: other.name,
      record,
      recordOnWatch: this.keeper.onWatch(),
      pending: this.#world.without('unknown-outcome') ? [] : this.keeper.pending(),
      initialised: stored.phase === 'open' || stored.epoch > 1,
      certain: now < this.#certainUntil,
      permitted: this.#permit.permitted(),
      lent: !this.#world.without('lent') && this.#permit.lent(),
      proven: this.#permit.proven(),
      holderDead,
      promised: this.keeper.promised(),
      refrain: now < this.#refrainUntil,
      stopping: false,
      handingOver: this.handingOver,
      asked: '',
      replace: asked.replace,
      force: asked.force.member === name ? asked.force.token : '',
      unheldMs: this.#unheldSince === undefined ? 0 : now - this.#unheldSince,
      upTo: String(engine.kind === 'running' ? server.committed.size : 0),
      handover: undefined,
      durability: 'Preferred',
      graceMs: 1_000,
      engine,
      peer,
      history: this.#history,
      provisioned: this.#provisionedRun === server.run,
      retire: false,
      published: record !== undefined && this.#published === record.epoch,
      job: undefined,
      leftovers: [],
      fresh: this.#world.fresh(),
    };
  }

  #isPeerDead(): boolean {
    const lastSeen = Math.max(this.#member.peer.renewedAt, this.#since, this.#promisedAt);
    const proof = this.#world.without('own-renewal') ? this.#world.now : this.#proof;
    return proof >= lastSeen + BEAT.durationMs;
  }

  async #act(step: Step): Promise<void> {
    const { engine, peer } = this.#member;
    switch (step.kind) {
      case 'wait':
      case 'remove':
      case 'end-clone':
      case 'retire':
        return;
      case 'write': {
        const outcome = await this.keeper.write(step, new AbortController().signal);
        if (outcome !== 'done') return;
        this.#permit.confirmed();
        if (step.write === 'release') {
          this.#refrainUntil = this.#world.now + 5_000;
          this.handingOver = undefined;
        }
        return;
      }
      case 'hand-over':
        this.handingOver = step.reason;
        return;
      case 'initialize':
        engine.makeAnew(step.datadir, step.serverUuid);
        return;
      case 'clone': {
        if (!this.#member.hearsPeer() || !peer.engine.alive) return;
        const { datadir, serverUuid } = this.#world.fresh();
        engine.makeAnew(datadir, serverUuid, peer.engine.committed);
        return;
      }
      case 'follow':
        engine.follow();
        this.#member.connect();
        return;
      case 'start-replica':
        engine.sql = true;
        this.#member.connect();
        return;
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
        peer.engine.io = false;
        return;
      case 'forget-source':
        engine.forgetSource();
        return;
      case 'semi-sync':
        engine.setSemiSync(step.on);
        return;
      case 'open':
        this.#permit.arm();
        this.#member.enforceDeadline();
        if (engine.alive) engine.writable = true;
        return;
      case 'close':
        engine.close();
        this.#permit.disarm();
        return;
      case 'let-in':
        engine.online = true;
        return;
      case 'provision':
        this.#provisionedRun = engine.run;
        return;
      default:
        throw new Error('unknown step');
    }
  }
}
