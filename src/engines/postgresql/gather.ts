// Looks at both servers and at the mounted files: everything decide.ts needs, in plain data. Keeps its connections open.
import { lstat } from 'node:fs/promises';
import type { RoleRecord } from '../../agent/role-record.ts';
import { monotonicNow, Wake } from '../../agent/wake.ts';
import { EngineError, messageOf } from '../../errors.ts';
import { readCredential } from '../shared/credential.ts';
import { connectionString, connectLocal, connectPeer, LOOK_MS, withSession } from './admin.ts';
import type { Row, Session } from './admin.ts';
import { catchUp } from './catch-up.ts';
import type { CatchUp } from './catch-up.ts';
import { DATABASE, PATHS, SUPERUSER, slotTo, subscriptionFrom } from './names.ts';
import { NO_GAP, NO_SETTINGS } from './observation.ts';
import type { ChangeGap, LocalSettings, MemberState, Observation, Seen } from './observation.ts';
import { asReturning, presence, UNKNOWN_PRESENCE } from './presence.ts';
import type { Presence } from './presence.ts';
import { verifies } from './scram.ts';
import { CHANGE_NAMES_SQL, isBare, parseState, SETTINGS_SQL, STATE_SQL } from './sql/state.ts';

export interface GatherOptions {
  readonly member: string;
  readonly ordinal: number;
  readonly peer: string;
  readonly peerHost: string;
}

/** What the agent knows from elsewhere. */
export interface Surroundings {
  readonly record: RoleRecord | undefined;
  /** Alive by its heartbeat and in the Services. */
  readonly peerServes: boolean;
  readonly soloAfterMs: number;
  /** The member that the annotation asks to rebuild; '' for none. */
  readonly replace: string;
  /** Monotonic ms. */
  readonly now: number;
}

interface RemoteLook {
  readonly seen: Seen;
  /** The peer's schema changes, where they are not the own ones. */
  readonly changes: readonly Row[] | undefined;
  readonly at: number;
}

const PERIOD_MS = 1_000;
/** An older look at the peer is none: it may have been rebuilt since. */
const STALE_MS = 5_000;

/** A hung server may still answer on connections that it has: whether it takes new ones is tried so often. */
const PROBE_MS = 1_000;

const UNSEEN: Seen = { kind: 'unseen' };

export class Gatherer {
  readonly #options: GatherOptions;
  readonly #onLost: () => void;
  readonly #home: Link;
  readonly #away: Link;
  readonly #wake = new Wake();
  #remote: RemoteLook | undefined;
  /** Raised by every operation: a look from before it is not to be set against the state after it. */
  #generation = 0;
  #ownChanges: string | undefined;
  #catchUp: CatchUp | undefined;
  #peerSeenAt: number | undefined;
  #presence = UNKNOWN_PRESENCE;
  /** Why the own server takes no new connections; undefined while it does. */
  #refusal: string | undefined;
  #password: { readonly of: string; readonly current: boolean } | undefined;

  /** @param onLost called when the connection to the own server breaks, or when it takes no new ones */
  constructor(options: GatherOptions, onLost: () => void) {
    this.#options = options;
    this.#onLost = onLost;
    this.#home = new Link(() => connectLocal(SUPERUSER, DATABASE, LOOK_MS, onLost));
    this.#away = new Link(() => connectPeer(options.peerHost, LOOK_MS));
  }

