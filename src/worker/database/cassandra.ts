// The application's way to the Cassandra ring, LOCAL_QUORUM both ways. The driver is loaded at the first use, so that a worker
// starts without it.
import { checkServerIdentity } from 'node:tls';
import type { Client } from 'cassandra-driver';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';

export interface CassandraAccess {
  /** Resolves to every member. */
  readonly host: string;
  readonly port: number;
  /** The name in the members' certificate: they are called by address. */
  readonly serverName: string;
  readonly user: string;
  readonly password: string;
  readonly keyspace: string;
  readonly ca: string;
}

/** A member as the driver sees it. */
export interface RingMember {
  readonly address: string;
  readonly up: boolean;
}

const DATACENTER = 'dc1';
const CONNECT_TIMEOUT_MS = 2_000;
const READ_TIMEOUT_MS = 5_000;
/** Failed checks in a row after which the client is made anew: all members may have new addresses. */
const GIVE_UP_AFTER = 5;

export class Cassandra {
  readonly #access: () => Promise<CassandraAccess>;
  readonly #log: Logger;
  #client: Client | undefined;
  #failures = 0;

  constructor(access: () => Promise<CassandraAccess>, log: Logger) {
    this.#access = access;
    this.#log = log;
  }

  /** One try: does a quorum answer? */
  async check(): Promise<void> {
    try {
      const client = (this.#client ??= await this.#open());
      // Roles are replicated as the data is, so reading one's own proves a quorum and needs no grant.
      await client.execute('LIST ROLES');
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures >= GIVE_UP_AFTER) await this.close();
      throw error;
    }
  }

  /** The driver's view of the ring; undefined while there is no connection. */
  members(): readonly RingMember[] | undefined {
    if (this.#client === undefined || this.#failures > 0) return undefined;
    return this.#client.hosts
      .values()
      .map((host) => ({ address: host.address.split(':')[0] ?? '', up: host.isUp() }));
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#failures = 0;
    try {
      await client?.shutdown();
    } catch (error) {
      this.#log.debug('Cassandra client ended badly', { error: messageOf(error) });
    }
  }

  async #open(): Promise<Client> {
    // The whole module by its default: the bundler gives a CommonJS module that is loaded on demand no other export.
    const { auth, Client, types } = (await import('cassandra-driver')).default;
    const access = await this.#access();
    const client = new Client({
      contactPoints: [`${access.host}:${access.port}`],
      localDataCenter: DATACENTER,
      keyspace: access.keyspace,
      authProvider: new auth.PlainTextAuthProvider(access.user, access.password),
      sslOptions: {
        ca: access.ca,
        rejectUnauthorized: true,
        checkServerIdentity: (_host, certificate) => checkServerIdentity(access.serverName, certificate),
      },
      queryOptions: { consistency: types.consistencies.localQuorum, prepare: true },
      socketOptions: { connectTimeout: CONNECT_TIMEOUT_MS, readTimeout: READ_TIMEOUT_MS },
      monitorReporting: { enabled: false },
    });
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.shutdown();
      throw error;
    }
  }
}
