// Whether HAProxy takes new connections: not where another balancer has the Web IP, so that nobody is held on the way to that one.
import { EngineError } from '../../errors.ts';
import type { RuntimeSocket } from './admin.ts';
import { FRONTENDS } from './config.ts';

/**
 * While the Web IP moves, the new holder's node may pass a connection on to the old one (kube-proxy's iptables mode drops the rule
 * that forbids it some milliseconds before it has the one that replaces it). The old holder's answer comes, the next packet
 * does not, and the client waits for its own time-out. A refusal lets it try again at once.
 */
export class Intake {
  readonly #socket: RuntimeSocket;

  constructor(socket: RuntimeSocket) {
    this.#socket = socket;
  }

  /** New connections are taken from now on. @throws EngineError, TimeoutError when HAProxy does not do it */
  open(): Promise<void> {
    return this.#each('enable');
  }

  /** New connections are refused from now on, those that are there go on. @throws EngineError, TimeoutError as `open` */
  close(): Promise<void> {
    return this.#each('disable');
  }

  async #each(verb: 'enable' | 'disable'): Promise<void> {
    const answer = await this.#socket.command(FRONTENDS.map((name) => `${verb} frontend ${name}`).join('; '));
    // It says so where a frontend is that already, and nothing where it was changed.
    if (!/^(\s|All sockets are already (enabled|disabled)\.)*$/.test(answer)) {
      throw new EngineError(`HAProxy does not ${verb} its frontends`, { answer });
    }
  }
}
