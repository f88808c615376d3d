// Reads this member: the supervisor's word first, then mysqld's own. Keeps the session to the running mysqld.
import { messageOf, TimeoutError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { readEngine } from './admin.ts';
import { Session } from './connection.ts';
import type { EngineState } from './member-state.ts';
import { lifeOf } from './supervisor.ts';
import type { Supervisor } from './supervisor.ts';

export interface MemberOptions {
  readonly supervisor: Supervisor;
  readonly log: Logger;
  /** Called when the session to mysqld ends by itself. */
  readonly onEnd: () => void;
}

export class Member {
  readonly #options: MemberOptions;
  #session: Session | undefined;
  #run = '';
  #life = '';
  /** The run that an earlier agent, or this one, may have opened. */
  #opened: string | undefined;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  /** To the running mysqld; undefined while there is none. */
  session(): Session | undefined {
    return this.#session?.ended === true ? undefined : this.#session;
  }

  /** Of the mysql container: another one means that it was started anew. '' before the first look. */
  life(): string {
    return this.#life;
  }

  async observe(): Promise<EngineState> {
    const state = await this.#options.supervisor.state();
    if (state === undefined) return { kind: 'unknown', why: 'the supervisor has not started yet' };
    this.#life = lifeOf(state);
    this.#opened ??= state.run;
    switch (state.phase) {
      case 'empty':
        this.#drop();
        return { kind: 'empty' };
      case 'stopped':
      case 'held':
        this.#drop();
        return { kind: 'down', datadir: state.datadir };
      default:
        return this.#observeRunning(state.datadir, state.run);
    }
  }

  close(): void {
    this.#drop();
  }

  async #observeRunning(datadir: string, run: string): Promise<EngineState> {
    if (this.#run !== run) this.#drop();
    try {
      const session = await this.#current(run);
      return await readEngine(session, run);
    } catch (error) {
      // An answer that is late proves nothing; a session that ended means that mysqld went, or never came.
      if (error instanceof TimeoutError) return { kind: 'unknown', why: messageOf(error) };
      if (this.session() === undefined) return { kind: 'starting', datadir, closed: run !== this.#opened };
      return { kind: 'unknown', why: messageOf(error) };
    }
  }

  async #current(run: string): Promise<Session> {
    const open = this.session();
    if (open !== undefined) return open;
    this.#session = await Session.open();
    this.#run = run;
    this.#opened = run;
    this.#session.onEnd(this.#options.onEnd);
    this.#options.log.info('connected to mysqld', { run });
    return this.#session;
  }

  #drop(): void {
    this.#session?.close();
    this.#session = undefined;
  }
}
