// Looks at all a decision rests on and makes the view of it; keeps the peer's last word and the member's recent past.
import { randomUUID } from 'node:crypto';
import type { AgentContext } from '../../agent/agent.ts';
import type { Heartbeat } from '../../agent/heartbeat.ts';
import { holderIdentity, ordinalOf } from '../../agent/identity.ts';
import type { Peers } from '../../agent/peers.ts';
import type { RoleRecord } from '../../agent/role-record.ts';
import { Wake } from '../../agent/wake.ts';
import { ANNOTATIONS, names, podName } from '../../api/v1alpha1/names.ts';
import { messageOf } from '../../errors.ts';
import { ConfigMaps } from '../../kube/resources.ts';
import { readDataBytes, readUpTo } from './admin.ts';
import type { Chronicle } from './chronicle.ts';
import { remember, startHistory } from './history.ts';
import type { Member } from './member.ts';
import type { PeerReport } from './member-state.ts';
import type { Operations } from './operations.ts';
import type { PeerClient } from './peer-channel.ts';
import type { Permit } from './permit.ts';
import { ROLE } from './presets.ts';
import type { RecordKeeper } from './record-keeper.ts';
import type { Router } from './router.ts';
import { peerCounts } from './view.ts';
import type { View } from './view.ts';

export interface LookoutOptions {
  readonly context: AgentContext;
  readonly member: Member;
  readonly peers: Peers;
  readonly keeper: RecordKeeper;
  readonly heartbeat: Heartbeat;
  readonly permit: Permit;
  readonly operations: Operations;
  readonly router: Router;
  readonly peerClient: PeerClient;
  readonly chronicle: Chronicle;
}

const PEER_MS = 250;
const PEER_TIMEOUT_MS = 400;
/** Beats within which a standby has to acknowledge. */
const GRACE_PERIODS = 2;
/** Of the renew deadline: so long a word of a member is believed. */
const WORD_PART = 2;
const SIZE_MS = 60_000;
/** What this member has is looked for when nobody has held the role for so long. */
const UNHELD_MS = 10_000;

export class Lookout {
  readonly #options: LookoutOptions;
  readonly #self: string;
  readonly #ordinal: number;
  readonly #peerMember: string;
  #view: View | undefined;
  #history = startHistory(performance.now());
  #word: { readonly report: PeerReport; readonly at: number } | undefined;
  /** The supervisor's life in which the pod was told to end. */
  #stoppingIn: string | undefined;
  #dataBytes = 0;
  #sizeAt = Number.NEGATIVE_INFINITY;
  #unheldSince: number | undefined;
  #upTo = '';

  constructor(options: LookoutOptions) {
    const { identity } = options.context;
    this.#options = options;
    this.#self = holderIdentity(identity);
    this.#ordinal = ordinalOf(identity.pod);
    this.#peerMember = podName(identity.cluster, 'mysql', 1 - this.#ordinal);
  }

  /** As last looked at. */
  view(): View | undefined {
    return this.#view;
  }

  /** The pod is being stopped. Forgotten when its containers are started anew. */
  stop(): void {
    this.#stoppingIn = this.#options.member.life();
  }

