// Reads the API server's failures: a Kubernetes `Status` object, or whatever else came with an error code. Pure.
import { ApiError, ApiUnreachableError } from '../errors.ts';

interface Status {
  readonly message?: unknown;
  readonly reason?: unknown;
  readonly code?: unknown;
  readonly details?: { readonly retryAfterSeconds?: unknown };
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** @param what the request, for people: `PUT /apis/...` */
export function apiError(what: string, status: number, body: string, retryAfter?: string): ApiError {
  const parsed = parseStatus(body);
  return statusError(what, parsed ?? { message: body.trim().slice(0, 300) }, status, retryAfter);
}

/** The failure in a watch's ERROR event. */
export function watchError(what: string, object: unknown): ApiError {
  return statusError(what, typeof object === 'object' && object !== null ? object : {}, 500);
}

/**
 * True when a write may have been carried out although it failed: no answer came, or the server gave up waiting for its
 * store (5xx). Read the object again before anything is concluded (M5).
 */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof ApiUnreachableError || (error instanceof ApiError && error.status >= 500);
}

function statusError(what: string, status: Status, fallbackCode: number, retryAfter?: string): ApiError {
  const code = typeof status.code === 'number' ? status.code : fallbackCode;
  const reason =
    typeof status.reason === 'string' && status.reason !== '' ? status.reason : (REASONS[code] ?? 'Unknown');
  const message = typeof status.message === 'string' && status.message !== '' ? status.message : reason;
  const seconds = Number(retryAfter ?? status.details?.retryAfterSeconds ?? Number.NaN);
  return new ApiError(
    code,
    reason,
    `${what}: ${code} ${message}`,
    Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined,
  );
}

function parseStatus(body: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
