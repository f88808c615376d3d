// Leader election on the real API server, with short times: one leader at a time, and none that only thinks so.
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LeaseLostError } from '../../src/errors.ts';
import { createKubeClient } from '../../src/kube/http-client.ts';
import { holderOf, released } from '../../src/kube/lease.ts';
import { ConfigMaps, Leases } from '../../src/kube/resources.ts';
import { sleep } from '../../src/kube/wait.ts';
import { LeaderElection } from '../../src/runtime/leader.ts';
import type { LeaderElectionOptions } from '../../src/runtime/leader.ts';
import { eventually, openBench, pause } from './kube-support.ts';
import type { Bench } from './kube-support.ts';

jest.setTimeout(60_000);

let bench: Bench;
let lease = '';
let round = 0;

beforeAll(async () => {
  bench = await openBench('test-kube-leader');
});
beforeEach(() => {
  round += 1;
  lease = `leader-${round}`;
});
afterAll(() => bench.close());

/** For tests that wait for the end of a Lease. */
const TIMES = { durationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 300 };
/** For tests in which no Lease may end, however busy the machine is. */
const PATIENT = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 300 };

interface Candidate {
  readonly election: LeaderElection;
  readonly stop: AbortController;
  readonly done: Promise<unknown>;
  working(): boolean;
}

/** A process that would lead; its work goes on until it is told to stop. */
function candidate(
  identity: string,
  kube: LeaderElectionOptions['kube'] = bench.kube,
  times: typeof TIMES = TIMES,
): Candidate {
  const election = new LeaderElection({
    ...times,
    kube,
    namespace: bench.namespace,
    name: lease,
    identity,
    log: bench.log,
  });
  const stop = new AbortController();
  let working = false;
  const done = election
    .run(stop.signal, async (signal) => {
      working = true;
      await sleep(600_000, signal);
      working = false;
    })
    .catch((error: unknown) => error);
  return { election, stop, done, working: () => working };
}

async function end(...candidates: readonly Candidate[]): Promise<void> {
  for (const { stop } of candidates) stop.abort();
  await Promise.all(candidates.map(({ done }) => done));
}

const stored = async (): Promise<{ holder: string; transitions: number }> => {
  const live = await bench.kube.get(Leases, bench.namespace, lease);
  return { holder: holderOf(live), transitions: live.spec?.leaseTransitions ?? 0 };
};

