// A load on the MySQL pair, as a program of its own: single-row inserts over some connections for some seconds. Takes one JSON
// order on standard input, tells what it saw as one JSON line.
import { readFileSync } from 'node:fs';
import type { Target } from '../test/ha/clients/client.ts';
import { connectTo } from '../test/ha/clients/mysql.ts';
import { percentile } from './measure.ts';

export interface LoadOrder {
  readonly target: Target;
  readonly connections: number;
  readonly seconds: number;
}

export interface Load {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const { target, connections, seconds } = JSON.parse(readFileSync(0, 'utf8')) as LoadOrder;

async function write(until: number): Promise<readonly number[]> {
  const connection = await connectTo(target);
  await connection.query(
    'CREATE TABLE IF NOT EXISTS bench_load (id BIGINT PRIMARY KEY AUTO_INCREMENT, v CHAR(100))',
  );
  const latencies: number[] = [];
  while (performance.now() < until) {
    const at = performance.now();
    await connection.query("INSERT INTO bench_load (v) VALUES ('x')");
    latencies.push(performance.now() - at);
  }
  await connection.end();
  return latencies;
}

const until = performance.now() + seconds * 1_000;
const latencies = (await Promise.all(Array.from({ length: connections }, () => write(until)))).flat();
const load: Load = {
  perSecond: latencies.length / seconds,
  p50Ms: percentile(latencies, 0.5),
  p99Ms: percentile(latencies, 0.99),
};
process.stdout.write(`${JSON.stringify(load)}\n`);
