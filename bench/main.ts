// make bench: takes the measurements one after the other and writes them to build/bench/ and docs/benchmarks.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadKubeConfig } from '../src/kube/config.ts';
import { createKubeClient } from '../src/kube/http-client.ts';
import { agentMemory } from './agents.ts';
import { applyToReady, removeFabric } from './fabric.ts';
import { machine } from './measure.ts';
import type { Figure } from './measure.ts';
import { memory, seenToReconcile, settledWrites, startToFirstReconcile } from './operator.ts';

const ROOT = new URL('..', import.meta.url).pathname;

const kube = createKubeClient(await loadKubeConfig(), { userAgent: 'spacecluster/bench' });
const steps: readonly (() => Promise<Figure>)[] = [
  () => applyToReady(kube),
  memory,
  settledWrites,
  agentMemory,
  seenToReconcile,
  startToFirstReconcile,
];
const figures: Figure[] = [];
for (const step of steps) {
  const figure = await step();
  figures.push(figure);
  process.stdout.write(`${figure.what}: ${figure.reached} (wanted: ${figure.wanted}; ${figure.how})\n`);
}
await removeFabric();
kube.close();

const date = new Date().toISOString().slice(0, 10);
mkdirSync(`${ROOT}build/bench`, { recursive: true });
writeFileSync(
  `${ROOT}build/bench/fabric.json`,
  JSON.stringify({ date, machine: machine(), figures }, undefined, 2),
);
writeFileSync(`${ROOT}docs/benchmarks.md`, document());

function document(): string {
  const rows = figures.map(
    ({ what, reached, wanted, how }) => `| ${what} | ${reached} | ${wanted} | ${how} |`,
  );
  return `# Benchmarks

Made by \`make bench\` on ${date}: ${machine()}; the lab's three nodes, control plane and everything measured share these cores.
The table of failovers is [benchmarks-ha.md](benchmarks-ha.md).

| what | reached | wanted | how, and where it goes |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
