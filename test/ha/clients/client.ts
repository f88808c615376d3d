// What a client of the fabric can do, whichever part it talks to. Each write has an id, so that a repeated one changes nothing.

/** Where a part is reached, and as whom. Comes in by standard input: no secret stands on a command line. */
export interface Target {
  readonly kind: 'mysql' | 'postgresql' | 'cassandra' | 'http';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** PEM, and the name in the certificate: parts are called by address. */
  readonly ca: string;
  readonly serverName: string;
}

export interface Client {
  /** Before the first write. */
  prepare(): Promise<void>;
  /**
   * Resolves when the write is acknowledged, to who acknowledged it as far as that is known.
   * @throws anything when it is not known to be
   */
  write(id: number, timeoutMs: number): Promise<string>;
  /** Those of the ids from `first` to `last` that are there, with who wrote them. */
  lookup(first: number, last: number): Promise<ReadonlyMap<number, string>>;
  close(): Promise<void>;
}

/** @throws Error when the promise has not settled in time; what it does later is nobody's concern then */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`no answer within ${ms} ms`));
  }, ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
