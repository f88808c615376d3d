// Every error the project throws on purpose: a few classes, each with a stable code that docs/errors.md explains.

/** Codes are stable: users search for them, alerts match them. `docs/errors.md` has a row for each. */
export const ERROR_CODES = {
  SPC_CONFIG: 'a start-up setting is missing or wrong',
  SPC_API: 'the API server refused a request',
  SPC_API_UNREACHABLE: 'the API server did not answer',
  SPC_WAITING: 'something that must come first is not there yet',
  SPC_TERMINAL: 'a human has to change something before work can go on',
  SPC_LEASE_LOST: 'a Lease this process relied on is no longer certainly held',
  SPC_ENGINE: 'a database or balancer refused or failed a command',
  SPC_REQUEST: 'a REST request was refused',
  SPC_TIMEOUT: 'an operation took longer than its bound',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Base of all our errors. `fields` are safe to log: never put a secret in them. */
export class SpaceClusterError extends Error {
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.fields = fields;
  }
}

/** A start-up setting (flag, environment variable, mounted file) is missing or wrong. The process exits. */
export class ConfigError extends SpaceClusterError {
  constructor(message: string, fields?: Readonly<Record<string, unknown>>) {
    super('SPC_CONFIG', message, fields);
  }
}

/**
 * The API server answered with a failure. `status` is the HTTP status, `reason` the Kubernetes
 * `Status.reason` ('NotFound', 'Conflict', 'AlreadyExists', 'Invalid', 'Forbidden', 'Expired' ...).
 */
export class ApiError extends SpaceClusterError {
  readonly status: number;
  readonly reason: string;
  /** Milliseconds the server asked to wait (`Retry-After`), if it did. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super('SPC_API', message, { status, reason });
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer came: refused, reset, timed out. The request may or may not have been carried out. */
export class ApiUnreachableError extends SpaceClusterError {
  constructor(message: string, cause?: unknown) {
    super('SPC_API_UNREACHABLE', message, {}, cause);
  }
}

/** Normal waiting: nothing is wrong, something else has to happen first. Shown in a condition, tried again. */
export class WaitingError extends SpaceClusterError {
  readonly reason: string;
  readonly retryAfterMs: number;

  constructor(reason: string, message: string, retryAfterMs = 2_000) {
    super('SPC_WAITING', message, { reason });
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Only a human can mend this. `reason` becomes the condition's reason; nothing is retried until an input changes. */
export class TerminalError extends SpaceClusterError {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super('SPC_TERMINAL', message, { reason });
    this.reason = reason;
  }
}

/** The process is no longer certain that it holds a Lease it relies on (L1). Work under it stops. */
export class LeaseLostError extends SpaceClusterError {
  constructor(message: string) {
    super('SPC_LEASE_LOST', message);
  }
}

/** A database, balancer or their tools refused a command or failed in it. */
export class EngineError extends SpaceClusterError {
  constructor(message: string, fields?: Readonly<Record<string, unknown>>, cause?: unknown) {
    super('SPC_ENGINE', message, fields, cause);
  }
}

/** An operation passed its bound. What it was doing may still take effect. */
export class TimeoutError extends SpaceClusterError {
  constructor(message: string, fields?: Readonly<Record<string, unknown>>) {
    super('SPC_TIMEOUT', message, fields);
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** A write lost the race: the object changed since it was read (409 Conflict), or exists already. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

/** The text of anything thrown, for logs and conditions. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Closes an exhaustive switch: adding a variant without handling it no longer compiles. */
export function assertNever(value: never): never {
  throw new SpaceClusterError('SPC_TERMINAL', `unhandled variant: ${JSON.stringify(value)}`);
}
