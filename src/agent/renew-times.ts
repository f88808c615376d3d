// The stamps of one process's renewals. Each is used once, so that a renewal is known again when it comes back on a watch.
import { microTime } from '../kube/lease.ts';

export class RenewTimes {
  #lastMicros = 0;

  /** RFC 3339 in UTC with microseconds (Kubernetes' MicroTime), later than the one before even if the wall clock is set back. */
  next(wallMs: number = Date.now()): string {
    this.#lastMicros = Math.max(Math.floor(wallMs * 1_000), this.#lastMicros + 1);
    // Half a microsecond more, so that no rounding makes two stamps equal.
    return microTime((this.#lastMicros + 0.5) / 1_000);
  }
}
