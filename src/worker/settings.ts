// Where a worker finds its credentials: one mounted folder with a sub-folder for each Secret, read anew at each use, so that
// a rotated password needs no restart. The worker's StatefulSet lays it out (engines/worker/specs.ts).
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from '../agent/identity.ts';
import { names, PORTS } from '../api/v1alpha1/names.ts';
import { ConfigError, messageOf } from '../errors.ts';
import type { CassandraAccess } from './database/cassandra.ts';
import type { MySqlAccess } from './database/mysql-pool.ts';
import type { PostgreSqlAccess } from './database/postgresql.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The worker's own certificate, PEM. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
}

export class Settings {
  readonly #directory: string;
  readonly #identity: Identity;

  /** @throws ConfigError when the folder of the Secrets is not named */
  constructor(env: NodeJS.ProcessEnv, identity: Identity) {
    const directory = env['SPC_SECRETS_DIR'];
    if (directory === undefined || directory === '') {
      throw new ConfigError('SPC_SECRETS_DIR not set: the folder with the mounted Secrets');
    }
    this.#directory = directory;
    this.#identity = identity;
  }

  async mysql(): Promise<MySqlAccess> {
    const { username, password } = await this.#credentials('mysql');
    return {
      host: this.#serviceHost(this.#services.mysqlRw),
      port: PORTS.mysql,
      user: username,
      password,
      database: await this.#read('mysql/database'),
      ca: await this.#read('tls/ca.crt'),
    };
  }

  async postgresql(): Promise<PostgreSqlAccess> {
    const { username, password } = await this.#credentials('postgresql');
    return {
      host: this.#serviceHost(this.#services.postgresql),
      port: PORTS.postgresql,
      user: username,
      password,
      database: await this.#read('postgresql/database'),
      ca: await this.#read('tls/ca.crt'),
    };
  }

  async cassandra(): Promise<CassandraAccess> {
    const { username, password } = await this.#credentials('cassandra');
    return {
      host: this.#serviceHost(this.#services.cassandraMembers),
      port: PORTS.cassandra,
      serverName: this.#serviceHost(this.#services.cassandra),
      user: username,
      password,
      keyspace: await this.#read('cassandra/keyspace'),
      ca: await this.#read('tls/ca.crt'),
    };
  }

  /** The administrator as the Secret `NAME-admin` says. */
  admin(): Promise<Credentials> {
    return this.#credentials('admin');
  }

  /** Signs the session cookies; the same on all workers. */
  sessionKey(): Promise<string> {
    return this.#read('session/session-key');
  }

  async certificate(): Promise<ServerCertificate> {
    return { key: await this.#read('tls/tls.key'), cert: await this.#read('tls/tls.crt') };
  }

  get #services(): ReturnType<typeof names>['services'] {
    return names(this.#identity.cluster).services;
  }

  /** `.svc` without the cluster's domain: the resolver completes it, and the certificates carry it. */
  #serviceHost(service: string): string {
    return `${service}.${this.#identity.namespace}.svc`;
  }

  async #credentials(secret: 'mysql' | 'postgresql' | 'cassandra' | 'admin'): Promise<Credentials> {
    return {
      username: await this.#read(`${secret}/username`),
      password: await this.#read(`${secret}/password`),
    };
  }

  async #read(file: string): Promise<string> {
    try {
      return (await readFile(join(this.#directory, file), 'utf8')).trim();
    } catch (error) {
      throw new ConfigError(`cannot read ${join(this.#directory, file)}: ${messageOf(error)}`);
    }
  }
}
