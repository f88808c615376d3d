// Runs clients outside the cluster, on the client host or on a node, and keeps what they were told.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pause } from '../integration/kube-support.ts';
import type { NodeName } from '../lab/lab.ts';
import type { Attempt, LookupOrder, WriteOrder } from './clients/main.ts';
import type { Target } from './clients/client.ts';

const PROGRAM = fileURLToPath(new URL('clients/main.ts', import.meta.url));
const READY_MS = 60_000;
const RUN_MS = 60_000;
const END_MS = 20_000;
const LOOKUP_TRIES = 20;
const LOOKUP_PAUSE_MS = 3_000;

export type Place = 'client' | NodeName;

/** In the place's network only: files and everything else are the machine's. */
function start(place: Place, program: string): ChildProcess {
  const netns = `--net=/run/netns/sclab-${place}`;
  const child = spawn('nsenter', [netns, process.execPath, '--no-warnings', program], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  // It may end before it has read its order: `outcome` says what it ended with.
  child.stdin.on('error', () => undefined);
  return child;
}

function outcome(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  child.once('close', (code) => {
    if (code === 0) resolve();
    else reject(new Error(`the outside client ended with ${code ?? 'a signal'}: ${complaint.trim()}`));
  });
  return promise;
}

export interface Writer {
  readonly target: Target;
  readonly attempts: readonly Attempt[];
  /** @throws Error when it failed */
  stop(): Promise<void>;
}

/** Writes from now on, one after the other; returns when the first is about to be made. */
export async function startWriter(place: Place, request: Omit<WriteOrder, 'do'>): Promise<Writer> {
  const child = start(place, PROGRAM);
  const ended = outcome(child);
  const attempts: Attempt[] = [];
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    const said = JSON.parse(line) as Attempt | { readonly ready: true };
    if ('ready' in said) resolve();
    else attempts.push(said);
  });
  child.stdin?.write(`${JSON.stringify({ do: 'write', ...request } satisfies WriteOrder)}\n`);
  await limited(child, READY_MS, Promise.race([ready, ended]));
  return {
    target: request.target,
    attempts,
    stop: async () => {
      child.stdin?.end('end\n');
      await limited(child, END_MS, ended);
    },
  };
}

/** Which of the ids are there now, and who wrote them. Asked again while nobody answers: roles may still move. */
export async function lookup(
  place: Place,
  request: Omit<LookupOrder, 'do'>,
): Promise<ReadonlyMap<number, string>> {
  for (let left = LOOKUP_TRIES; ; left -= 1) {
    try {
      return await lookupOnce(place, request);
    } catch (error) {
      if (left <= 1) throw error;
      await pause(LOOKUP_PAUSE_MS);
    }
  }
}

async function lookupOnce(
  place: Place,
  request: Omit<LookupOrder, 'do'>,
): Promise<ReadonlyMap<number, string>> {
  const text = await runOutside(place, PROGRAM, { do: 'lookup', ...request } satisfies LookupOrder);
  return new Map((JSON.parse(text) as { readonly found: readonly [number, string][] }).found);
}

async function limited(child: ChildProcess, ms: number, work: Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  try {
    await work;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs a program there until it ends, a minute at most, with one JSON order on its standard input.
 * @returns what it printed
 */
export async function runOutside(place: Place, program: string, given: object): Promise<string> {
  const child = start(place, program);
  const ended = outcome(child);
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stdin?.end(`${JSON.stringify(given)}\n`);
  await limited(child, RUN_MS, ended);
  return printed;
}
