// Until when this member may serve writes, kept in the supervisor's deadline file; and whether it has proven its role (M11).
import type { Supervisor } from './supervisor.ts';

export class Permit {
  readonly #supervisor: Pick<Supervisor, 'arm' | 'disarm'>;
  readonly #now: () => number;
  #heartbeatUntil: number;
  #failsafeUntil = Number.NEGATIVE_INFINITY;
  /** In the supervisor's file: mysqld does not outlive it. undefined: mysqld is closed. */
  #deadline: number | undefined;
  #proven = false;

  /** @param inherited the deadline under which an earlier agent left mysqld, which may be open; undefined: it left none */
  constructor(
    supervisor: Pick<Supervisor, 'arm' | 'disarm'>,
    inherited: number | undefined,
    now: () => number = () => performance.now(),
  ) {
    this.#supervisor = supervisor;
    this.#heartbeatUntil = inherited ?? Number.NEGATIVE_INFINITY;
    this.#deadline = inherited;
    this.#now = now;
  }

  /** Monotonic milliseconds. */
  until(): number {
    return Math.max(this.#heartbeatUntil, this.#failsafeUntil);
  }

  /** By the heartbeat alone, an earlier agent's included. */
  heartbeatUntil(): number {
    return this.#heartbeatUntil;
  }

  permitted(): boolean {
    return this.#now() < this.until();
  }

  /**
   * May mysqld run for longer than the last heartbeat says, by the failsafe or by an earlier agent's deadline? A peer that
   * counts from the heartbeat could open beside it (L1).
   */
  lent(): boolean {
    return this.#deadline !== undefined && this.#deadline > this.#heartbeatUntil;
  }

  /** Back to what the heartbeat grants. */
  giveBack(): void {
    this.#failsafeUntil = Number.NEGATIVE_INFINITY;
    if (this.#deadline !== undefined && this.#now() < this.#deadline) this.arm();
  }

  /** A write on the record was confirmed after the start and after the last passed deadline (M11). */
  proven(): boolean {
    if (!this.permitted()) this.#proven = false;
    return this.#proven;
  }

  /** The heartbeat was renewed. */
  renewed(until: number): void {
    this.#extend(() => {
      this.#heartbeatUntil = until;
    });
  }

  /** The failsafe lets this holder carry on. */
  carryOn(until: number): void {
    this.#extend(() => {
      this.#failsafeUntil = until;
    });
  }

  /** An own write on the record was confirmed. */
  confirmed(): void {
    this.#proven = this.permitted();
  }

  /** This holder yields: it has to prove its role anew before it opens again. */
  forsake(): void {
    this.#proven = false;
    this.#failsafeUntil = Number.NEGATIVE_INFINITY;
  }

  /** Before mysqld is opened: from now on it does not outlive the permit. */
  arm(): void {
    this.#deadline = this.until();
    this.#supervisor.arm(this.#deadline);
  }

  /** mysqld is closed. */
  disarm(): void {
    if (this.#deadline === undefined) return;
    this.#deadline = undefined;
    this.#supervisor.disarm();
  }

  #extend(move: () => void): void {
    // A gap ends the proof, also where it went by unseen: the process may have been stopped in it.
    if (!this.permitted()) this.#proven = false;
    move();
    // A deadline that has passed stays passed: another may be open by now, and an engine that woke up must not go on (L1).
    const deadline = this.#deadline;
    if (deadline !== undefined && this.#now() < deadline && this.until() > deadline) this.arm();
  }
}
