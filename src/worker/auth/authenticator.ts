// Finds out who makes a request: by Basic credentials or by the session cookie. Slow and throttled for wrong passwords only.
import { RequestError } from '../http/problem.ts';
import { CredentialCache } from './credential-cache.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import type { Principal, Role } from './principal.ts';
import type { Sessions } from './sessions.ts';
import { Throttle } from './throttle.ts';
import type { Users } from './users.ts';

const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="SpaceCluster", charset="UTF-8"' };

export interface RequestFacts {
  /** `Authorization`, if any. It goes before the cookie. */
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  readonly address: string;
}

export class Authenticator {
  readonly #users: Users;
  readonly #sessions: Sessions;
  readonly #cache = new CredentialCache<Principal>();
  readonly #throttle = new Throttle();
  /** Compared with when there is no such user, so that the time taken does not tell. */
  readonly #nobody = hashPassword('');

  constructor(users: Users, sessions: Sessions) {
    this.#users = users;
    this.#sessions = sessions;
  }

  /** @throws RequestError 401 without valid credentials, 429 after too many wrong ones */
  async identify({ authorization, cookie, address }: RequestFacts, signal: AbortSignal): Promise<Principal> {
    if (authorization !== undefined) {
      const basic = parseBasic(authorization);
      if (basic === undefined) throw unauthorized('only Basic credentials and session cookies are accepted');
      return this.verify(basic.user, basic.password, address, signal);
    }
    if (cookie === undefined) throw unauthorized('log in, or send Basic credentials');
    const principal = await this.#sessions.find(cookie, signal);
    if (principal === undefined) throw unauthorized('the session is over; log in again');
    return principal;
  }

  /** @throws RequestError 401, 429 */
  async verify(user: string, password: string, address: string, signal: AbortSignal): Promise<Principal> {
    const known = this.#cache.get(user, password, performance.now());
    if (known !== undefined) return known;
    const waitMs = this.#throttle.waitMs(user, address, performance.now());
    if (waitMs > 0) {
      throw new RequestError(429, 'too many failed log-ins; wait before the next', {
        headers: { 'Retry-After': String(Math.ceil(waitMs / 1_000)) },
      });
    }
    this.#throttle.begin(user, address, performance.now());
    const found = await this.#userWith(user, password, address, signal);
    if (found === undefined) throw unauthorized('wrong user name or password');
    this.#throttle.succeeded(user, address);
    const principal: Principal = { name: user, role: found.role, by: 'basic' };
    this.#cache.set(user, password, principal, performance.now());
    return principal;
  }

  async #userWith(
    user: string,
    password: string,
    address: string,
    signal: AbortSignal,
  ): Promise<{ readonly role: Role } | undefined> {
    try {
      const found = await this.#users.forLogin(user, signal);
      const right = await verifyPassword(password, found?.passwordHash ?? (await this.#nobody));
      return right ? found : undefined;
    } catch (error) {
      // MySQL's fault, not the caller's.
      this.#throttle.undo(user, address);
      throw error;
    }
  }

  /** A user was changed: what this worker remembers of credentials no longer counts. Other workers' forget within a minute. */
  forget(): void {
    this.#cache.clear();
  }
}

function unauthorized(detail: string): RequestError {
  return new RequestError(401, detail, { headers: CHALLENGE });
}

/** RFC 7617. */
function parseBasic(header: string): { readonly user: string; readonly password: string } | undefined {
  const encoded = /^basic ([A-Za-z0-9+/=]{1,1000})$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
