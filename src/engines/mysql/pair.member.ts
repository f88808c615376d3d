// For tests: a member of the model: a machine with an engine, an agent, their supervisor and a way to the other member.
import { Agent } from './pair.agent.ts';
import { Engine } from './pair.engine.ts';
import type { EngineState } from './member-state.ts';
import type { Kept } from './memory.ts';
import type { Store } from './pair.store.ts';
import type { World } from './pair.world.ts';

export class Member {
  readonly name: string;
  readonly identity: string;
  readonly ordinal: number;
  readonly engine: Engine;
  agent: Agent;
  /** The run directory: outlives the agent. */
  disk: Kept = { record: undefined, pending: [], promisedUntil: Number.NEGATIVE_INFINITY };
  /** It reaches the API server. */
  api = true;
  /** When its heartbeat was last renewed in the store. */
  renewedAt = Number.NEGATIVE_INFINITY;
  readonly #world: World;
  readonly #store: Store;
  readonly #peerOf: () => Member;
  #deadline: number | undefined;
  #frozen = false;
  #woken = false;

  constructor(ordinal: number, world: World, store: Store, peerOf: () => Member) {
    this.name = `m-${ordinal}`;
    this.identity = `m-${ordinal}/u`;
    this.ordinal = ordinal;
    this.engine = new Engine(world);
    this.#world = world;
    this.#store = store;
    this.#peerOf = peerOf;
    this.agent = new Agent(this, world, store);
  }

  get peer(): Member {
    return this.#peerOf();
  }

  // ---- its agent's turns

  heartbeat(): void {
    if (this.#agentRuns()) this.agent.heartbeat();
  }

  watch(): void {
    if (this.#agentRuns() && this.api) this.agent.watch();
  }

  poll(): void {
    if (this.#agentRuns() && this.peer.agent.up && this.hearsPeer()) this.agent.poll();
  }

  async look(): Promise<void> {
    if (this.#agentRuns()) await this.agent.look();
  }

  failsafe(): void {
    if (this.#agentRuns()) this.agent.failsafe();
  }

  // ---- its supervisor

  /** Monotonic time after which the supervisor kills; undefined: not armed. */
  get deadline(): number | undefined {
    return this.#deadline;
  }

  readonly supervisor = {
    arm: (until: number): void => {
      this.#deadline = until;
    },
    disarm: (): void => {
      this.#deadline = undefined;
    },
  };

  start(): void {
    if (!this.#frozen && !this.#isOverdue()) this.engine.start();
  }

  supervise(): void {
    this.#woken = false;
    this.enforceDeadline();
  }

  enforceDeadline(): void {
    if (this.#frozen || !this.#isOverdue() || this.#world.without('deadline')) return;
    if (this.engine.alive) this.engine.kill();
  }

  // ---- its clients, and replication

  write(): void {
    if (!this.#frozen && this.engine.online) this.commit();
  }

  /** A client or the agent commits. */
  commit(): void {
    this.engine.commit(this.#isFollowed());
  }

  /** A client reads all there is. */
  read(): void {
    if (!this.isOpen() || !this.engine.online) return;
    for (const seen of this.engine.committed) this.#world.read.add(seen);
  }

  receive(): void {
    if (this.#receives()) this.engine.receive(this.peer.engine);
  }

  acknowledge(): void {
    if (this.#receives()) this.engine.acknowledge(this.peer.engine);
  }

  apply(): void {
    if (!this.#frozen) this.engine.apply();
  }

  /** The IO thread finds its source, if the server there can serve it. */
  connect(): void {
    this.engine.io = true;
    if (this.hearsPeer() && this.peer.engine.alive) this.engine.sourceUuid = this.peer.engine.uuid;
  }

  /** By itself, as long as it is asked to. */
  reconnect(): void {
    if (this.engine.following && this.engine.io && this.agent.up) this.connect();
  }

  // ---- what is seen of it

  engineState(): EngineState {
    return this.engine.state({
      peer: this.peer.name,
      followed: this.#isFollowed(),
      receives: this.#receives(),
    });
  }

  hearsPeer(): boolean {
    return this.#world.link && !this.#frozen && !this.peer.#frozen;
  }

  /** It serves writes to who asks it. */
  isOpen(): boolean {
    return this.engine.alive && this.engine.writable && !this.#frozen;
  }

  /** Was frozen, and its supervisor has not had its turn yet. */
  isWaking(): boolean {
    return this.#woken;
  }

  /** Would a commit on it be acknowledged now? */
  canAcknowledge(): boolean {
    return this.isOpen() && (!this.engine.semiSync || this.#isFollowed());
  }

  // ---- faults

  losePower(): void {
    this.engine.losePower();
    this.restartAgent();
  }

  loseDisk(): void {
    this.engine.wipe();
    this.restartAgent();
  }

  restartAgent(): void {
    this.agent = new Agent(this, this.#world, this.#store);
  }

  freeze(frozen: boolean): void {
    // Who thaws it a second time changes nothing: its supervisor has not had its turn yet.
    if (this.#frozen === frozen) return;
    this.#woken = !frozen;
    this.#frozen = frozen;
  }

  // ---- inside

  #agentRuns(): boolean {
    return this.agent.up && !this.#frozen;
  }

  #isOverdue(): boolean {
    return this.#deadline !== undefined && this.#world.now >= this.#deadline;
  }

  #receives(): boolean {
    const { engine, peer } = this;
    return engine.alive && engine.io && peer.engine.alive && this.hearsPeer();
  }

  #isFollowed(): boolean {
    return this.peer.#receives();
  }
}