describe('LeaderElection', () => {
  it('has one leader of three, and hands over at once when it stops', async () => {
    const all = ['a', 'b', 'c'].map((name) => candidate(name, bench.kube, PATIENT));
    const leader = await eventually('a leader', 5_000, () => all.find((each) => each.working()));
    let most = 0;
    const until = performance.now() + 3_000;
    while (performance.now() < until) {
      most = Math.max(most, all.filter((each) => each.working() || each.election.leading).length);
      await pause(25);
    }
    expect(most).toBe(1);
    const first = await stored();
    const start = performance.now();
    await end(leader);
    const others = all.filter((each) => each !== leader);
    await eventually('another leader', 12_000, () => others.find((each) => each.working()));
    expect(performance.now() - start).toBeLessThan(PATIENT.durationMs);
    const second = await stored();
    expect(second.holder).not.toBe(first.holder);
    expect(second.transitions).toBe(first.transitions + 1);
    await end(...others);
    expect((await stored()).holder).toBe('');
  });

  it('takes over from a leader that fell silent, not before its time has passed', async () => {
    let silentSince = Number.POSITIVE_INFINITY;
    const kube: LeaderElectionOptions['kube'] = {
      ...bench.kube,
      replace: (type, object, options) => {
        if (performance.now() > silentSince) return new Promise(() => undefined);
        return bench.kube.replace(type, object, options);
      },
    };
    const old = candidate('old', kube);
    await eventually('the first leader', 5_000, () => old.working());
    const next = candidate('next');
    await pause(500);
    silentSince = performance.now();
    let lostAt = 0;
    const noted = old.done.then(() => (lostAt = performance.now()));
    await eventually('the second leader', 8_000, () => next.working());
    const tookAt = performance.now();
    expect(lostAt).toBeGreaterThan(0);
    expect(lostAt - silentSince).toBeLessThan(TIMES.durationMs);
    expect(tookAt - silentSince).toBeGreaterThan(TIMES.durationMs - TIMES.retryMs * 1.5);
    await noted;
    expect(await old.done).toBeInstanceOf(LeaseLostError);
    expect(() => old.election.assertLeader()).toThrow(LeaseLostError);
    await end(next);
  });

  it('keeps the first write after a stalled event loop at home', async () => {
    const one = candidate('one');
    const guarded = bench.kube.guarded(one.election.assertLeader);
    await eventually('a leader', 5_000, () => one.working());
    await guarded.create(ConfigMaps, bench.configMap('before'));
    const until = performance.now() + TIMES.renewDeadlineMs + 100;
    while (performance.now() < until);
    await expect(guarded.create(ConfigMaps, bench.configMap('after'))).rejects.toThrow(LeaseLostError);
    await expect(bench.kube.get(ConfigMaps, bench.namespace, 'after')).rejects.toMatchObject({ status: 404 });
    expect(await one.done).toBeInstanceOf(LeaseLostError);
  });

  it('stops at once when the Lease names another', async () => {
    const one = candidate('one');
    await eventually('a leader', 5_000, () => one.working());
    await eventually('a usurper', 2_000, async () => {
      const live = await bench.kube.get(Leases, bench.namespace, lease);
      const spec = { ...live.spec, holderIdentity: 'usurper' };
      return bench.kube.replace(Leases, { ...live, spec }).catch(() => undefined);
    });
    bench.complaints.length = 0;
    expect(await one.done).toBeInstanceOf(LeaseLostError);
    // Not because its time had passed.
    expect(bench.complaints[0]).toContain('is now held by usurper');
    expect((await stored()).holder).toBe('usurper');
  });

  it('goes on when the answer to a renewal was lost', async () => {
    let losses = 0;
    const kube: LeaderElectionOptions['kube'] = {
      ...bench.kube,
      replace: async (type, object, options) => {
        const written = await bench.kube.replace(type, object, options);
        if (losses < 2) {
          losses += 1;
          throw new Error('the answer was lost');
        }
        return written;
      },
    };
    const one = candidate('one', kube, PATIENT);
    await eventually('a leader', 10_000, () => one.working());
    await eventually('two lost answers', 5_000, () => losses === 2);
    const { metadata } = await bench.kube.get(Leases, bench.namespace, lease);
    await eventually('a renewal after them', 5_000, async () => {
      const live = await bench.kube.get(Leases, bench.namespace, lease);
      return live.metadata.resourceVersion !== metadata.resourceVersion;
    });
    expect(one.working()).toBe(true);
    await end(one);
  });

  it('renews while every connection for calls is busy', async () => {
    let renewals = 0;
    const kube = createKubeClient(bench.config, {
      observe: ({ verb, resource, status }) => {
        if (verb === 'update' && resource === 'leases' && status === 200) renewals += 1;
      },
    });
    const one = candidate('one', kube, PATIENT);
    await eventually('a leader', 10_000, () => one.working());
    renewals = 0;
    const until = performance.now() + 3_000;
    const lists = Array.from({ length: 24 }, async () => {
      while (performance.now() < until) await kube.list(ConfigMaps);
    });
    await Promise.all(lists);
    expect(renewals).toBeGreaterThan(2);
    expect(one.working()).toBe(true);
    await end(one);
    kube.close();
  });

  it('takes a Lease that was given up, whoever made it', async () => {
    const { kube, namespace } = bench;
    const metadata = { name: lease, namespace };
    const blank = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec: { leaseTransitions: 7 },
    } as const;
    await kube.create(Leases, released(blank, Date.now()));
    const one = candidate('one', kube, PATIENT);
    // Sooner than any Lease runs out.
    await eventually('a leader', 10_000, () => one.working());
    expect(await stored()).toEqual({ holder: 'one', transitions: 8 });
    await end(one);
  });
});
