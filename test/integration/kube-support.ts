// What the tests of the plumbing share: a client on the cluster under test that notes its calls, and a namespace of their own.
import { loadKubeConfig } from '../../src/kube/config.ts';
import type { KubeConfig } from '../../src/kube/config.ts';
import { createKubeClient } from '../../src/kube/http-client.ts';
import type { HttpKubeClient, RequestRecord } from '../../src/kube/http-client.ts';
import { Namespaces } from '../../src/kube/resources.ts';
import type { ConfigMap, Namespace } from '../../src/kube/types.ts';
import type { Logger, LogFields } from '../../src/log.ts';

export interface Bench {
  readonly config: KubeConfig;
  readonly kube: HttpKubeClient;
  readonly namespace: string;
  readonly log: Logger;
  /** Every call so far, oldest first. */
  readonly calls: RequestRecord[];
  /** Warnings and errors that were logged. */
  readonly complaints: string[];
  /** The writes among `calls` since the last time this was asked. */
  newWrites(): readonly RequestRecord[];
  configMap(name: string, data?: Readonly<Record<string, string>>): ConfigMap;
  close(): Promise<void>;
}

/** @param namespace made when missing; removed by `close` */
export async function openBench(namespace: string): Promise<Bench> {
  const calls: RequestRecord[] = [];
  const complaints: string[] = [];
  let seen = 0;
  const config = await loadKubeConfig();
  const kube = createKubeClient(config, {
    userAgent: 'spacecluster/test',
    observe: (record) => {
      calls.push(record);
    },
  });
  const nothing = (): void => undefined;
  const complain = (message: string, fields?: LogFields): void => {
    complaints.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const log: Logger = { debug: nothing, info: nothing, warn: complain, error: complain, with: () => log };
  const object: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await eventually('an earlier run has been cleaned up', 60_000, async () => {
    const live = await kube.apply(Namespaces, object, { fieldManager: 'test', force: true });
    return live.metadata.deletionTimestamp === undefined;
  });
  return {
    config,
    kube,
    namespace,
    log,
    calls,
    complaints,
    newWrites: () => {
      const fresh = calls.slice(seen).filter((call) => call.method !== 'GET');
      seen = calls.length;
      return fresh;
    },
    configMap: (name, data = {}) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data,
    }),
    close: async () => {
      await kube.delete(Namespaces, undefined, namespace).catch(() => undefined);
      kube.close();
    },
  };
}

/** How often to ask for a status: two processors carry the whole lab, and who asks all the time slows what is waited for. */
export const STATUS_EVERY_MS = 200;

/** Resolves as soon as `check` returns something true, asked every `everyMs`; fails after `ms`. */
export async function eventually<T>(
  what: string,
  ms: number,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  everyMs = 20,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(everyMs);
  }
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
