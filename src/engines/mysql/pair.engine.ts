// For tests: the MySQL server of the model. What is a set of transactions here is a GTID set there.
import type { EngineState } from './member-state.ts';
import type { World } from './pair.world.ts';

/** What a server hears of the other: its name, and who is connected to whom. */
export interface Connections {
  readonly peer: string;
  /** The other receives from this one; this one receives from the other. */
  readonly followed: boolean;
  readonly receives: boolean;
}

export class Engine {
  alive = false;
  run = 0;
  /** Empty: there is none. */
  datadir = '';
  uuid = '';
  writable = false;
  online = false;
  semiSync = false;
  io = false;
  sql = false;
  following = false;
  sourceUuid = '';
  /** Visible. */
  readonly committed = new Set<number>();
  /** Flushed, waiting for the acknowledgement; a restart makes them visible. */
  readonly prepared = new Set<number>();
  readonly #retrieved = new Set<number>();
  #acknowledged = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  // ---- the server's life

  start(): void {
    if (this.alive || this.datadir === '') return;
    this.alive = true;
    this.run += 1;
  }

  kill(): void {
    for (const each of this.prepared) this.committed.add(each);
    this.prepared.clear();
    if (this.#world.without('relay-log-recovery-off')) this.#forgetUnapplied();
    if (!this.#world.without('read-only-start')) {
      this.writable = false;
      this.online = false;
    }
    this.alive = false;
    this.semiSync = false;
    this.io = false;
    this.sql = false;
  }

  /** The machine goes down: what was not synced is gone. */
  losePower(): void {
    this.kill();
    if (this.#world.without('sync-relay-log')) this.#forgetUnapplied();
  }

  /** The disk is gone. */
  wipe(): void {
    this.kill();
    this.run = 0;
    this.datadir = '';
    this.uuid = '';
    this.writable = false;
    this.online = false;
    this.#acknowledged = 0;
    this.committed.clear();
    this.#forget();
  }

  /** With a new data directory that holds these transactions. */
  makeAnew(datadir: string, uuid: string, committed: ReadonlySet<number> = new Set()): void {
    const { run } = this;
    this.wipe();
    this.alive = true;
    this.run = run + 1;
    this.datadir = datadir;
    this.uuid = uuid;
    for (const each of committed) this.committed.add(each);
  }

  // ---- transactions

  /** With nobody to acknowledge it a commit goes through at once if `rpl_semi_sync_source_wait_no_replica` is off. */
  commit(followed: boolean): void {
    if (!this.alive || !this.writable) return;
    const id = this.#world.transaction(this.uuid);
    if (this.semiSync && (followed || !this.#world.without('wait-no-replica'))) this.prepared.add(id);
    else this.#acknowledge(id);
  }

  /** The next transaction of its source, durably. */
  receive(source: Engine): void {
    const there = [...source.committed, ...source.prepared].toSorted((a, b) => a - b);
    const next = there.find((each) => !this.#has(each));
    if (next !== undefined) this.#retrieved.add(next);
  }

  /** The acknowledgement of its source's oldest waiting commit. */
  acknowledge(source: Engine): void {
    const [first] = source.prepared;
    if (first === undefined || !this.#has(first)) return;
    source.prepared.delete(first);
    source.#acknowledged += 1;
    source.#acknowledge(first);
  }

  apply(): void {
    const [next] = this.#unapplied();
    if (this.alive && this.sql && next !== undefined) this.committed.add(next);
  }

  // ---- what its agent asks of it

  follow(): void {
    this.#mustHaveApplied('CHANGE');
    this.following = true;
    this.sql = true;
    this.#retrieved.clear();
  }

  forgetSource(): void {
    this.#mustHaveApplied('RESET');
    this.#forget();
  }

  setSemiSync(on: boolean): void {
    this.semiSync = on;
    if (!on) this.#acknowledgeAll();
  }

  /** M7. A commit that waits would be acknowledged by closing: then the server is killed. */
  close(): void {
    this.online = false;
    if (this.#world.without('kill-to-fence')) this.#acknowledgeAll();
    if (this.prepared.size > 0) this.kill();
    else this.writable = false;
  }

  state({ peer, followed, receives }: Connections): EngineState {
    if (this.datadir === '') return { kind: 'empty' };
    if (!this.alive) return { kind: 'down', datadir: this.datadir };
    return {
      kind: 'running',
      datadir: this.datadir,
      serverUuid: this.uuid,
      run: String(this.run),
      writable: this.writable,
      online: this.online,
      executed: this.#world.gtids(this.committed),
      purged: '',
      semiSync: {
        on: this.semiSync,
        clients: followed ? 1 : 0,
        waiting: this.prepared.size,
        acknowledged: this.#acknowledged,
      },
      replica: this.following
        ? {
            sourceHost: peer,
            sourceUuid: this.sourceUuid,
            io: receives ? 'on' : this.io ? 'connecting' : 'off',
            sql: this.sql,
            ioError: '',
            sqlError: '',
            retrieved: this.#world.gtids(this.#retrieved),
          }
        : undefined,
    };
  }

  // ---- inside

  #has(transaction: number): boolean {
    return this.committed.has(transaction) || this.#retrieved.has(transaction);
  }

  #unapplied(): readonly number[] {
    return [...this.#retrieved].filter((each) => !this.committed.has(each));
  }

  /** M10. A server that is told to go on elsewhere throws away what it received and has not applied. */
  #mustHaveApplied(verb: string): void {
    if (this.#unapplied().length === 0 || this.#world.without('apply-before-reset')) return;
    throw new Error(`M10: ${verb} with unapplied transactions`);
  }

  #forgetUnapplied(): void {
    for (const each of this.#unapplied()) this.#retrieved.delete(each);
  }

  #forget(): void {
    this.following = false;
    this.io = false;
    this.sql = false;
    this.sourceUuid = '';
    this.#retrieved.clear();
  }

  #acknowledge(transaction: number): void {
    this.committed.add(transaction);
    this.#world.acked.add(transaction);
  }

  #acknowledgeAll(): void {
    for (const each of this.prepared) this.#acknowledge(each);
    this.prepared.clear();
  }
}
