// What an agent keeps on disk, so that one that is restarted while the API server is away goes on where the last one was.
// In the run directory: it lives exactly as long as the pod that the record names as holder, and a stalled or full data
// volume (M8) does not reach it. Nothing is synced: after a loss of power mysqld is closed, and M11 asks the record itself.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { RoleRecord } from '../../agent/role-record.ts';
import { RUN_DIR } from '../shared/pods.ts';
import type { PendingWrite } from './view.ts';

export interface Kept {
  /** The newest record known. */
  readonly record: RoleRecord | undefined;
  /** Own writes over it whose outcome is not known: on disk before they are sent. */
  readonly pending: readonly PendingWrite[];
  /** Until when this agent has promised not to take, on a clock that its successor reads too: on disk before it is said. */
  readonly promisedUntil: number | undefined;
}

export interface Memory {
  /** undefined where nothing was ever kept, or it cannot be read. */
  load(): Kept | undefined;
  save(kept: Kept): void;
}

const VERSION = 1;

interface File extends Kept {
  readonly version: typeof VERSION;
  readonly boot: string;
}

export class DiskMemory implements Memory {
  readonly #file: string;

  constructor(file: string = `${RUN_DIR}/agent.json`) {
    this.#file = file;
  }

  load(): Kept | undefined {
    const file = this.#read();
    if (file?.version !== VERSION) return undefined;
    // The clock began anew with the machine: a promise is then of unknown age.
    return { ...file, promisedUntil: file.boot === bootId() ? file.promisedUntil : undefined };
  }

  /** Synchronous: what rests on it is sent right after. */
  save(kept: Kept): void {
    const file: File = { version: VERSION, boot: bootId(), ...kept };
    writeFileSync(`${this.#file}.new`, JSON.stringify(file));
    renameSync(`${this.#file}.new`, this.#file);
  }

  #read(): File | undefined {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as File;
    } catch {
      return undefined;
    }
  }
}

/** Of the machine's present life. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Milliseconds since the machine's start: a clock that nobody sets, the same for every process of it. */
export function bootNow(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000;
}
