// Operators in small through the API server's restart, freeze and absence, and through the death of the leader:
// nothing is missed, nothing runs hot, nothing crashes, and once settled nothing is written.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ApiUnreachableError } from '../../src/errors.ts';
import { holderOf } from '../../src/kube/lease.ts';
import { lines } from '../../src/kube/lines.ts';
import { ConfigMaps, Leases, Nodes } from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/types.ts';
import { setApiServer } from '../lab/lab.ts';
import { eventually, openBench, pause } from './kube-support.ts';
import type { Bench } from './kube-support.ts';

const NAMESPACE = 'test-kube-outage';
const SCRIPT = fileURLToPath(new URL('kube-mini-operator.ts', import.meta.url));

/** Exit code of kube-mini-operator.ts for a lost Lease. */
const LOST = 3;

/** A container, as a kubelet would keep it: a leader that lost its Lease ends on purpose and is started again. */
class Replica {
  readonly identity: string;
  /** How its processes ended, but for a lost Lease; null for one that was killed. */
  readonly exits: (number | null)[] = [];
  /** Of the process that runs now. */
  output: string[] = [];
  #process: ChildProcessByStdio<null, Readable, Readable>;

  constructor(identity: string) {
    this.identity = identity;
    this.#process = this.#begin();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  #begin(): ChildProcessByStdio<null, Readable, Readable> {
    const child = spawn(process.execPath, ['--no-warnings', SCRIPT, NAMESPACE, this.identity], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.once('exit', (code) => {
      if (code !== LOST) this.exits.push(code);
      else this.#process = this.#begin();
    });
    const output: string[] = [];
    this.output = output;
    for (const stream of [child.stdout, child.stderr]) {
      void (async () => {
        for await (const line of lines(stream as AsyncIterable<Buffer>)) output.push(line);
      })();
    }
    return child;
  }
}

let bench: Bench;
let onLab = false;
const replicas: Replica[] = [];

function startReplica(identity: string): Replica {
  const replica = new Replica(identity);
  replicas.push(replica);
  return replica;
}

async function leader(): Promise<string> {
  const [identity = ''] = holderOf(await bench.kube.get(Leases, NAMESPACE, 'mini-operator')).split('/');
  return identity;
}

/** The port of its metrics. */
async function serving(replica: Replica): Promise<string> {
  return eventually(`${replica.identity} serves`, 30_000, async () => {
    const port = /"port":(\d+)/.exec(replica.output.find((line) => line.includes('"serving"')) ?? '')?.[1];
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    return answer?.ok === true && port;
  });
}

/** The value of a metric, summed over its series. */
async function metric(replica: Replica, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${await serving(replica)}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => pattern.test(line))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const requests = (replica: Replica): Promise<number> => metric(replica, /^rest_client_requests_total/);
const writes = (replica: Replica): Promise<number> =>
  metric(replica, /^rest_client_requests_total\{(?!.*resource="leases").*method="(POST|PUT|PATCH|DELETE)"/);

function input(name: string, value: string): ConfigMap {
  const object = bench.configMap(name, { value });
  return { ...object, metadata: { ...object.metadata, labels: { mini: 'input' } } };
}

async function put(name: string, value: string): Promise<void> {
  await bench.kube.apply(ConfigMaps, input(name, value), { fieldManager: 'test', force: true });
}

/** Every input has its output and every output its input. */
async function settled(ms: number): Promise<void> {
  await eventually('outputs equal inputs', ms, async () => {
    const { items } = await bench.kube.list(ConfigMaps, { namespace: NAMESPACE, labelSelector: 'mini' });
    const of = (side: string): string =>
      JSON.stringify(
        items
          .filter((item) => item.metadata.labels?.['mini'] === side)
          .map((item) => JSON.stringify([item.metadata.name.replace(/^out-/, ''), item.data]))
          .toSorted((a, b) => (a < b ? -1 : 1)),
      );
    return of('input') === of('output');
  });
}

beforeAll(async () => {
  bench = await openBench(NAMESPACE);
  const { items } = await bench.kube.list(Nodes);
  onLab = items.some((node) => node.status?.addresses?.some(({ address }) => address.startsWith('10.77.0.')));
});
afterAll(async () => {
  for (const replica of replicas) replica.kill('SIGKILL');
  await bench.close();
});

describe('two replicas', () => {
  it('settle, then write nothing', async () => {
    for (let i = 0; i < 30; i += 1) await put(`in-${i}`, 'first');
    const [a, b] = [startReplica('a'), startReplica('b')];
    await settled(60_000);
    await pause(1_000);
    const before = await Promise.all([writes(a), writes(b)]);
    await pause(4_000);
    expect(await Promise.all([writes(a), writes(b)])).toEqual(before);
  }, 120_000);

  it('put drift right', async () => {
    await bench.kube.mergePatch(ConfigMaps, NAMESPACE, 'out-in-3', { data: { value: 'drift' } });
    await bench.kube.delete(ConfigMaps, NAMESPACE, 'out-in-4');
    await settled(30_000);
  }, 60_000);

  it('go on after the leader was killed', async () => {
    const first = replicas.find(({ identity }) => identity === 'a') ?? startReplica('a');
    const holder = await leader();
    const victim = replicas.find(({ identity }) => identity === holder) ?? first;
    victim.kill('SIGKILL');
    await put('in-5', 'after the kill');
    await bench.kube.delete(ConfigMaps, NAMESPACE, 'in-6');
    await settled(60_000);
    expect(await leader()).not.toBe(holder);
    startReplica('c');
  }, 90_000);

  it('hand over at once on SIGTERM', async () => {
    const holder = await leader();
    const leaving = replicas.find(({ identity }) => identity === holder);
    leaving?.kill('SIGTERM');
    const start = performance.now();
    await eventually('an orderly end', 12_000, () => leaving?.exits.length === 1);
    expect(leaving?.exits).toEqual([0]);
    await eventually('another leader', 12_000, async () => ![holder, ''].includes(await leader()));
    expect(performance.now() - start).toBeLessThan(12_000);
    await put('in-7', 'after the hand-over');
    await settled(30_000);
    startReplica('d');
  }, 90_000);
});

describe('the API server', () => {
  /** What both replicas asked while `fault` lasted must stay few; they must live, and catch up with what was done around it. */
  async function through(
    fault: () => Promise<void>,
    mend: () => Promise<void>,
    value: string,
  ): Promise<void> {
    const alive = replicas.filter(({ exits }) => exits.length === 0);
    expect(alive.map(({ identity }) => identity)).toHaveLength(2);
    const old = await bench.kube.list(ConfigMaps, { namespace: NAMESPACE });
    await put('in-8', `${value}: just before`);
    const before = await Promise.all(alive.map(requests));
    await fault();
    await expect(bench.kube.get(ConfigMaps, NAMESPACE, 'in-8', { timeoutMs: 500 })).rejects.toThrow(
      ApiUnreachableError,
    );
    await pause(5_000);
    const during = await Promise.all(alive.map(requests));
    for (const [i, count] of during.entries()) expect(count - (before[i] ?? 0)).toBeLessThan(40);
    await mend();
    // In the gap before the watches are back: gone and made again under one name, gone, new, changed.
    await bench.kube.delete(ConfigMaps, NAMESPACE, 'in-9');
    await put('in-9', `${value}: made again`);
    await bench.kube.delete(ConfigMaps, NAMESPACE, 'in-10').catch(() => undefined);
    await put(`in-new-${value}`, 'new');
    await put('in-11', `${value}: changed`);
    await settled(60_000);
    expect(alive.flatMap(({ exits }) => exits)).toEqual([]);
    expect(alive.flatMap(({ output }) => output).filter((line) => line.includes('reconcile broke'))).toEqual(
      [],
    );
    await pause(2_000);
    const calm = await Promise.all(alive.map(writes));
    await pause(3_000);
    expect(await Promise.all(alive.map(writes))).toEqual(calm);
    expect(old.items.length).toBeGreaterThan(0);
  }

  it('may restart', async () => {
    if (!onLab) return;
    await through(
      () => setApiServer('stop'),
      () => setApiServer('start'),
      'restart',
    );
  }, 180_000);

  it('may freeze', async () => {
    if (!onLab) return;
    await through(
      () => setApiServer('pause'),
      () => setApiServer('resume'),
      'freeze',
    );
  }, 180_000);
});
