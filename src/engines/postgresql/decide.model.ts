// For tests: two members, a record and a network, driven by the real decider; what must never be is checked as they go.
import { expect } from '@jest/globals';
import type { RoleRecord } from '../../agent/role-record.ts';
import { catchUp } from './catch-up.ts';
import type { CatchUp } from './catch-up.ts';
import { decide, serves } from './decide.ts';
import { slotTo, subscriptionFrom } from './names.ts';
import { NO_GAP, NO_SETTINGS } from './observation.ts';
import type { MemberState, Observation, Seen } from './observation.ts';
import { asReturning, presence, UNKNOWN_PRESENCE } from './presence.ts';
import type { Presence } from './presence.ts';
import { BASE_VERSION } from './sql/base.ts';
import type { Step } from './step.ts';
import { pairRecord } from './testing.ts';

export type Ordinal = 0 | 1;

/** One life of a data directory. Rows are the numbers written; `sent` is how many of the peer's log entries a slot has confirmed. */
interface Volume {
  readonly system: string;
  prepared: boolean;
  pair: string | undefined;
  admitted: number | undefined;
  rows: Set<number>;
  /** Own writes in order: what the slots read from. */
  log: number[];
  /** By the publisher's life: whether the copy is still to be made. */
  links: Map<string, { pending: boolean }>;
  slots: Map<string, { from: number; lost: boolean }>;
}

export class World {
  record: RoleRecord = pairRecord([]);
  readonly volumes: [Volume, Volume];
  readonly alive: [boolean, boolean] = [true, true];
  readonly run = [1, 1];
  readonly solo: [boolean, boolean] = [false, false];
  /** Not alive, but not ended either. */
  readonly hung: [boolean, boolean] = [false, false];
  readonly presence: [Presence, Presence] = [UNKNOWN_PRESENCE, UNKNOWN_PRESENCE];
  readonly memory: [CatchUp | undefined, CatchUp | undefined] = [undefined, undefined];
  readonly away = [0, 0];
  connected = true;
  founded = 0;
  /** Rows acknowledged to a client, less those whose only copies were destroyed. */
  acknowledged = new Set<number>();
  /** What had been acknowledged when the member's server started. */
  readonly #owed: [ReadonlySet<number>, ReadonlySet<number>] = [new Set(), new Set()];
  #systems = 7_000;
  #rows = 0;

  constructor() {
    this.volumes = [this.#volume(), this.#volume()];
  }

  #volume(): Volume {
    this.#systems += 1;
    return {
      system: String(this.#systems),
      prepared: false,
      pair: undefined,
      admitted: undefined,
      rows: new Set(),
      log: [],
      links: new Map(),
      slots: new Map(),
    };
  }

  restart(who: Ordinal): void {
    this.alive[who] = true;
    this.hung[who] = false;
    this.run[who] = (this.run[who] ?? 0) + 1;
    this.memory[who] = undefined;
    this.away[who] = 0;
    this.#owed[who] = new Set(this.acknowledged);
  }

  start(who: Ordinal): void {
    if (this.hung[who]) this.#wake(who);
    else if (!this.alive[who]) this.restart(who);
  }

  hang(who: Ordinal): void {
    if (!this.alive[who]) return;
    this.#judge(who);
    this.alive[who] = false;
    this.hung[who] = true;
    this.#judge(who);
  }

  /** Goes on, in the same run of the server, with what its peer was told meanwhile missing. */
  #wake(who: Ordinal): void {
    this.alive[who] = true;
    this.hung[who] = false;
    this.#owed[who] = new Set(this.acknowledged);
  }

