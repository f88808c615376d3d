// The Web IP on the real cluster: shared, sticky, moved by a death, by a wish and by a planned end. The operator takes no part.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Pods } from '../../src/kube/resources.ts';
import { clientExec, macOf, podProcesses, signalContainer } from '../lab/lab.ts';
import type { NodeName } from '../lab/lab.ts';
import { eventually, pause } from './kube-support.ts';
import { mustKubectl, requireChart } from './kubectl.ts';
import { ADDRESS, NAME, openPair } from './loadbalancer-support.ts';
import type { Pair } from './loadbalancer-support.ts';

const NAMESPACE = 'it-loadbalancer';
const WORKERS = [`${NAME}-worker-0`, `${NAME}-worker-1`];

let pair: Pair;

/** Routed to the holder, under its epoch. */
async function settledAfter(epoch: number, boundMs: number): Promise<Awaited<ReturnType<Pair['state']>>> {
  return eventually(`a holder after epoch ${epoch} is routed to`, boundMs, async () => {
    const state = await pair.state();
    const settled =
      state.holder !== '' && state.routedTo === state.holder && state.routedEpoch === state.epoch;
    return settled && state.epoch > epoch ? state : undefined;
  });
}

/** @param value `=vip` asks for a hand-over, `-` ends the demand */
async function annotate(value: string): Promise<void> {
  const annotation = `spacecluster.dev/switchover${value}`;
  await mustKubectl(['-n', NAMESPACE, 'annotate', '--overwrite', 'spacecluster', NAME, annotation]);
}

async function answersByWorkers(boundMs: number): Promise<void> {
  await eventually('the Web IP answers', boundMs, async () => {
    const [answer = ''] = await pair.ask(1);
    return answer.startsWith(`${NAME}-worker-`);
  });
}

async function bothReady(): Promise<void> {
  await eventually('both balancers are ready', 120_000, async () => {
    const ready = await mustKubectl([
      '-n',
      NAMESPACE,
      'get',
      'statefulset',
      `${NAME}-lb`,
      '-o',
      'jsonpath={.status.readyReplicas}',
    ]);
    return ready === '2';
  });
}

/** How often the kubelet has started each balancer's HAProxy container anew. */
async function restarts(): Promise<string> {
  const path = '{.items[*].status.containerStatuses[?(@.name=="haproxy")].restartCount}';
  const selector = `app.kubernetes.io/component=loadbalancer`;
  return mustKubectl(['-n', NAMESPACE, 'get', 'pods', '-l', selector, '-o', `jsonpath=${path}`]);
}

/** Other processes have taken the place of those with `pids`. */
async function replaced(pod: string, pids: readonly number[]): Promise<void> {
  await eventually(`another HAProxy runs in ${pod}`, 90_000, async () => {
    const now = await podProcesses(NAMESPACE, pod, 'haproxy');
    return now.some(({ exe }) => exe === 'haproxy') && now.every(({ pid }) => !pids.includes(pid));
  });
}

beforeAll(async () => {
  await requireChart();
  const image = process.env['SPC_TEST_IMAGE'];
  if (image === undefined) throw new Error('SPC_TEST_IMAGE names the product’s image; `make test` sets it');
  pair = await openPair(NAMESPACE, image);
  await bothReady();
  await answersByWorkers(60_000);
}, 240_000);

afterAll(async () => {
  await pair?.close();
}, 60_000);

describe('requests', () => {
  test('are shared evenly by the workers', async () => {
    await eventually('both workers are in use', 30_000, async () => new Set(await pair.ask(4)).size === 2);
    const answers = await pair.ask(20);
    for (const worker of WORKERS) {
      const share = answers.filter((answer) => answer === worker).length;
      // Both balancers may have counted on while their checks began.
      expect(share).toBeGreaterThanOrEqual(8);
    }
    expect(answers.filter((answer) => !WORKERS.includes(answer))).toEqual([]);
  }, 60_000);

  test('stay with one worker by the cookie', async () => {
    const cookie = await pair.cookie();
    const answers = await pair.ask(8, cookie);
    expect(new Set(answers)).toEqual(new Set([cookie.split('=')[1]]));
  }, 30_000);

  test('reach a new worker, and no longer one that has left, without a restart', async () => {
    await pair.scaleWorkers(3);
    await eventually('the third worker answers', 60_000, async () =>
      (await pair.ask(6)).includes(`${NAME}-worker-2`),
    );
    await pair.scaleWorkers(2);
    await eventually('the third worker is gone', 60_000, async () =>
      (await pair.ask(9)).every((answer) => WORKERS.includes(answer)),
    );
  }, 150_000);
});

