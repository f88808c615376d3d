// Carries out the steps the decider comes to.
import { readdir, statfs } from 'node:fs/promises';
import { assertNever, EngineError, messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import {
  cloneInto,
  closeWrites,
  followSource,
  forgetSource,
  interruptWork,
  letClientsIn,
  open,
  setSemiSync,
  startApplying,
  startReplica,
  stopReceiving,
  stopReplica,
  stopSending,
} from './admin.ts';
import { DATA_MOUNT } from './config.ts';
import type { Session } from './connection.ts';
import type { Member } from './member.ts';
import type { Permit } from './permit.ts';
import { fingerprint, provision, readCredentials, retirePasswords } from './provision.ts';
import type { RecordKeeper } from './record-keeper.ts';
import type { Supervisor } from './supervisor.ts';
import type { Step, View } from './view.ts';

export interface OperationsOptions {
  readonly supervisor: Supervisor;
  readonly member: Member;
  readonly permit: Permit;
  readonly keeper: RecordKeeper;
  readonly log: Logger;
  /** The DNS name of a member's pod. */
  readonly hostOf: (member: string) => string;
  readonly datadir: () => View['fresh'];
  readonly onJobDone: () => void;
  /** Called for each step that was carried out. Must not throw. */
  readonly onDone: (step: Step) => void;
}

const INITIALIZE_MS = 300_000;
const CLONE_MS = 86_400_000;
/** How long fencing by SQL may take before the engine is killed (M7). */
const FENCE_MS = 300;
/**
 * A planned hand-over gives the last commits longer for their acknowledgements: on a busy machine a killed server takes longer to
 * be gone. Until then the holder's deadline guards it.
 */
const CLOSE_MS = 1_000;
/** Until a killed mysqld is gone. On a stalled disk it cannot go: then the next decision kills again. */
const KILL_MS = 2_000;
/** A second copy and some room to go on with (M9). */
const CLONE_ROOM = 1.2;
const CLONE_SLACK_BYTES = 134_217_728;
/** A member that just released the role leaves the other the first go for so long. */
const REFRAIN_MS = 5_000;
const JOB_RETRY_MS = 5_000;
const SURVEY_MS = 5_000;
/** Replaced passwords stay valid for so long: several times what a kubelet takes to bring a Secret to every pod. */
const OLD_PASSWORD_MS = 600_000;
/** Must be left of the permit before mysqld is opened. */
const OPEN_MARGIN_MS = 200;

export class Operations {
  readonly #options: OperationsOptions;
  #job: View['job'];
  #jobAfter = Number.NEGATIVE_INFINITY;
  #handingOver: string | undefined;
  #refrainUntil = Number.NEGATIVE_INFINITY;
  #wanted = '';
  /** Why the Secrets cannot be used; '' when they can. */
  #refused = '';
  #datadirs: readonly string[] = [];
  #surveyedAt = Number.NEGATIVE_INFINITY;
  /** Of the credentials last provisioned, in the session they were provisioned over. */
  #provisioned: { readonly session: Session; readonly fingerprint: string; readonly at: number } | undefined;
  #retired = '';

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  job(): View['job'] {
    return this.#job;
  }

  handingOver(): string | undefined {
    return this.#handingOver;
  }

  refrain(): boolean {
    return performance.now() < this.#refrainUntil;
  }

  beginHandOver(reason: string): void {
    this.#handingOver ??= reason;
  }

  /** The role went: the hand-over has been made. */
  handedOver(): void {
    this.#handingOver = undefined;
  }

  /** Users, schema and marker table are as the Secrets say, by what this session has seen to. */
  isProvisioned(): boolean {
    const session = this.#options.member.session();
    return (
      session !== undefined &&
      this.#provisioned?.session === session &&
      this.#provisioned.fingerprint === this.#wanted
    );
  }

  /** Nobody needs the passwords of before any more, and they have not been seen to be gone. */
  mayRetire(): boolean {
    const at = this.#provisioned?.at ?? Number.POSITIVE_INFINITY;
    return this.isProvisioned() && this.#retired !== this.#wanted && performance.now() - at > OLD_PASSWORD_MS;
  }

  /** Data directories of the volume, the one in use among them. */
  datadirs(): readonly string[] {
    return this.#datadirs;
  }

  /** Reads what changes seldom: the Secrets, as mounted, and the volume's directories. */
  async survey(): Promise<void> {
    if (performance.now() - this.#surveyedAt < SURVEY_MS) return;
    this.#surveyedAt = performance.now();
    try {
      this.#wanted = fingerprint(await readCredentials());
      this.#refused = '';
    } catch (error) {
      // What is served goes on as it is: a Secret that somebody broke must end nothing.
      if (messageOf(error) !== this.#refused) {
        this.#options.log.error('passwords stay as they are', { error: messageOf(error) });
      }
      this.#refused = messageOf(error);
    }
    const entries = await readdir(DATA_MOUNT, { withFileTypes: true });
    this.#datadirs = entries.flatMap((entry) =>
      entry.isDirectory() && entry.name.startsWith('data-') ? [entry.name] : [],
    );
  }

  /** @throws what the engine, supervisor or API server said; the next decision starts from what is then */
  async run(step: Step, signal: AbortSignal): Promise<void> {
    const { supervisor } = this.#options;
    switch (step.kind) {
      case 'wait':
        return;
      case 'write':
        return this.#write(step, signal);
      case 'hand-over':
        this.beginHandOver(step.reason);
        return;
      case 'initialize':
        return this.#start('initialize', async () => {
          await supervisor.run({ verb: 'initialize', ...step }, AbortSignal.timeout(INITIALIZE_MS));
        });
      case 'clone':
        return this.#start('clone', async () => {
          await this.#clone(step);
        });
      case 'remove':
        return this.#start('tidy', async () => {
          await supervisor.run({ verb: 'remove', datadir: step.datadir }, AbortSignal.timeout(INITIALIZE_MS));
        });
      case 'end-clone':
        return interruptWork(this.#session());
      case 'follow': {
        const { replicationPassword } = await readCredentials();
        return followSource(this.#session(), this.#options.hostOf(step.source), replicationPassword);
      }
      case 'start-replica':
        return startReplica(this.#session());
      case 'start-applying':
        return startApplying(this.#session());
      case 'stop-receiving':
        return stopReceiving(this.#session());
      case 'stop-sending':
        return stopSending(this.#session());
      case 'stop-replica':
        return stopReplica(this.#session());
      case 'forget-source':
        return forgetSource(this.#session());
      case 'semi-sync':
        return setSemiSync(this.#session(), step.on);
      case 'open':
        return this.#open(step);
      case 'close':
        return this.#close(step, signal);
      case 'let-in':
        return letClientsIn(this.#session());
      case 'provision': {
        const session = this.#session();
        const credentials = await readCredentials();
        await provision(session, credentials);
        this.#wanted = fingerprint(credentials);
        this.#provisioned = { session, fingerprint: this.#wanted, at: performance.now() };
        return;
      }
      case 'retire': {
        const credentials = await readCredentials();
        await retirePasswords(this.#session(), credentials);
        this.#retired = fingerprint(credentials);
        return;
      }
      default:
        return assertNever(step);
    }
  }

  async #write(step: Step & { readonly kind: 'write' }, signal: AbortSignal): Promise<void> {
    const { keeper, permit, log } = this.#options;
    const outcome = await keeper.write(step, signal);
    log.info('role record written', { write: step.write, outcome, reason: step.reason });
    if (outcome !== 'done') return;
    permit.confirmed();
    this.#options.onDone(step);
    if (step.write === 'release') {
      this.#refrainUntil = performance.now() + REFRAIN_MS;
      this.#handingOver = undefined;
    }
  }

  /** Armed first: should this process stall from here on, the supervisor ends what it may have opened. */
  async #open(step: Step): Promise<void> {
    const { permit, log } = this.#options;
    const session = this.#session();
    permit.arm();
    if (permit.until() - performance.now() < OPEN_MARGIN_MS) return;
    await open(session);
    log.info('mysqld is open');
    this.#options.onDone(step);
  }

  /** A moment of SQL, then SIGKILL (M7). */
  async #close({ reason, planned }: Step & { readonly kind: 'close' }, signal: AbortSignal): Promise<void> {
    const { member, supervisor, permit, log } = this.#options;
    const withinMs = planned ? CLOSE_MS : FENCE_MS;
    log.info('closing mysqld', { reason });
    try {
      const session = member.session();
      if (session === undefined) throw new EngineError('there is no connection to mysqld');
      await closeWrites(session, withinMs);
    } catch (error) {
      log.warn('mysqld does not close: killing it', { error: messageOf(error), withinMs });
      await supervisor.run({ verb: 'kill' }, AbortSignal.any([signal, AbortSignal.timeout(KILL_MS)]));
    }
    permit.disarm();
  }

  /** A new directory beside the old one, which stays until this member counts (M9). */
  async #clone(step: Step & { readonly kind: 'clone' }): Promise<void> {
    const { supervisor, member, log, hostOf } = this.#options;
    const session = this.#session();
    const state = await supervisor.state();
    const { bavail, bsize } = await statfs(DATA_MOUNT);
    const wanted = step.bytes * CLONE_ROOM + CLONE_SLACK_BYTES;
    if (bavail * bsize < wanted) {
      throw new EngineError(
        `no room for a second copy: ${Math.ceil(wanted / 1_048_576)} MiB wanted, ${Math.floor((bavail * bsize) / 1_048_576)} MiB free; enlarge spec.mysql.storage.size`,
      );
    }
    if (step.errant !== '' && state !== undefined) {
      log.warn('saving transactions that the primary has not', {
        gtids: step.errant,
        to: `saved/${state.datadir}.sql`,
      });
      await supervisor.run(
        { verb: 'save', datadir: state.datadir, gtids: step.errant },
        AbortSignal.timeout(INITIALIZE_MS),
      );
    }
    const { datadir, serverUuid } = this.#options.datadir();
    const { replicationPassword } = await readCredentials();
    const startedAt = performance.now();
    try {
      await cloneInto(session, {
        host: hostOf(step.donor),
        password: replicationPassword,
        directory: `${DATA_MOUNT}/${datadir}`,
        timeoutMs: CLONE_MS,
      });
    } catch (error) {
      // What a broken clone leaves would take the room of the next one.
      await supervisor.run({ verb: 'remove', datadir }, AbortSignal.timeout(INITIALIZE_MS));
      throw error;
    }
    log.info('cloned', { from: step.donor, datadir, ms: Math.round(performance.now() - startedAt) });
    await supervisor.run({ verb: 'adopt', datadir, serverUuid }, AbortSignal.timeout(INITIALIZE_MS));
    member.close();
    this.#options.onDone(step);
  }

  #start(job: NonNullable<View['job']>, work: () => Promise<void>): void {
    if (this.#job !== undefined || performance.now() < this.#jobAfter) return;
    this.#job = job;
    void (async () => {
      try {
        await work();
      } catch (error) {
        this.#options.log.error(`${job} failed`, { error: messageOf(error) });
        this.#jobAfter = performance.now() + JOB_RETRY_MS;
      } finally {
        this.#job = undefined;
        this.#surveyedAt = Number.NEGATIVE_INFINITY;
        this.#options.onJobDone();
      }
    })();
  }

  #session(): Session {
    const session = this.#options.member.session();
    if (session === undefined) throw new EngineError('there is no connection to mysqld');
    return session;
  }
}
