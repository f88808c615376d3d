// make bench-ha: plays each measured fault several times, quietly one after the other, and writes docs/benchmarks-ha.md: median and
// worst, as the client outside saw it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { FAULTS } from '../test/ha/faults.ts';
import { Ground } from '../test/ha/ground.ts';
import { play } from '../test/ha/play.ts';
import type { Ledger, Played } from '../test/ha/play.ts';
import { describePlayed, wrong } from '../test/ha/verdict.ts';
import { machine, median, seconds } from './measure.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const FABRIC = { namespace: 'bench-ha', name: 'bha', address: '10.77.0.142' };
const RUNS = Number(process.env['RUNS'] ?? 10);

/** Which events to measure; all others stay as an earlier run on this commit measured them. */
const WANTED = new RegExp(process.env['EVENT'] ?? '');

interface Event {
  readonly what: string;
  readonly fault: string;
  readonly wanted: string;
  readonly measure: (ledger: Ledger) => number;
}

const gap = ({ gapMs }: Ledger): number => gapMs;
const failing = ({ failingMs }: Ledger): number => failingMs;

const EVENTS: readonly Event[] = [
  {
    what: 'Web IP, planned hand-over',
    fault: 'a hand-over of the Web IP is asked for',
    wanted: '0.5 s',
    measure: gap,
  },
  {
    what: 'Web IP, balancer process killed',
    fault: 'haproxy of the holder is killed',
    wanted: '0.8 s',
    measure: gap,
  },
  { what: 'Web IP, balancer process hung', fault: 'haproxy of the holder hangs', wanted: '', measure: gap },
  {
    what: 'MySQL switchover',
    fault: 'a hand-over of the primary is asked for',
    wanted: '0.8 s',
    measure: gap,
  },
  { what: 'MySQL process killed', fault: 'mysqld of the primary is killed', wanted: '1 s', measure: gap },
  { what: 'MySQL hung (SIGSTOP)', fault: 'mysqld of the primary hangs', wanted: '4 s', measure: gap },
  {
    what: 'writes pause when the standby dies',
    fault: 'mysqld of the standby is killed',
    wanted: '3 s',
    measure: gap,
  },
  { what: 'PostgreSQL member killed', fault: 'postgres of a member is killed', wanted: '5 s', measure: gap },
  { what: 'PostgreSQL member hung', fault: 'postgres of a member hangs', wanted: '5 s', measure: gap },
  {
    what: 'hung worker out of the balancer: last failed request begun after',
    fault: 'a worker hangs',
    wanted: '3 s',
    measure: failing,
  },
  {
    what: 'MySQL, node lost',
    fault: "the primary's node loses its link for 30 s",
    wanted: '5 s',
    measure: gap,
  },
  {
    what: 'Web IP, node lost',
    fault: "the balancer's node loses its link for 30 s",
    wanted: '4 s',
    measure: gap,
  },
];

interface Row {
  readonly what: string;
  readonly wanted: string;
  readonly samples: readonly number[];
  readonly acknowledged: number;
  readonly lost: number;
  readonly different: number;
}

/** Whose ledger tells of an event. */
function ledgerOf({ ledgers }: Played, what: string): Ledger | undefined {
  const kind = what.startsWith('PostgreSQL') ? 'postgresql' : /Web IP|worker/.test(what) ? 'http' : 'mysql';
  return ledgers.find((ledger) => ledger.kind === kind);
}

async function measure(ground: Ground, event: Event): Promise<Row> {
  const fault = FAULTS.find(({ name }) => name === event.fault);
  if (fault === undefined) throw new Error(`no such fault: ${event.fault}`);
  const samples: number[] = [];
  let [acknowledged, lost, different] = [0, 0, 0];
  for (let run = 0; run < RUNS; run += 1) {
    const played = await play(ground, fault);
    process.stdout.write(`${run + 1}/${RUNS} ${describePlayed(played)} ${wrong(played).join('; ')}\n`);
    const ledger = ledgerOf(played, event.what);
    if (ledger !== undefined) samples.push(event.measure(ledger));
    for (const each of played.ledgers) {
      acknowledged += each.acknowledged;
      lost += each.lost.length;
      different += each.different.length;
    }
  }
  return { what: event.what, wanted: event.wanted, samples, acknowledged, lost, different };
}

function document(rows: readonly Row[]): string {
  const date = new Date().toISOString().slice(0, 10);
  const lines = rows.map(
    ({ what, wanted, samples }) =>
      `| ${what} | ${seconds(median(samples))} | ${seconds(Math.max(...samples))} | ${samples.length} | ${wanted} |`,
  );
  const sum = (pick: (row: Row) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  return `# Failover, measured

Made by \`make bench-ha\` on ${date}: ${machine()}; the lab's three nodes, control plane, clients and everything measured share these
cores. \`failureDetection.profile: Fast\`. Gap: the longest time between two acknowledged writes (or answered requests) around
the event, as one client outside the cluster saw it, that writes (asks) every 20 to 25 ms and tries the same write again until it
is acknowledged. The web client makes a new connection for each request and gives up one that is not made within 250 ms.

| event | median | worst | runs | wanted |
| --- | --- | --- | --- | --- |
${lines.join('\n')}

Acknowledged writes in all these runs: ${sum(({ acknowledged }) => acknowledged)}; lost: ${sum(({ lost }) => lost)}; rows of the
PostgreSQL pair that differed after the event: ${sum(({ different }) => different)}.
`;
}

/** What earlier runs on the same commit measured: a run that was interrupted goes on. */
function load(path: string): Row[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Row[];
  } catch {
    return [];
  }
}

const path = `${ROOT}build/bench/ha-${process.env['COMMIT'] ?? 'now'}-${RUNS}.json`;
mkdirSync(`${ROOT}build/bench`, { recursive: true });
const rows = load(path);
const ground = await Ground.open(FABRIC, { failureDetection: { profile: 'Fast' } });
for (const event of EVENTS) {
  if (!WANTED.test(event.what) || rows.some(({ what }) => what === event.what)) continue;
  rows.push(await measure(ground, event));
  writeFileSync(path, JSON.stringify(rows, undefined, 2));
  writeFileSync(`${ROOT}docs/benchmarks-ha.md`, document(rows));
}
await ground.remove();
ground.close();
