// The agent's end of the supervisor: what runs, commands by file, and the deadline after which mysqld is killed.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertNever, EngineError, TimeoutError } from '../../errors.ts';
import { RUN_DIR } from '../shared/pods.ts';
import { bootId, bootNow } from './memory.ts';

/** `held`: killed because the deadline passed; it waits for the agent. `empty`: no data directory is in use. */
export type SupervisorPhase = 'empty' | 'stopped' | 'running' | 'held';

export interface SupervisorState {
  readonly phase: SupervisorPhase;
  /** Name of the data directory in use; '' when there is none. */
  readonly datadir: string;
  /** `LIFE-N`: the supervisor's life and how often it has started mysqld in it. Tells one run of mysqld from the next. */
  readonly run: string;
  /** The command under way; '' when none. */
  readonly busy: string;
  readonly done: string;
  readonly result: 'ok' | 'failed';
}

export type SupervisorCommand =
  | { readonly verb: 'initialize' | 'adopt'; readonly datadir: string; readonly serverUuid: string }
  | { readonly verb: 'save'; readonly datadir: string; readonly gtids: string }
  | { readonly verb: 'remove'; readonly datadir: string }
  | { readonly verb: 'kill' };

const POLL_MS = 25;

export class Supervisor {
  readonly #directory: string;

  /** @param directory shared with the supervisor */
  constructor(directory: string = RUN_DIR) {
    this.#directory = directory;
  }

  /** What the supervisor last said; undefined before its first word. */
  async state(): Promise<SupervisorState | undefined> {
    try {
      return parseState(await readFile(`${this.#directory}/state`, 'utf8'));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /**
   * Settles when the command was carried out. Every command may be given again.
   * @throws EngineError when it failed: the supervisor's log says why
   * @throws TimeoutError when `signal` was aborted first; it may still be carried out
   */
  async run(command: SupervisorCommand, signal: AbortSignal): Promise<void> {
    const id = randomUUID();
    const file = `${this.#directory}/command`;
    await writeFile(`${file}.new`, `${id} ${commandLine(command)}\n`);
    await rename(`${file}.new`, file);
    while (!signal.aborted) {
      const state = await this.state();
      if (state?.done === id) {
        if (state.result === 'ok') return;
        throw new EngineError(`the supervisor failed to ${command.verb}; the mysql container's log says why`);
      }
      await sleep(POLL_MS);
    }
    throw new TimeoutError(`the supervisor did not ${command.verb} in time`);
  }

  /**
   * From now on mysqld lives until `until` at most, unless the deadline is moved. Synchronous: no stall of the event loop
   * may come between the reading of the clocks and the writing (L5).
   * @param until monotonic milliseconds (performance.now())
   */
  arm(until: number): void {
    // The supervisor's clock first: a stall between the two readings then shortens the deadline.
    const uptimeCentis = Math.floor(bootNow() / 10);
    const left = Math.floor((until - performance.now()) / 10);
    this.#writeDeadline(`${bootId()} ${Math.max(0, uptimeCentis + left)}`);
  }

  /** The deadline as an earlier agent left it, monotonic milliseconds; undefined: mysqld lives without one. */
  deadline(): number | undefined {
    const file = `${this.#directory}/deadline`;
    const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'none';
    if (text === 'none') return undefined;
    const [boot, centis] = text.split(' ');
    // This process's clock first: a stall between the two readings then shortens what is left.
    const now = performance.now();
    const left = Number(centis) * 10 - bootNow();
    return boot === bootId() && Number.isFinite(left) ? now + left : Number.NEGATIVE_INFINITY;
  }

  /** mysqld is closed and nothing will open it: it may live on without the agent. */
  disarm(): void {
    this.#writeDeadline('none');
  }

  #writeDeadline(text: string): void {
    const file = `${this.#directory}/deadline`;
    writeFileSync(`${file}.new`, `${text}\n`);
    renameSync(`${file}.new`, file);
  }
}

/** The line the supervisor reads: verb, directory, and what else the verb needs. */
export function commandLine(command: SupervisorCommand): string {
  switch (command.verb) {
    case 'initialize':
    case 'adopt':
      return `${command.verb} ${command.datadir} ${command.serverUuid}`;
    case 'save':
      return `save ${command.datadir} ${command.gtids}`;
    case 'remove':
      return `remove ${command.datadir}`;
    case 'kill':
      return 'kill';
    default:
      return assertNever(command);
  }
}

/** The supervisor's life: a new one means that the container was started anew. */
export function lifeOf(state: SupervisorState): string {
  return state.run.split('-')[0] ?? '';
}

function parseState(text: string): SupervisorState {
  return JSON.parse(text) as SupervisorState;
}
