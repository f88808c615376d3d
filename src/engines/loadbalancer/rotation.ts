// Hands HAProxy renewed certificates without a restart: compares the mounted files with what it has loaded.
import { readFile } from 'node:fs/promises';
import { EngineError, messageOf } from '../../errors.ts';
import { Wake } from '../../agent/wake.ts';
import type { Logger } from '../../log.ts';
import type { RuntimeSocket } from './admin.ts';
import { CA_FILE, PATHS, WEB_CERTIFICATE } from './config.ts';

/** The kubelet itself brings a changed Secret into the pod only within a minute or so. */
const PERIOD_MS = 10_000;

export interface RotationOptions {
  readonly socket: RuntimeSocket;
  readonly log: Logger;
}

/** One thing HAProxy has loaded from mounted files. */
interface Loaded {
  readonly what: string;
  read(): Promise<string>;
  upload(socket: RuntimeSocket, text: string): Promise<void>;
}

const CERTIFICATE: Loaded = {
  what: "the Web IP's certificate",
  read: async () =>
    [
      await readFile(`${PATHS.webTls}/tls.crt`, 'utf8'),
      await readFile(`${PATHS.webTls}/tls.key`, 'utf8'),
    ].join('\n'),
  upload: (socket, text) => replace(socket, 'ssl cert', WEB_CERTIFICATE, text),
};

const AUTHORITY: Loaded = {
  what: "the workers' authority",
  read: () => readFile(CA_FILE, 'utf8'),
  upload: (socket, text) => replace(socket, 'ssl ca-file', CA_FILE, text),
};

/** HAProxy reads the files itself when it starts; what it has is behind only where they have changed since. */
export class Rotation {
  readonly #options: RotationOptions;
  readonly #known = new Map<Loaded, string>();

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const pause = new Wake();
    while (!signal.aborted) {
      for (const loaded of [CERTIFICATE, AUTHORITY]) await this.#round(loaded);
      await pause.wait(PERIOD_MS, signal);
    }
  }

  async #round(loaded: Loaded): Promise<void> {
    const { socket, log } = this.#options;
    try {
      const text = await loaded.read();
      if (this.#known.get(loaded) === text) return;
      // Uploaded at the agent's start as well: the files may have changed between HAProxy's start and ours.
      await loaded.upload(socket, text);
      this.#known.set(loaded, text);
      log.info('HAProxy has the mounted files', { what: loaded.what });
    } catch (error) {
      log.debug('not handed to HAProxy', { what: loaded.what, error: messageOf(error) });
    }
  }
}

/** @throws EngineError when HAProxy refuses it; what it had stays in force */
async function replace(socket: RuntimeSocket, kind: string, name: string, text: string): Promise<void> {
  const set = await socket.upload(`set ${kind} ${name}`, text);
  if (!/transaction (created|updated)/i.test(set)) {
    throw new EngineError(`HAProxy does not take ${kind} ${name}`, { answer: set });
  }
  const committed = await socket.command(`commit ${kind} ${name}`);
  if (!/Success!/.test(committed)) {
    await socket.command(`abort ${kind} ${name}`);
    throw new EngineError(`HAProxy does not commit ${kind} ${name}`, { answer: committed });
  }
}