describe('the Web IP', () => {
  test('goes to the other balancer when HAProxy dies, and stays there', async () => {
    const before = await pair.state();
    const container = { namespace: NAMESPACE, pod: before.holder, container: 'haproxy' };
    const killed = await signalContainer('KILL', container, 'haproxy');
    const after = await settledAfter(before.epoch, 30_000);
    expect(after.holder).not.toBe(before.holder);
    await answersByWorkers(15_000);
    await replaced(before.holder, killed);
    await bothReady();
    expect((await pair.state()).epoch).toBe(after.epoch);
    // The supervisor's work: the kubelet would wait longer each time.
    expect(await restarts()).toBe('0 0');
  }, 150_000);

  test('goes to a balancer that was killed for hanging as soon as that serves again', async () => {
    const { holder, epoch } = await pair.state();
    const pod = [`${NAME}-lb-0`, `${NAME}-lb-1`].find((each) => each !== holder) ?? '';
    const container = { namespace: NAMESPACE, pod, container: 'haproxy' };
    // The test before may just have killed it.
    const hung = await eventually('it hangs', 60_000, () =>
      signalContainer('STOP', container, 'haproxy').catch(() => undefined),
    );
    await replaced(pod, hung);
    await bothReady();
    await signalContainer('KILL', { namespace: NAMESPACE, pod: holder, container: 'haproxy' }, 'haproxy');
    // Whatever the one that hung had been asked; what follows it has nothing to do with that.
    expect((await settledAfter(epoch, 30_000)).holder).toBe(pod);
    await answersByWorkers(30_000);
    await bothReady();
    expect(await restarts()).toBe('0 0');
  }, 240_000);

  test('goes over on demand, once', async () => {
    const before = await pair.state();
    await annotate('=vip');
    const after = await settledAfter(before.epoch, 30_000);
    expect(after.holder).not.toBe(before.holder);
    // Applied again, as pipelines do: the new holder has acted on it.
    await annotate('=vip');
    await answersByWorkers(15_000);
    expect((await pair.state()).epoch).toBe(after.epoch);
    await annotate('-');
  }, 90_000);

  test('is served on the node of either balancer, whichever a client believes it to be on', async () => {
    await bothReady();
    const { holder, routedTo, behind } = await eventually('the other is behind', 20_000, async () => {
      const state = await pair.state();
      return state.behind.length === 1 ? state : undefined;
    });
    expect(routedTo).toBe(holder);
    for (const pod of [behind[0] ?? '', holder]) {
      const { spec } = await pair.kube.get(Pods, NAMESPACE, pod);
      const neighbour = [ADDRESS, 'lladdr', await macOf(spec?.nodeName as NodeName), 'dev', 'eth0'];
      await clientExec(['ip', 'neigh', 'replace', ...neighbour, 'nud', 'permanent']);
      try {
        expect(await pair.ask(5)).toEqual(Array.from({ length: 5 }, () => expect.stringMatching(/-worker-/)));
      } finally {
        await clientExec(['ip', 'neigh', 'del', ADDRESS, 'dev', 'eth0']);
      }
    }
  }, 90_000);

  test('waits with a planned move for a request under way', async () => {
    const before = await pair.state();
    const slow = pair.askSlowly();
    await pause(1_000);
    await annotate('=vip');
    expect(WORKERS).toContain(await slow);
    await settledAfter(before.epoch, 10_000);
    await answersByWorkers(15_000);
    await annotate('-');
  }, 60_000);

  test('is handed over before its pod ends', async () => {
    await bothReady();
    const before = await pair.state();
    const asking = pair.ask(60);
    await mustKubectl(['-n', NAMESPACE, 'delete', 'pod', before.holder, '--wait=false']);
    const after = await settledAfter(before.epoch, 30_000);
    expect(after.holder).not.toBe(before.holder);
    const failed = (await asking).filter((answer) => !WORKERS.includes(answer));
    // Connections under way while the address moves may break; a failover would have cost dozens.
    expect(failed.length).toBeLessThanOrEqual(5);
    await bothReady();
  }, 150_000);

  test('shows a renewed certificate without a restart', async () => {
    const [serial, { epoch }] = [await pair.serial(), await pair.state()];
    await pair.renewCertificate();
    await eventually('the new certificate is shown', 180_000, async () => {
      const shown = await pair.serial();
      return shown !== '' && shown !== serial;
    });
    expect((await pair.state()).epoch).toBe(epoch);
  }, 200_000);
});
