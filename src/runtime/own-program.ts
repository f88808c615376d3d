// Runs a sub-command of this program as a process of its own: what a big library is needed for lives and dies there, instead of
// staying in a small, long-lived process for ever.
import { spawn } from 'node:child_process';
import { json, text } from 'node:stream/consumers';
import { EngineError } from '../errors.ts';

/**
 * One JSON job on its standard input, one JSON answer on its standard output. Secrets travel by the pipes only.
 * @throws EngineError when it ends otherwise than well; an AbortError when the signal comes, which ends it
 */
export async function askOwnProgram(command: string, job: object, signal: AbortSignal): Promise<unknown> {
  const [program = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [program, command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    signal,
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new EngineError(`the process ${command} ended with code ${code ?? 'none'}`));
    });
  });
  // It may be killed before it has read its job: how it ended says so.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(job));
  const [answer] = await Promise.all([text(child.stdout), ended]);
  return JSON.parse(answer);
}

/** The other end: the body of such a sub-command. */
export async function answerOwnProgram(work: (job: unknown) => Promise<object>): Promise<void> {
  process.stdout.write(JSON.stringify(await work(await json(process.stdin))));
}
