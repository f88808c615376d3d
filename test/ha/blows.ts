// How a fault is done: each returns when it has struck, with what undoes it and what shows that it took hold.
import { Pods } from '../../src/kube/resources.ts';
import { pause } from '../integration/kube-support.ts';
import { mustKubectl } from '../integration/kubectl.ts';
import { podProcesses, signalContainer } from '../lab/lab.ts';
import type { NodeName } from '../lab/lab.ts';
import type { Ground } from './ground.ts';

export interface Blow {
  /** When it struck, milliseconds since 1970. */
  readonly at: number;
  /** Asked after `heal` and until it is so. */
  readonly tookHold: () => Promise<boolean>;
  /** Waits as long as the fault lasts, and ends it. */
  readonly heal: () => Promise<void>;
}

export interface Process {
  readonly container: string;
  readonly exe: string;
}

type Who = (ground: Ground) => Promise<string>;
type Strike = (ground: Ground) => Promise<Blow>;

const DRAIN_OPTIONS = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=300s'];

/** To look at a node's processes takes both processors for 0.3 s, which the failover needs at that moment. */
const LOOK_AFTER_MS = 2_000;

const nothing = async (): Promise<void> => undefined;

export function killed(who: Who, { container, exe }: Process): Strike {
  return async (ground) => {
    const pod = await who(ground);
    const { namespace } = ground.fabric;
    const at = Date.now();
    const pids = await signalContainer('KILL', { namespace, pod, container }, exe);
    return {
      at,
      heal: () => pause(LOOK_AFTER_MS),
      // Another process has taken its place.
      tookHold: async () => {
        const now = await podProcesses(namespace, pod, container);
        return now.some((each) => each.exe === exe) && now.every(({ pid }) => !pids.includes(pid));
      },
    };
  };
}

export function stopped(who: Who, { container, exe }: Process, ms: number): Strike {
  return async (ground) => {
    const ref = { namespace: ground.fabric.namespace, pod: await who(ground), container };
    const at = Date.now();
    const pids = await signalContainer('STOP', ref, exe);
    return {
      at,
      heal: async () => {
        await pause(ms);
        // Gone when it has been killed for hanging.
        await signalContainer('CONT', ref, exe).catch(() => undefined);
      },
      tookHold: async () => pids.length > 0,
    };
  };
}

export function deleted(who: Who, gracePeriodSeconds?: number): Strike {
  return async (ground) => {
    const pod = await who(ground);
    const before = await ground.uidOf(pod);
    const at = Date.now();
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    await ground.kube.delete(Pods, ground.fabric.namespace, pod, options);
    return {
      at,
      heal: nothing,
      tookHold: async () => (await ground.uidOf(pod).catch(() => before)) !== before,
    };
  };
}

/** As an administrator does it: `kubectl drain` and `uncordon`, one node after the other. The next drain waits by itself. */
export function drained(nodes: readonly NodeName[]): Strike {
  return async (ground) => {
    const { name, namespace } = ground.fabric;
    const selector = `app.kubernetes.io/instance=${name}`;
    const uids = async (): Promise<readonly string[]> => {
      const { items } = await ground.kube.list(Pods, { namespace, labelSelector: selector });
      return items.map(({ metadata }) => metadata.uid ?? '');
    };
    const before = await uids();
    const at = Date.now();
    for (const node of nodes) {
      try {
        await mustKubectl(['drain', node, `--pod-selector=${selector}`, ...DRAIN_OPTIONS]);
      } finally {
        await mustKubectl(['uncordon', node]);
      }
    }
    return {
      at,
      heal: nothing,
      // No pod of before is left.
      tookHold: async () => (await uids()).every((uid) => !before.includes(uid)),
    };
  };
}

/** A fault that is there from `begin` to `end`; both verify it themselves. */
export async function lasting(
  ms: number,
  begin: () => Promise<void>,
  end: () => Promise<void>,
): Promise<Blow> {
  const at = Date.now();
  await begin();
  return {
    at,
    heal: async () => {
      await pause(ms);
      await end();
    },
    tookHold: async () => true,
  };
}
