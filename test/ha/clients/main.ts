// The client as a program of its own, so that it can run outside the cluster. Takes one JSON order on standard input; tells each
// attempt on standard output, a JSON line each; ends when standard input does.
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { cassandraClient } from './cassandra.ts';
import type { Client, Target } from './client.ts';
import { httpClient } from './http.ts';
import { mysqlClient } from './mysql.ts';
import { postgresqlClient } from './postgresql.ts';

export interface WriteOrder {
  readonly do: 'write';
  readonly target: Target;
  readonly firstId: number;
  readonly everyMs: number;
  readonly timeoutMs: number;
}

export interface LookupOrder {
  readonly do: 'lookup';
  readonly target: Target;
  readonly first: number;
  readonly last: number;
}

/** Times are milliseconds since 1970. */
export interface Attempt {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  /** '' when it was acknowledged. */
  readonly error: string;
  readonly by: string;
}

const CLIENTS: Readonly<Record<Target['kind'], (target: Target) => Client>> = {
  mysql: mysqlClient,
  postgresql: postgresqlClient,
  cassandra: cassandraClient,
  http: httpClient,
};

const PREPARE_TRIES = 10;
const PREPARE_PAUSE_MS = 1_000;

const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

/** Some drivers' messages go on with the stacks of the errors behind them. */
const firstLine = (error: unknown): string => String(error).split('\n', 1)[0] ?? '';

/** A pipe takes 64 KiB at a time: what is still to go must not end with the process. */
const said = (): Promise<void> => new Promise((resolve) => process.stdout.write('', () => resolve()));

/** Everything may be busy at first. */
async function prepare(client: Client): Promise<void> {
  for (let left = PREPARE_TRIES; ; left -= 1) {
    try {
      return await client.prepare();
    } catch (error) {
      if (left <= 1) throw error;
      await pause(PREPARE_PAUSE_MS);
    }
  }
}

/** The same id until it is acknowledged: what a careful application does. */
async function write(client: Client, order: WriteOrder, ended: () => boolean): Promise<void> {
  await prepare(client);
  say({ ready: true });
  let id = order.firstId;
  while (!ended()) {
    const from = Date.now();
    try {
      const by = await client.write(id, order.timeoutMs);
      say({ id, from, to: Date.now(), error: '', by } satisfies Attempt);
      id += 1;
    } catch (error) {
      say({ id, from, to: Date.now(), error: firstLine(error), by: '' } satisfies Attempt);
    }
    await pause(order.everyMs);
  }
}

async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  const order = JSON.parse(String(value)) as WriteOrder | LookupOrder;
  const client = CLIENTS[order.target.kind](order.target);
  if (order.do === 'lookup') {
    say({ found: [...(await client.lookup(order.first, order.last))] });
  } else {
    let over = false;
    const end = async (): Promise<void> => {
      await lines.next();
      over = true;
    };
    void end();
    await write(client, order, () => over);
  }
  await client.close();
}

try {
  await main();
  await said();
  process.exit(0);
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
}
