// SCRAM-SHA-256 verifiers (RFC 5802) as PostgreSQL stores them, so that no password ever travels in a statement. Pure.
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

const ITERATIONS = 4_096;
const VERIFIER = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/;

/** What `pg_authid.rolpassword` holds for `password`. The passwords are ASCII, so that SASLprep changes nothing. */
export function scramVerifier(password: string, salt: Buffer, iterations: number = ITERATIONS): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${hmac('Server Key').toString('base64')}`;
}

/** Is `verifier` of this password? */
export function verifies(verifier: string | undefined, password: string): boolean {
  const match = VERIFIER.exec(verifier ?? '');
  if (match === null || verifier === undefined) return false;
  const [, iterations = '', salt = ''] = match;
  const expected = Buffer.from(scramVerifier(password, Buffer.from(salt, 'base64'), Number(iterations)));
  const actual = Buffer.from(verifier);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
