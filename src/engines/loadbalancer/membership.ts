// Keeps HAProxy's servers equal to the live workers, at run time by the socket and for its next start by a file.
import { access, rename, writeFile } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import { Wake } from '../../agent/wake.ts';
import type { Logger } from '../../log.ts';
import type { RuntimeSocket } from './admin.ts';
import { PATHS, workersConfig } from './config.ts';
import type { Member } from './config.ts';
import { commandsFor, parseServers } from './servers.ts';

/** How often the servers are compared although nothing is known to have changed: a restarted HAProxy, a leaver to delete. */
const AUDIT_MS = 2_000;

/** Answers of HAProxy that mean that all went well. */
const WELL =
  /^(|New server registered\.|Server deleted\.|port changed .*|IP changed .*|no need to change .*)$/;

/** A leaver still has connections. */
const LATER = /still has connections/;

export interface MembershipOptions {
  readonly cluster: string;
  readonly namespace: string;
  readonly socket: RuntimeSocket;
  readonly log: Logger;
  /** The wanted members; undefined while they are not known yet. */
  readonly members: () => readonly Member[] | undefined;
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #wake = new Wake();
  #written: string | undefined;
  #settled = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Did the last comparison find HAProxy's servers as wanted? */
  settled(): boolean {
    return this.#settled;
  }

  /** Compares now: the members or HAProxy have changed. */
  notify(): void {
    this.#wake.notify();
  }

  /** The file must be there before HAProxy starts, be it without workers. One of an earlier agent is better than that. */
  async prepare(): Promise<void> {
    try {
      await access(PATHS.workers);
    } catch {
      await this.#write([]);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#round();
      } catch (error) {
        this.#settled = false;
        this.#options.log.debug('membership not compared', { error: messageOf(error) });
      }
      await this.#wake.wait(AUDIT_MS, signal);
    }
  }

  async #round(): Promise<void> {
    const members = this.#options.members();
    if (members === undefined) return;
    // First the file: HAProxy may be starting this very moment.
    if (members.length > 0) await this.#write(members);
    const { socket, cluster, namespace, log } = this.#options;
    const servers = parseServers(await socket.command('show servers state'));
    const commands = commandsFor(members, servers, cluster, namespace);
    let refused = false;
    for (const command of commands) {
      const answer = await socket.command(command);
      const well = WELL.test(answer);
      refused ||= !well;
      if (well || LATER.test(answer)) log.debug('server changed', { command, answer });
      else log.warn('HAProxy refused a change of its servers', { command, answer });
    }
    this.#settled = commands.length === 0;
    // What was accepted is looked at again at once; what was refused, at the next audit.
    if (commands.length > 0 && !refused) this.#wake.notify();
  }

  async #write(members: readonly Member[]): Promise<void> {
    const text = workersConfig(this.#options.cluster, this.#options.namespace, members);
    if (text === this.#written) return;
    await writeFile(`${PATHS.workers}.new`, text, { mode: 0o644 });
    await rename(`${PATHS.workers}.new`, PATHS.workers);
    this.#written = text;
  }
}
