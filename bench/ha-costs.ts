// What being ready for a failover costs while none happens: the latency of semi-sync, and heartbeats at the API server.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { decodeRole } from '../src/agent/role-record.ts';
import { SpaceClusters } from '../src/api/v1alpha1/index.ts';
import { Leases } from '../src/kube/resources.ts';
import type { Ground } from '../test/ha/ground.ts';
import { runOutside } from '../test/ha/outside.ts';
import { eventually, pause } from '../test/integration/kube-support.ts';
import { signalContainer } from '../test/lab/lab.ts';
import type { Figure } from './measure.ts';
import type { Load } from './mysql-load.ts';

const PROGRAM = fileURLToPath(new URL('mysql-load.ts', import.meta.url));
const LOAD_SECONDS = 15;
const MANY = 8;
const WATCH_MS = 60_000;
/** After a change of the profile, until every agent beats by it. */
const CALM_MS = 30_000;

export async function costs(ground: Ground): Promise<readonly Figure[]> {
  return [...(await semiSync(ground)), ...(await heartbeats(ground))];
}

interface Loads {
  readonly one: Load;
  readonly many: Load;
}

/** The same server with its standby, and alone: withdrawn, so that no commit waits. */
async function semiSync(ground: Ground): Promise<readonly Figure[]> {
  await ground.untilWhole();
  const pair = await load(ground);
  const standby = {
    namespace: ground.fabric.namespace,
    pod: await ground.standby('mysql'),
    container: 'mysql',
  };
  await signalContainer('STOP', standby, 'mysqld');
  let alone: Loads;
  try {
    await eventually('the standby is withdrawn', 60_000, async () => {
      const lease = await ground.kube.get(Leases, ground.fabric.namespace, ground.leaseOf('mysql'));
      return decodeRole(lease).copies.length === 1;
    });
    await pause(2_000);
    alone = await load(ground);
  } finally {
    await signalContainer('CONT', standby, 'mysqld');
  }
  await ground.untilWhole();
  const how = `single-row inserts for ${LOAD_SECONDS} s, TLS, the client on a node; the same server with its standby, and alone after its withdrawal`;
  const ratio = (a: number, b: number): string => `${(a / b).toFixed(2)} times`;
  return [
    {
      what: 'semi-sync: latency of a commit, one connection',
      reached: `p50 ${ms(pair.one.p50Ms)} against ${ms(alone.one.p50Ms)} alone (${ratio(pair.one.p50Ms, alone.one.p50Ms)}), p99 ${ms(pair.one.p99Ms)} against ${ms(alone.one.p99Ms)}`,
      wanted: '',
      how,
    },
    {
      what: `semi-sync: commits a second, ${MANY} connections`,
      reached: `${pair.many.perSecond.toFixed(0)} against ${alone.many.perSecond.toFixed(0)} alone (${ratio(pair.many.perSecond, alone.many.perSecond)})`,
      wanted: '',
      how,
    },
  ];
}

async function load(ground: Ground): Promise<Loads> {
  const target = await ground.target('mysql');
  const run = async (connections: number): Promise<Load> =>
    JSON.parse(await runOutside('n1', PROGRAM, { target, connections, seconds: LOAD_SECONDS })) as Load;
  return { one: await run(1), many: await run(MANY) };
}

/** Writes of Leases by the fabric, as a watch of its namespace shows them. */
async function heartbeats(ground: Ground): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const profile of ['Relaxed', 'Safe', 'Fast'] as const) {
    await ground.kube.mergePatch(SpaceClusters, ground.fabric.namespace, ground.fabric.name, {
      spec: { failureDetection: { profile } },
    });
    await ground.untilWhole();
    await pause(CALM_MS);
    const changes = await leaseChanges(ground.fabric.namespace);
    figures.push({
      what: `writes at the API server, whole fabric, profile ${profile}`,
      reached: `${(changes / (WATCH_MS / 1_000)).toFixed(1)} a second`,
      wanted: '',
      how: `changes of Leases seen in ${WATCH_MS / 1_000} s by a watch; a settled fabric writes nothing else`,
    });
  }
  return figures;
}

async function leaseChanges(namespace: string): Promise<number> {
  const watching = spawn('kubectl', ['-n', namespace, 'get', 'leases', '--watch-only', '-o', 'name'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let lines = 0;
  watching.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines += text.split('\n').length - 1;
  });
  await pause(WATCH_MS);
  watching.kill();
  return lines;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
