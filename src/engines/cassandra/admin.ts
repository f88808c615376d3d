// The administrator's verbs on one member of the ring, in CQL. The only file of the engine that knows the driver; it is run in
// a process of its own (settler.ts), because the driver costs a third of the operator's memory.
import { checkServerIdentity } from 'node:tls';
import { auth, Client, errors, policies, types } from 'cassandra-driver';
import { EngineError, messageOf } from '../../errors.ts';
import { PORTS } from '../../api/v1alpha1/names.ts';
import { DATACENTER } from './members.ts';
import { copiesOf } from './settlement.ts';
import type { Login, RingSeen } from './settlement.ts';

/** How the ring is reached: by its members' addresses, verified by the name of its Service. */
export interface RingAccess {
  readonly addresses: readonly string[];
  readonly serverName: string;
  readonly ca: string;
}

/** One session on one member. */
export interface Session {
  seen(as: RingSeen['as']): Promise<RingSeen>;
  execute(statement: string): Promise<void>;
  sweep(keyspace: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 15_000;
/** Rows a replica holds in memory at once while it is swept: of chunks of 256 KiB, 16 MiB. */
const SWEEP_PAGE = 64;
const READ_TIMEOUT: number = types.responseErrorCodes.readTimeout;
const MIN_TOKEN = -(2n ** 63n);
const MAX_TOKEN = 2n ** 63n - 1n;

/**
 * Opens a session with the first member that lets `login` in, or undefined when a member answered and none did.
 * @throws EngineError when no member answered
 */
export async function openSession(access: RingAccess, login: Login): Promise<Session | undefined> {
  const failures: string[] = [];
  for (const address of access.addresses) {
    const client = newClient(access, address, login);
    try {
      await client.connect();
      return session(client);
    } catch (error) {
      await client.shutdown();
      if (!isRefused(error)) failures.push(`${address}: ${messageOf(error)}`);
    }
  }
  if (failures.length < access.addresses.length) return undefined;
  throw new EngineError(`no Cassandra member answered (${failures.join('; ')})`);
}

function newClient(access: RingAccess, address: string, login: Login): Client {
  const host = `${address}:${PORTS.cassandra}`;
  return new Client({
    contactPoints: [host],
    localDataCenter: DATACENTER,
    authProvider: new auth.PlainTextAuthProvider(login.username, login.password),
    sslOptions: {
      ca: access.ca,
      rejectUnauthorized: true,
      // Members are called by address; their certificate carries the Service's name.
      checkServerIdentity: (_host, certificate) => checkServerIdentity(access.serverName, certificate),
    },
    policies: {
      loadBalancing: new policies.loadBalancing.AllowListPolicy(
        new policies.loadBalancing.DCAwareRoundRobinPolicy(DATACENTER),
        [host],
      ),
      retry: new policies.retry.FallthroughRetryPolicy(),
    },
    pooling: { coreConnectionsPerHost: { '0': 1 }, heartBeatInterval: 0 },
    socketOptions: { connectTimeout: 5_000, readTimeout: REQUEST_TIMEOUT_MS },
    monitorReporting: { enabled: false },
  });
}

/** A member answered, but not with a welcome. */
function isRefused(error: unknown): boolean {
  if (error instanceof errors.AuthenticationError) return true;
  if (!(error instanceof errors.NoHostAvailableError)) return false;
  return Object.values(error.innerErrors ?? {}).some((inner) => inner instanceof errors.AuthenticationError);
}

function session(client: Client): Session {
  const strong = { consistency: types.consistencies.localQuorum, prepare: false };
  return {
    async seen(as) {
      const roles = await client.execute('SELECT role FROM system_auth.roles', [], strong);
      const keyspaces = await client.execute(
        'SELECT keyspace_name, replication FROM system_schema.keyspaces',
        [],
        { ...strong, consistency: types.consistencies.one },
      );
      return {
        as,
        roles: roles.rows.map((row) => String(row['role'])),
        replication: Object.fromEntries(
          keyspaces.rows.map((row) => [
            String(row['keyspace_name']),
            copiesOf(row['replication'] as Readonly<Record<string, string>>),
          ]),
        ),
      };
    },
    async execute(statement) {
      await client.execute(statement, [], strong);
    },
    async sweep(keyspace, signal) {
      const tables = await client.execute(
        `SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?`,
        [keyspace],
        { prepare: true, consistency: types.consistencies.one },
      );
      for (const row of tables.rows) await sweepTable(client, keyspace, String(row['table_name']), signal);
    },
    close: () => client.shutdown(),
  };
}

/** Reads a table at consistency ALL, range by range; a range that is too much for one request is halved. */
async function sweepTable(
  client: Client,
  keyspace: string,
  table: string,
  signal: AbortSignal,
): Promise<void> {
  const key = await partitionKey(client, keyspace, table);
  const query = `SELECT count(*) FROM "${keyspace}"."${table}" WHERE token(${key}) >= ? AND token(${key}) <= ?`;
  const ranges: [bigint, bigint][] = [[MIN_TOKEN, MAX_TOKEN]];
  for (let range = ranges.pop(); range !== undefined; range = ranges.pop()) {
    signal.throwIfAborted();
    const [from, to] = range;
    try {
      await client.execute(query, [types.Long.fromString(String(from)), types.Long.fromString(String(to))], {
        prepare: true,
        consistency: types.consistencies.all,
        fetchSize: SWEEP_PAGE,
      });
    } catch (error) {
      if (!isTooMuch(error) || from === to) throw error;
      const middle = (from + to) >> 1n;
      ranges.push([middle + 1n, to], [from, middle]);
    }
  }
}

async function partitionKey(client: Client, keyspace: string, table: string): Promise<string> {
  const columns = await client.execute(
    'SELECT column_name, kind, position FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?',
    [keyspace, table],
    { prepare: true, consistency: types.consistencies.one },
  );
  return columns.rows
    .filter((row) => row['kind'] === 'partition_key')
    .toSorted((left, right) => Number(left['position']) - Number(right['position']))
    .map((row) => `"${String(row['column_name'])}"`)
    .join(', ');
}

function isTooMuch(error: unknown): boolean {
  if (error instanceof errors.OperationTimedOutError) return true;
  return error instanceof errors.ResponseError && error.code === READ_TIMEOUT;
}
