// kubectl as a user runs it, for tests of what users see: manifests in, the command's own words out.
import { spawn } from 'node:child_process';

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl against the cluster of KUBECONFIG. A failing command is a result, not an error. */
export function kubectl(args: readonly string[], input?: object): Promise<KubectlResult> {
  return run('kubectl', args, input === undefined ? undefined : JSON.stringify(input));
}

/** Runs a command with `input` on its stdin. */
export function run(command: string, args: readonly string[], input?: string): Promise<KubectlResult> {
  const { promise, resolve, reject } = Promise.withResolvers<KubectlResult>();
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  child.once('error', reject);
  child.once('close', (code) => {
    resolve({ code: code ?? -1, ...output });
  });
  // It may end before it has read anything: what it ended with says whether that was well.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  return promise;
}

/** Like `kubectl`, where only success makes sense. */
export async function mustKubectl(args: readonly string[], input?: object): Promise<string> {
  const { code, stdout, stderr } = await kubectl(args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}

/** For a `beforeAll`: stops with the remedy where the cluster, or what the chart installs in it, is not to be had. */
export async function requireChart(): Promise<void> {
  const { code, stderr } = await kubectl(['get', 'crd', 'spaceclusters.spacecluster.dev']);
  if (code === 0) return;
  const last = stderr.trim().split('\n').at(-1) ?? '';
  throw new Error(
    `no SpaceCluster CRD: run \`make test\`, which brings up a cluster and installs the chart (${last})`,
  );
}
