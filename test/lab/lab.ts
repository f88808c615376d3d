// Typed front of lab.sh for the test suites: one function a fault, each returns only when the fault has taken hold.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('lab.sh', import.meta.url));

/** A node as Kubernetes calls it: `n1`, `n2`, ... */
export type NodeName = `n${number}`;

/** Of a lab as `up` makes it unless told otherwise. */
export const NODES = ['n1', 'n2', 'n3'] as const satisfies readonly NodeName[];

/** A place on the lab's wire: a node, the client host, the API server's host, anywhere, or an IPv4 address with or without a length. */
export type Place =
  NodeName | 'client' | 'api' | 'any' | `${number}.${number}.${number}.${number}${'' | `/${number}`}`;

/** A pod's container. */
export interface ContainerRef {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** A PersistentVolumeClaim. */
export interface ClaimRef {
  readonly namespace: string;
  readonly claim: string;
}

/** What a command ended with; `code` is -1 when a signal ended it. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of a pod, as the machine's own process table numbers it. */
export interface PodProcess {
  readonly pid: number;
  readonly exe: string;
  readonly args: string;
}

/** lab.sh refused or failed; `stderr` says what was wrong. */
export class LabError extends Error {
  readonly result: CommandResult;

  constructor(args: readonly string[], result: CommandResult) {
    super(`lab.sh ${args.join(' ')} ended with ${result.code}: ${result.stderr.trim()}`);
    this.name = 'LabError';
    this.result = result;
  }
}

function run(args: readonly string[], signal: AbortSignal | undefined): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    execFile(
      SCRIPT,
      args,
      { maxBuffer: 64 * 1024 * 1024, ...(signal === undefined ? {} : { signal }) },
      (error, stdout, stderr) => {
        if (signal?.aborted === true) reject(signal.reason as Error);
        else if (error === null) resolve({ code: 0, stdout, stderr });
        else resolve({ code: typeof error.code === 'number' ? error.code : -1, stdout, stderr });
      },
    );
  });
}

async function lab(args: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  const result = await run(args, signal);
  if (result.code !== 0) throw new LabError(args, result);
  return result.stdout;
}

/** Runs a command on the client host (10.77.0.200). A failing command is a result, not an error. */
export const clientExec = (command: readonly string[], signal?: AbortSignal): Promise<CommandResult> =>
  run(['client', ...command], signal);

/** Runs a command in a node's network, as its root. @throws Error when it fails */
export const nodeExec = async (node: NodeName, command: readonly string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)('nsenter', [`--net=/run/netns/sclab-${node}`, ...command]);
  return stdout;
};

/** Of its link to the others. */
export const macOf = async (node: NodeName): Promise<string> =>
  /link\/ether (\S+)/.exec(await nodeExec(node, ['ip', 'link', 'show', 'eth0']))?.[1] ?? '';

/** Loses a node's network link, or gives it back. */
export const setLink = async (node: NodeName, state: 'up' | 'down', signal?: AbortSignal): Promise<void> => {
  await lab(['link', state, node], signal);
};

/** Drops `percent` (1-100) of the packets from one place to another, one way, until `clearFaults`. */
export const dropPackets = async (
  from: Place,
  to: Place,
  percent = 100,
  signal?: AbortSignal,
): Promise<void> => {
  await lab(['drop', from, to, String(percent)], signal);
};

/** Drops everything between two places, both ways. */
export const partition = async (a: Place, b: Place, signal?: AbortSignal): Promise<void> => {
  await dropPackets(a, b, 100, signal);
  await dropPackets(b, a, 100, signal);
};

/** Delays packets from one place to another by `ms` (+- up to `jitterMs`), one way, until `clearFaults`. */
export const delayPackets = async (
  from: Place,
  to: Place,
  ms: number,
  jitterMs = 0,
  signal?: AbortSignal,
): Promise<void> => {
  await lab(['delay', from, to, String(ms), String(jitterMs)], signal);
};

/** Ends every drop and delay. */
export const clearFaults = async (signal?: AbortSignal): Promise<void> => {
  await lab(['clear'], signal);
};

/** Cuts a node's power (every process of it ends at one instant), or boots it and waits until it is Ready. */
export const setNode = async (
  node: NodeName,
  state: 'stop' | 'start',
  signal?: AbortSignal,
): Promise<void> => {
  await lab(['node', state, node], signal);
};

/** Ends, starts, freezes or thaws the API server; `start` returns when it is ready. */
export const setApiServer = async (
  state: 'stop' | 'start' | 'pause' | 'resume',
  signal?: AbortSignal,
): Promise<void> => {
  await lab(['api', state], signal);
};

/** Cuts a node off from the API server only; its peers still reach it. */
export const setApiReach = async (
  node: NodeName,
  state: 'cut' | 'uncut',
  signal?: AbortSignal,
): Promise<void> => {
  await lab(['api', state, node], signal);
};

/** What leads a node's traffic, kube-proxy and MetalLB's speaker, hears of no change and leads on as before. */
export const setHearing = async (
  node: NodeName,
  state: 'deaf' | 'hearing',
  signal?: AbortSignal,
): Promise<void> => {
  await lab([state, node], signal);
};

/** Fills a volume to its last block or empties it again; stalls every write to it or lets them go on. */
export const setVolume = async (
  ref: ClaimRef,
  state: 'fill' | 'unfill' | 'freeze' | 'thaw',
  signal?: AbortSignal,
): Promise<void> => {
  await lab(['volume', state, `${ref.namespace}/${ref.claim}`], signal);
};

/** The processes of a pod's running containers. */
export const podProcesses = async (
  namespace: string,
  pod: string,
  container?: string,
  signal?: AbortSignal,
): Promise<readonly PodProcess[]> => {
  const place = container === undefined ? `${namespace}/${pod}` : `${namespace}/${pod}/${container}`;
  const lines = (await lab(['ps', place], signal)).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [pid = '', exe = '', args = ''] = line.split('\t');
    return { pid: Number(pid), exe, args: args.trim() };
  });
};

/** Signals a container's processes (those whose executable has the base name `exe`, or all); returns their pids. STOP, CONT and KILL have taken hold on return. */
export const signalContainer = async (
  signalName: 'STOP' | 'CONT' | 'KILL' | 'TERM' | 'HUP' | 'USR1' | 'USR2',
  ref: ContainerRef,
  exe?: string,
  signal?: AbortSignal,
): Promise<readonly number[]> => {
  const place = `${ref.namespace}/${ref.pod}/${ref.container}`;
  const out = await lab(
    exe === undefined ? ['signal', signalName, place] : ['signal', signalName, place, exe],
    signal,
  );
  return out.trim().split('\n').map(Number);
};

/** The last lines of a node's (kubelet, containerd, kube-proxy) or a control-plane component's log. */
export const readLogs = (
  source: NodeName | 'etcd' | 'apiserver' | 'kcm' | 'scheduler' | 'provisioner',
  lines = 100,
  signal?: AbortSignal,
): Promise<string> => lab(['logs', source, String(lines)], signal);

/** Waits until every node is Ready. */
export const waitReady = async (signal?: AbortSignal): Promise<void> => {
  await lab(['wait'], signal);
};
