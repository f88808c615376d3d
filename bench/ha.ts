// make bench-ha: plays each measured fault several times, quietly one after the other, and writes docs/benchmarks-ha.md: median and
// worst, as the client outside saw it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Pods } from '../src/kube/resources.ts';
import { FAULTS } from '../test/ha/faults.ts';
import { Ground } from '../test/ha/ground.ts';
import { play } from '../test/ha/play.ts';
import { describePlayed, wrong } from '../test/ha/verdict.ts';
import { mustKubectl } from '../test/integration/kubectl.ts';
import { costs } from './ha-costs.ts';
import { EVENTS } from './ha-events.ts';
import type { Event } from './ha-events.ts';
import { machine, median, seconds } from './measure.ts';
import type { Figure } from './measure.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const FABRIC = { namespace: 'bench-ha', name: 'bha', address: '10.77.0.142' };
const RUNS = Number(process.env['RUNS'] ?? 10);
const COMMIT = process.env['COMMIT'] ?? 'now';

/** Which events to measure; all others stay as an earlier run on this commit measured them. */
const WANTED = new RegExp(process.env['EVENT'] ?? '');

interface Row {
  readonly what: string;
  readonly wanted: string;
  /** Milliseconds: the measure of each run, and how long it took until every condition was True again. */
  readonly samples: readonly number[];
  readonly healed: readonly number[];
  readonly acknowledged: number;
  readonly lost: number;
  readonly different: number;
}

/** The kubelet begins a container that ends again and again ever later, after 160 s the sixth time: each run is to be as the first. */
async function replaceRestarted(ground: Ground): Promise<void> {
  const { namespace } = ground.fabric;
  const { items } = await ground.kube.list(Pods, { namespace });
  for (const { metadata, status } of items) {
    const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    if (containers.every(({ restartCount }) => restartCount === 0)) continue;
    await mustKubectl(['-n', namespace, 'delete', 'pod', metadata.name ?? '']);
    await ground.untilStaysWhole();
  }
}

async function measure(ground: Ground, event: Event): Promise<Row> {
  const fault = FAULTS.find(({ name }) => name === event.fault);
  if (fault === undefined) throw new Error(`no such fault: ${event.fault}`);
  const samples: number[] = [];
  const healed: number[] = [];
  let [acknowledged, lost, different] = [0, 0, 0];
  for (let run = 0; run < RUNS; run += 1) {
    await replaceRestarted(ground);
    const played = await play(ground, fault);
    process.stdout.write(`${run + 1}/${RUNS} ${describePlayed(played)} ${wrong(played).join('; ')}\n`);
    const ledger = played.ledgers.find(({ kind }) => kind === event.kind);
    if (ledger !== undefined) samples.push(event.measure(ledger));
    healed.push(played.wholeMs);
    for (const each of played.ledgers) {
      acknowledged += each.acknowledged;
      lost += each.lost.length;
      different += each.different.length;
    }
  }
  return { what: event.what, wanted: event.wanted, samples, healed, acknowledged, lost, different };
}

function document(rows: readonly Row[], figures: readonly Figure[]): string {
  const date = new Date().toISOString().slice(0, 10);
  const lines = rows.map(
    ({ what, wanted, samples, healed }) =>
      `| ${what} | ${precise(median(samples))} | ${precise(Math.max(...samples))} | ${wanted} | ${seconds(median(healed))} | ${seconds(Math.max(...healed))} | ${samples.length} |`,
  );
  const sum = (pick: (row: Row) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  return `# Failover, measured

Made by \`make bench-ha\` on commit ${COMMIT}, ${date}: ${machine()}; the lab's three nodes, control plane, clients and everything measured share these
cores. \`failureDetection.profile: Fast\`. Gap: the longest time between two acknowledged writes (or answered requests) around
the event, as one client outside the cluster saw it, that writes (asks) every 20 to 25 ms and tries the same write again until it
is acknowledged. The web client makes a new connection for each request and gives up one that is not made within 250 ms. Each run
begins with pods whose containers have never been begun anew. Whole again: from the fault (which may last 20 or 30 s) until every
condition is True again, \`FaultTolerant\` among them, for good.

| event | median | worst | wanted | whole again, median | worst | runs |
| --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}

Acknowledged writes in all these runs: ${sum(({ acknowledged }) => acknowledged)}; lost: ${sum(({ lost }) => lost)}; rows of the
PostgreSQL pair that differed after the event: ${sum(({ different }) => different)}.
${figures.length === 0 ? '' : costTable(figures)}`;
}

function costTable(figures: readonly Figure[]): string {
  return `
## What it costs while nothing happens

| what | measured | how |
| --- | --- | --- |
${figures.map(({ what, reached, how }) => `| ${what} | ${reached} | ${how} |`).join('\n')}
`;
}

function precise(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

interface Kept {
  readonly rows: Row[];
  figures: readonly Figure[];
}

/** What earlier runs on the same commit measured: a run that was interrupted goes on. */
function load(path: string): Kept {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Kept) : { rows: [], figures: [] };
}

const folder = process.env['PROOF'] ?? 'build/proof';
const path = `${folder}/bench-ha-${COMMIT}-runs-${RUNS}.json`;
const kept = load(path);
const save = (): void => {
  writeFileSync(path, `${JSON.stringify(kept, undefined, 2)}\n`);
  writeFileSync(`${ROOT}docs/benchmarks-ha.md`, document(kept.rows, kept.figures));
};
const ground = await Ground.open(FABRIC, { failureDetection: { profile: 'Fast' } });
for (const event of EVENTS) {
  if (!WANTED.test(event.what) || kept.rows.some(({ what }) => what === event.what)) continue;
  kept.rows.push(await measure(ground, event));
  save();
}
if (WANTED.test('costs') && kept.figures.length === 0) {
  kept.figures = await costs(ground);
  save();
}
await ground.remove();
ground.close();
