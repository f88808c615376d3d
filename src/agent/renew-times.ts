// The stamps of one process's renewals. Each is used once, so that a renewal is known again when it comes back on a watch.

export class RenewTimes {
  #lastMicros = 0;

  /** RFC 3339 in UTC with microseconds (Kubernetes' MicroTime), later than the one before even if the wall clock is set back. */
  next(wallMs: number = Date.now()): string {
    this.#lastMicros = Math.max(Math.floor(wallMs * 1_000), this.#lastMicros + 1);
    const millis = Math.floor(this.#lastMicros / 1_000);
    const rest = String(this.#lastMicros % 1_000).padStart(3, '0');
    return `${new Date(millis).toISOString().slice(0, -1)}${rest}Z`;
  }
}
