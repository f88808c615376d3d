// M8: a holder's heartbeat is renewed only by a fresh commit, or by proof that commits wait for nothing but the standby.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { commitMarker, markerWaitsForAck } from './admin.ts';
import type { Session } from './connection.ts';

/** A commit that waits for the standby may wait long; its lane is its own. */
const COMMIT_MS = 86_400_000;

export class Marker {
  readonly #log: Logger;
  #inFlight: Promise<boolean> | undefined;
  #of: Session | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * May the heartbeat be renewed? Gathers no proof of its own where nothing is served: a closed engine protects nothing.
   * @param session of the open engine; undefined when it is not open
   * @param freshMs so long the renewal waits for its commit
   */
  async gate(session: Session | undefined, epoch: number, freshMs: number): Promise<boolean> {
    if (session === undefined || session.ended) return true;
    if (this.#of !== session) this.#inFlight = undefined;
    this.#of = session;
    this.#inFlight ??= this.#commit(session, epoch);
    const fresh = await Promise.race([this.#inFlight, sleep(freshMs, 'late' as const, { ref: false })]);
    if (fresh !== 'late') return fresh || session.ended;
    try {
      return await markerWaitsForAck(session, freshMs);
    } catch (error) {
      this.#log.warn('a marker commit is late, and why is not known', { error: messageOf(error) });
      return session.ended;
    }
  }

  async #commit(session: Session, epoch: number): Promise<boolean> {
    try {
      await commitMarker(session, epoch, COMMIT_MS);
      return true;
    } catch (error) {
      if (!session.ended) this.#log.warn('marker commit failed', { error: messageOf(error) });
      return false;
    } finally {
      if (this.#of === session) this.#inFlight = undefined;
    }
  }
}
