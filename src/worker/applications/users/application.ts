// The users application: the schema of users and sessions, the administrator out of the Secret, the clean-up of sessions.
import { sleep } from '../../../kube/wait.ts';
import { messageOf } from '../../../errors.ts';
import type { Logger } from '../../../log.ts';
import type { Authenticator } from '../../auth/authenticator.ts';
import { hashPassword, verifyPassword } from '../../auth/passwords.ts';
import { SESSION_MIGRATIONS } from '../../auth/sessions.ts';
import type { Sessions } from '../../auth/sessions.ts';
import { USER_MIGRATIONS } from '../../auth/users.ts';
import type { Users } from '../../auth/users.ts';
import type { Credentials } from '../../settings.ts';
import type { Application } from '../application.ts';
import { registerLogin } from './login.ts';
import { registerUsers } from './routes.ts';

export interface UsersDependencies {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly authenticator: Authenticator;
  /** The administrator as the Secret says now. */
  readonly admin: () => Promise<Credentials>;
  readonly log: Logger;
  /** Aborted when the worker ends. */
  readonly signal: AbortSignal;
}

/** The kubelet brings a changed Secret into the pod within a minute or so. */
const ADMIN_CHECK_MS = 10_000;
const SWEEP_MS = 10 * 60_000;
const RETRY_MS = 1_000;

export function usersApplication(dependencies: UsersDependencies): Application {
  let bootstrapped = false;
  return {
    name: 'users',
    migrations: [...USER_MIGRATIONS, ...SESSION_MIGRATIONS],
    routes(app) {
      registerLogin(app, dependencies);
      registerUsers(app, dependencies);
    },
    async run(signal) {
      await Promise.all([
        followAdmin(dependencies, () => (bootstrapped = true), signal),
        sweep(dependencies, signal),
      ]);
    },
    missing: () => (bootstrapped ? undefined : 'the administrator of the Secret is not set up yet'),
  };
}

/** Sets the administrator's password when the Secret's changes; one that was changed here since stays. */
async function followAdmin(
  { users, admin, log }: UsersDependencies,
  done: () => void,
  signal: AbortSignal,
): Promise<void> {
  let applied: Credentials | undefined;
  while (!signal.aborted) {
    let pause = ADMIN_CHECK_MS;
    try {
      const wanted = await admin();
      if (wanted.username !== applied?.username || wanted.password !== applied.password) {
        const before = await users.bootstrapHash(wanted.username, signal);
        if (before === undefined || !(await verifyPassword(wanted.password, before))) {
          await users.bootstrap(wanted.username, await hashPassword(wanted.password), signal);
          log.info('administrator set as its Secret says', { user: wanted.username });
        }
        applied = wanted;
        done();
      }
    } catch (error) {
      log.warn('the administrator could not be set', { error: messageOf(error) });
      pause = RETRY_MS;
    }
    await sleep(pause, signal);
  }
}

async function sweep({ sessions, log }: UsersDependencies, signal: AbortSignal): Promise<void> {
  for (;;) {
    // Not all workers at once.
    await sleep(SWEEP_MS * (0.5 + Math.random()), signal);
    if (signal.aborted) return;
    try {
      await sessions.sweep(signal);
    } catch (error) {
      log.warn('sessions could not be swept', { error: messageOf(error) });
    }
  }
}
