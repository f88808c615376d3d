// What a MySQL error means for the statement that got it. Pure: the whole of the client's retry policy is this table.

/**
 * `elsewhere`: this connection is of no more use, the primary is or will be reached by a new one.
 * `again`: the transaction was rolled back as a whole, the connection is good.
 * `refused`: the statement itself is wrong or forbidden; trying again changes nothing.
 */
export type ErrorMeaning = 'elsewhere' | 'again' | 'refused';

/** Server errors of a primary that is going, gone, or not (yet) one. */
const SERVER_ELSEWHERE = new Set([
  1040, // too many connections: those of a primary that was lost may still hang
  1045, // access denied: a password is being rotated; it is read anew for the next connection
  1053, // server shutdown in progress
  1290, // super_read_only: this is the standby
  1792, // the transaction is read-only
  1836, // read-only mode
  1927, // connection killed
  3032, // offline mode: the primary is fenced
  3100, // the replication hook refused the commit: the primary is fenced or losing its standby
  3169, // session killed
  4031, // disconnected for inactivity
]);

const SERVER_AGAIN = new Set([
  1205, // lock wait timeout
  1213, // deadlock
  1637, // too many active concurrent transactions
]);

const CLIENT_ELSEWHERE = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'POOL_CLOSED',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'HANDSHAKE_NO_SSL_SUPPORT',
  'HANDSHAKE_SSL_ERROR',
]);

export function meaningOf(error: unknown): ErrorMeaning {
  if (typeof error !== 'object' || error === null) return 'refused';
  const errno = 'errno' in error ? error.errno : undefined;
  // System errors carry negative numbers; only the server's own are positive.
  if (typeof errno === 'number' && errno > 0) {
    if (SERVER_AGAIN.has(errno)) return 'again';
    return SERVER_ELSEWHERE.has(errno) ? 'elsewhere' : 'refused';
  }
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && CLIENT_ELSEWHERE.has(code)) return 'elsewhere';
  return 'fatal' in error && error.fatal === true ? 'elsewhere' : 'refused';
}