  /** Looks at the peer until `signal` is aborted: beside `look`, because a peer that hangs must not hold it up. */
  async run(signal: AbortSignal): Promise<void> {
    const probing = this.#probe(signal);
    while (!signal.aborted) {
      const generation = this.#generation;
      const remote = await this.#lookAtPeer();
      if (generation === this.#generation) this.#remote = remote;
      await this.#wake.wait(PERIOD_MS, signal);
    }
    await Promise.all([this.#home.close(), this.#away.close(), probing]);
  }

  /** Does the own server leave new connections unanswered? Known although a look may hang in an old one. */
  get refused(): boolean {
    return this.#refusal !== undefined;
  }

  /** The peer took this member out of the Services: it has to catch up before it serves again (P2). */
  interrupt(): void {
    this.#presence = { ...this.#presence, interrupted: true };
    this.#forget();
  }

  #forget(): void {
    this.#catchUp = undefined;
    this.changed();
  }

  /** This member was admitted to serve. */
  admitted(): void {
    this.#presence = { ...this.#presence, interrupted: false };
  }

  /** After an operation: what was seen of the peer is forgotten and looked at again. */
  changed(): void {
    this.#generation += 1;
    this.#remote = undefined;
    this.#wake.notify();
  }

  async look(around: Surroundings): Promise<Observation> {
    const answer = this.#counted(await this.#home.see());
    this.#presence = this.#judge(answer, around.peerServes);
    const generation = this.#generation;
    const remote = this.#remoteNow(around.now);
    const seen = remote?.seen ?? UNSEEN;
    const own = answer.kind === 'up' ? answer.state : undefined;
    this.#ownChanges = own?.changes;
    const gap = own === undefined ? NO_GAP : await this.#gap(own, remote);
    // What was seen of the peer before an interruption says nothing of what has to be caught up with after it.
    if (own !== undefined && seen.kind === 'up' && generation === this.#generation)
      this.#catchUp = catchUp(this.#catchUp, own, seen.state, gap);
    if (seen.kind === 'up' || around.peerServes) this.#peerSeenAt = around.now;
    this.#peerSeenAt ??= around.now;
    const settings = own === undefined ? NO_SETTINGS : await this.#settings(own, seen);
    return {
      member: this.#options.member,
      ordinal: this.#options.ordinal,
      peer: this.#options.peer,
      local:
        own !== undefined && this.#presence.interrupted ? { kind: 'up', state: asReturning(own) } : answer,
      remote: seen,
      settings,
      gap,
      record: around.record,
      caughtUp: this.#catchUp?.reached ?? false,
      peerAwayMs: around.now - this.#peerSeenAt,
      soloAfterMs: around.soloAfterMs,
      replace: around.replace,
    };
  }

  /** A server that takes no new connections counts as away. */
  #counted(answer: Seen): Seen {
    return answer.kind === 'up' && this.#refusal !== undefined
      ? { kind: 'absent', problem: `no new connections: ${this.#refusal}` }
      : answer;
  }

  #judge(seen: Seen, peerServes: boolean): Presence {
    const next = presence(this.#presence, seen, peerServes);
    if (next.returns !== this.#presence.returns) this.#forget();
    return next;
  }

  async #probe(signal: AbortSignal): Promise<void> {
    const pause = new Wake();
    while (!signal.aborted) {
      const before = this.#refusal;
      this.#refusal = await refusalOf();
      if (this.#refusal !== undefined && before === undefined) {
        // Also when no look falls into the time in which it hung.
        this.interrupt();
        this.#onLost();
      }
      await pause.wait(PROBE_MS, signal);
    }
  }

  #remoteNow(now: number): RemoteLook | undefined {
    return this.#remote !== undefined && now - this.#remote.at < STALE_MS ? this.#remote : undefined;
  }

  async #lookAtPeer(): Promise<RemoteLook> {
    const at = monotonicNow();
    const seen = await this.#away.see();
    if (seen.kind !== 'up' || seen.state.changes === this.#ownChanges)
      return { seen, changes: undefined, at };
    try {
      return { seen, changes: await this.#away.query(CHANGE_NAMES_SQL), at };
    } catch (error) {
      return { seen: { kind: 'absent', problem: messageOf(error) }, changes: undefined, at };
    }
  }

  async #gap(own: MemberState, remote: RemoteLook | undefined): Promise<ChangeGap> {
    if (remote?.seen.kind !== 'up' || remote.seen.state.changes === own.changes) return NO_GAP;
    if (remote.changes === undefined) {
      // They were equal when the peer was looked at: what is new since is ours.
      this.#wake.notify();
      return NO_GAP;
    }
    return changeGap(await this.#home.query(CHANGE_NAMES_SQL), remote.changes);
  }

  async #settings(own: MemberState, remote: Seen): Promise<LocalSettings> {
    try {
      const [row] = await this.#home.query(SETTINGS_SQL);
      const connections = (row?.['connections'] ?? {}) as Readonly<Record<string, string>>;
      const wanted = remote.kind === 'up' ? subscriptionFrom(remote.state.systemIdentifier) : undefined;
      const text = connectionString(this.#options.peerHost, slotTo(own.systemIdentifier));
      return {
        passwordCurrent: await this.#passwordCurrent(row?.['verifier'] as string | null),
        reloadDue: (await changedAt()) > Number(row?.['loaded']),
        reconnect: Object.keys(connections).filter((name) => name === wanted && connections[name] !== text),
        conflicts: (row?.['conflicts'] ?? {}) as Readonly<Record<string, number>>,
      };
    } catch (error) {
      if (error instanceof EngineError) return NO_SETTINGS;
      throw error;
    }
  }

  /** Remembered, because a verification is made slow on purpose. */
  async #passwordCurrent(verifier: string | null): Promise<boolean> {
    const password = await applicationPassword();
    const of = `${verifier}\n${password}`;
    if (this.#password?.of !== of) {
      this.#password = { of, current: verifies(verifier ?? undefined, password) };
    }
    return this.#password.current;
  }
}

/** An answer is an answer, be it that the server starts or has no connection left. */
async function refusalOf(): Promise<string | undefined> {
  try {
    await withSession(connectLocal(SUPERUSER, 'postgres', LOOK_MS), async () => Promise.resolve());
    return undefined;
  } catch (error) {
    return error instanceof EngineError && error.fields['sqlstate'] !== undefined
      ? undefined
      : messageOf(error);
  }
}

/** By the order in which the peer executed them. */
export function changeGap(here: readonly Row[], there: readonly Row[]): ChangeGap {
  const own = new Map(here.map((row) => [String(row['name']), row['hash']]));
  const names = there.map((row) => ({ name: String(row['name']), hash: row['hash'] }));
  return {
    missing: names.filter(({ name }) => !own.has(name)).map(({ name }) => name),
    conflicting: names
      .filter(({ name, hash }) => own.has(name) && own.get(name) !== hash)
      .map(({ name }) => name),
  };
}

export async function applicationPassword(): Promise<string> {
  return readCredential(`${PATHS.credentials}/password`);
}

/** When the kubelet last replaced a mounted file (ms since the epoch): it swaps the `..data` link. */
async function changedAt(): Promise<number> {
  const times = await Promise.all(
    [PATHS.config, PATHS.tls].map(async (directory) => (await lstat(`${directory}/..data`)).mtimeMs),
  );
  return Math.max(...times);
}

/** One connection, opened when needed and given up at the first failure. */
class Link {
  readonly #connect: () => Promise<Session>;
  #session: Session | undefined;

  constructor(connect: () => Promise<Session>) {
    this.#connect = connect;
  }

  async see(): Promise<Seen> {
    try {
      return { kind: 'up', state: parseState(await this.query(STATE_SQL)) };
    } catch (error) {
      return isBare(error) ? { kind: 'bare' } : { kind: 'absent', problem: messageOf(error) };
    }
  }

  async query(text: string): Promise<readonly Row[]> {
    try {
      this.#session ??= await this.#connect();
      return await this.#session.query(text);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}