  #listed(who: Ordinal): boolean {
    const admitted = this.volumes[who].admitted === this.run[who];
    return this.alive[who] && admitted && !this.presence[who].interrupted;
  }

  /** As the gatherer does. */
  #judge(who: Ordinal): Seen {
    const seen = this.#seen(who);
    const before = this.presence[who];
    const peerServes = this.#listed(who === 0 ? 1 : 0);
    this.presence[who] = presence(before, seen, peerServes);
    if (seen.kind === 'up' && (before.absent || before.interrupted) && !peerServes) this.solo[who] = true;
    if (before.returns !== this.presence[who].returns) this.memory[who] = undefined;
    return seen.kind === 'up' && this.presence[who].interrupted
      ? { kind: 'up', state: asReturning(seen.state) }
      : seen;
  }

  /** The disk is gone: rows that were only there are gone with it. A copy has to be left, or nothing can be promised. */
  wipe(who: Ordinal): void {
    const other = this.volumes[1 - who];
    if (other === undefined || !this.record.copies.some(({ serverUuid }) => serverUuid === other.system))
      return;
    this.volumes[who] = this.#volume();
    this.restart(who);
    this.acknowledged = new Set([...this.acknowledged].filter((row) => other.rows.has(row)));
  }

  write(who: Ordinal): void {
    if (!serves(this.observe(who))) return;
    // P2: who serves, and was not given leave to do so alone, has what its peer had when it came.
    const peer = this.volumes[1 - who];
    if (!this.solo[who] && peer !== undefined && this.record.copies.length === 2) {
      expect(this.#lacks(who, this.volumes[who], peer)).toEqual([]);
    }
    this.#rows += 1;
    this.volumes[who].rows.add(this.#rows);
    this.volumes[who].log.push(this.#rows);
    this.acknowledged.add(this.#rows);
  }

  loseSlots(who: Ordinal): void {
    for (const slot of this.volumes[who].slots.values()) slot.lost = true;
  }

  /** Each link takes what the other side has: first the copy, then the log. */
  replicate(who: Ordinal): void {
    const own = this.volumes[who];
    const peer = this.volumes[1 - who];
    if (peer === undefined || !this.#linked(who, own, peer)) return;
    const slot = peer.slots.get(slotTo(own.system));
    const link = own.links.get(peer.system);
    if (link === undefined || slot === undefined || slot.lost) return;
    if (link.pending) for (const row of peer.rows) own.rows.add(row);
    link.pending = false;
    for (const row of peer.log.slice(slot.from)) own.rows.add(row);
    slot.from = peer.log.length;
  }

  observe(who: Ordinal): Observation {
    const peer = who === 0 ? 1 : 0;
    const local = this.#judge(who);
    const remote: Seen =
      this.connected && this.alive[who] ? this.#seen(peer) : { kind: 'absent', problem: 'cut off' };
    if (local.kind === 'up' && remote.kind === 'up') {
      this.memory[who] = catchUp(this.memory[who], local.state, remote.state, NO_GAP);
    }
    return {
      member: `m-${who}`,
      ordinal: who,
      peer: `m-${peer}`,
      local,
      remote,
      settings: NO_SETTINGS,
      gap: NO_GAP,
      record: this.record,
      caughtUp: this.memory[who]?.reached ?? false,
      peerAwayMs: remote.kind === 'up' ? 0 : (this.away[who] ?? 0),
      soloAfterMs: 3,
      replace: '',
    };
  }

  step(who: Ordinal): Step['kind'] {
    const seen = this.observe(who);
    this.away[who] = seen.remote.kind === 'up' ? 0 : (this.away[who] ?? 0) + 1;
    const step = decide(seen);
    this.#apply(who, step);
    return step.kind;
  }

  #apply(who: Ordinal, step: Step): void {
    const own = this.volumes[who];
    const peer = this.volumes[1 - who];
    switch (step.kind) {
      case 'prepare':
        own.prepared = true;
        return;
      case 'found':
        this.founded += 1;
        // P3: never beside data that exists, be it on a volume only or in the record only.
        expect([this.record.copies.length, ...this.volumes.map(({ pair }) => pair)]).toEqual([
          0,
          undefined,
          undefined,
        ]);
        this.record = pairRecord([
          { member: `m-${who}`, serverUuid: own.system, datadir: `pair-${this.founded}` },
        ]);
        return;
      case 'record':
        this.record = {
          ...this.record,
          ...step.change,
          copies: step.change.copies ?? this.record.copies,
          holder: undefined,
        };
        return;
      case 'mark':
        own.pair = step.pair;
        return;
      case 'subscribe':
        own.links.set(step.publisher, { pending: step.copyData });
        peer?.slots.set(slotTo(own.system), { from: peer.log.length, lost: false });
        return;
      case 'dropSubscription':
        own.links.delete(step.subscription.slice(subscriptionFrom('').length));
        return;
      case 'dropSlot':
        own.slots.delete(step.slot);
        return;
      case 'join':
        // What the record calls a copy has to be one.
        expect(peer === undefined ? [] : this.#lacks(who, own, peer)).toEqual([]);
        this.record = {
          ...this.record,
          ...step.change,
          copies: step.change.copies ?? this.record.copies,
          holder: undefined,
        };
        own.pair = step.pair;
        return;
      case 'admit':
        // P2: beside a peer that serves, never without what the peer had.
        if (!step.solo && peer !== undefined && this.record.copies.length === 2) {
          expect(this.#lacks(who, own, peer)).toEqual([]);
        }
        own.admitted = this.run[who];
        // A lost record names one of two copies for a while: who it names has nobody to wait for.
        this.solo[who] = step.solo || this.record.copies.length < 2;
        this.presence[who] = { ...this.presence[who], interrupted: false };
        return;
      default:
        expect(['wait', 'settled']).toContain(step.kind);
    }
  }

  #lacks(who: Ordinal, own: Volume, peer: Volume): readonly number[] {
    return [...this.#owed[who]].filter((row) => peer.rows.has(row) && !own.rows.has(row));
  }

  #linked(who: Ordinal, own: Volume, peer: Volume): boolean {
    return this.connected && this.alive[0] && this.alive[1] && own.links.has(peer.system) && who >= 0;
  }

  #seen(who: Ordinal): Seen {
    if (!this.alive[who]) return { kind: 'absent', problem: 'down' };
    const own = this.volumes[who];
    if (!own.prepared) return { kind: 'bare' };
    return { kind: 'up', state: this.#state(who, own) };
  }

  #state(who: Ordinal, own: Volume): MemberState {
    const peer = this.volumes[1 - who];
    const running = peer !== undefined && this.#linked(who, own, peer);
    return {
      systemIdentifier: own.system,
      base: BASE_VERSION,
      started: String(this.run[who]),
      pair: own.pair,
      admitted: own.admitted === this.run[who],
      changes: '',
      wal: BigInt(own.log.length),
      tables: ['t'],
      subscriptions: [...own.links].map(([publisher, link]) => ({
        name: subscriptionFrom(publisher),
        enabled: true,
        running: running && publisher === peer.system,
        tables: ['t'],
        pending: link.pending ? 1 : 0,
      })),
      slots: [...own.slots].map(([name, slot]) => ({
        name,
        active:
          peer !== undefined &&
          name === slotTo(peer.system) &&
          this.connected &&
          this.alive[1 - who] === true,
        confirmed: BigInt(slot.from),
        lost: slot.lost,
      })),
    };
  }
}