  async look(): Promise<View> {
    const options = this.#options;
    const { context, member, peers, keeper, heartbeat, permit, operations, router } = options;
    const cluster = context.cluster();
    const askedAt = performance.now();
    const engine = await member.observe();
    await this.#noteSize(engine.kind === 'running' && engine.writable);
    await this.#noteUpTo(engine.kind === 'running');
    await operations.survey();
    const initialised =
      this.#ordinal === 0 && keeper.record()?.epoch === 0 ? await this.#readInitialised() : undefined;
    // From here on nothing is awaited: the record, the verdict and the certainty are of one moment.
    const now = performance.now();
    const record = keeper.record();
    const peer =
      this.#word !== undefined && now - this.#word.at < this.#wordLastsMs() ? this.#word.report : undefined;
    const counted = peerCounts(record, this.#peerMember, peer);
    this.#history = remember(this.#history, engine, counted, now, askedAt);
    const holderDead = record?.holder !== undefined && peers.isDead(record.holder);
    const held = record === undefined || (record.holder !== undefined && !holderDead);
    this.#unheldSince = held ? undefined : (this.#unheldSince ?? now);
    options.chronicle.looked(record, router.published(), now);
    const view: View = {
      now,
      self: this.#self,
      member: context.identity.pod,
      ordinal: this.#ordinal,
      peerMember: this.#peerMember,
      record,
      recordOnWatch: keeper.onWatch(),
      pending: keeper.pending(),
      initialised,
      certain: heartbeat.certain(),
      permitted: permit.permitted(),
      lent: permit.lent(),
      proven: permit.proven(),
      holderDead,
      promised: keeper.promised(),
      refrain: operations.refrain(),
      stopping: this.#stoppingIn !== undefined && this.#stoppingIn === member.life(),
      handingOver: operations.handingOver(),
      ...this.#requests(record),
      unheldMs: this.unheldMs(now),
      upTo: this.#upTo,
      handover: options.chronicle.handover(),
      durability: cluster.spec.mysql.durability,
      graceMs: GRACE_PERIODS * heartbeat.timing().periodMs,
      engine,
      peer,
      history: this.#history,
      provisioned: operations.isProvisioned(),
      retire: operations.mayRetire(),
      published: record !== undefined && router.published() === record.epoch,
      job: operations.job(),
      leftovers:
        engine.kind === 'running' ? operations.datadirs().filter((each) => each !== engine.datadir) : [],
      fresh: freshDatadir(),
    };
    this.#view = view;
    return view;
  }

  /** This member's word for its peer; undefined when it is too old to be one. */
  report(): PeerReport | undefined {
    const view = this.#view;
    if (view === undefined || performance.now() - view.now > this.#wordLastsMs()) return undefined;
    return {
      member: view.member,
      engine: view.engine,
      epoch: view.record?.epoch ?? 0,
      dataBytes: this.#dataBytes,
      stopping: view.stopping,
    };
  }

  /** Asks the peer for its word, again and again. */
  async followPeer(signal: AbortSignal): Promise<void> {
    const pause = new Wake();
    while (!signal.aborted) {
      try {
        const report = await this.#options.peerClient.report(PEER_TIMEOUT_MS);
        if (report !== undefined) this.#word = { report, at: performance.now() };
      } catch (error) {
        this.#options.context.log.debug('no word of the peer', { error: messageOf(error) });
      }
      await pause.wait(PEER_MS, signal);
    }
  }

  /** For how long nobody alive has held the role. */
  unheldMs(now: number): number {
    return this.#unheldSince === undefined ? 0 : now - this.#unheldSince;
  }

  /** What the annotations ask of this pair. What an earlier agent saw asks for nothing: it may be done, or taken back. */
  #requests(record: RoleRecord | undefined): Pick<View, 'asked' | 'replace' | 'force'> {
    const { context } = this.#options;
    if (!context.clusterSeen()) {
      return { asked: record?.switchover ?? '', replace: record?.notes?.replaced ?? '', force: '' };
    }
    const { annotations } = context.cluster().metadata;
    const read = (name: string): string => annotations?.[name] ?? '';
    const { pod } = context.identity;
    const asked = read(ANNOTATIONS.switchover);
    const replace = read(ANNOTATIONS.replaceMember);
    return {
      asked: asked === ROLE ? asked : '',
      replace: replace === pod || replace === this.#peerMember ? replace : '',
      force: read(ANNOTATIONS.forcePrimary) === pod ? read(ANNOTATIONS.acceptDataLoss) : '',
    };
  }

  #wordLastsMs(): number {
    return this.#options.heartbeat.timing().renewDeadlineMs / WORD_PART;
  }

  async #noteSize(open: boolean): Promise<void> {
    const session = this.#options.member.session();
    if (!open || session === undefined || performance.now() - this.#sizeAt < SIZE_MS) return;
    this.#sizeAt = performance.now();
    this.#dataBytes = await readDataBytes(session).catch(() => this.#dataBytes);
  }

  async #noteUpTo(running: boolean): Promise<void> {
    const session = this.#options.member.session();
    if (!running || session === undefined || this.unheldMs(performance.now()) < UNHELD_MS) return;
    this.#upTo = await readUpTo(session).catch(() => '');
  }

  /** The state record outlives the role Lease: a missing Lease never means that nothing was initialised (M2). */
  async #readInitialised(): Promise<boolean | undefined> {
    const { identity, kube, log } = this.#options.context;
    try {
      const state = await kube.get(ConfigMaps, identity.namespace, names(identity.cluster).state);
      const text = state.data?.[ROLE];
      return (
        text !== undefined && (JSON.parse(text) as { readonly initialised?: boolean }).initialised === true
      );
    } catch (error) {
      log.warn('the state record could not be read', { error: messageOf(error) });
      return undefined;
    }
  }
}

/** Names for a data directory to be made: never used before, so that they are its identity (M2). */
export function freshDatadir(): View['fresh'] {
  const serverUuid = randomUUID();
  return { datadir: `data-${serverUuid.slice(0, 8)}`, serverUuid };
}
