// The agents' core against the real API server: heartbeats, verdicts, role records and slices of agents that run in this process.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Heartbeat } from '../../src/agent/heartbeat.ts';
import { holderIdentity } from '../../src/agent/identity.ts';
import type { Identity } from '../../src/agent/identity.ts';
import { Peers } from '../../src/agent/peers.ts';
import { RoleClient } from '../../src/agent/role.ts';
import { taking } from '../../src/agent/role-record.ts';
import { Slices } from '../../src/agent/slices.ts';
import type { Profile } from '../../src/agent/timing.ts';
import { messageOf } from '../../src/errors.ts';
import { createKubeClient } from '../../src/kube/http-client.ts';
import type { HttpKubeClient } from '../../src/kube/http-client.ts';
import { EndpointSlices, Leases } from '../../src/kube/resources.ts';
import type { EndpointSlice, Lease } from '../../src/kube/types.ts';
import { eventually, openBench, pause } from './kube-support.ts';
import type { Bench } from './kube-support.ts';

const CLUSTER = 'core';
const ROLE = 'core-role';
const SERVICE = 'core-service';
/** Level Fast. */
const DURATION_MS = 3_000;

let bench: Bench;
const agents: Agent[] = [];

/** One agent with connections of its own, as in a pod. */
class Agent {
  readonly identity: Identity;
  readonly peers: Peers;
  readonly heartbeat: Heartbeat;
  readonly role: RoleClient;
  readonly slices: Slices;
  readonly ended: Promise<unknown>;
  /** Runs of `onRenewed`, by their `certainUntil`. */
  readonly renewals: number[] = [];
  gateOpen = true;
  readonly #kube: HttpKubeClient;
  readonly #end = new AbortController();

  constructor(pod: string, uid: string, node: string, profile: Profile = 'Fast') {
    const { log, namespace } = bench;
    const identity = { cluster: CLUSTER, namespace, pod, uid, ip: '10.0.0.1', node };
    const kube = createKubeClient(bench.config);
    this.identity = identity;
    this.#kube = kube;
    this.peers = new Peers({ kube, identity, log });
    this.heartbeat = new Heartbeat({
      kube,
      identity,
      peers: this.peers,
      log,
      beat: 'candidate',
      profile: () => profile,
      gate: () => Promise.resolve(this.gateOpen),
      onRenewed: (until) => this.renewals.push(until),
    });
    this.role = new RoleClient({ kube, identity, peers: this.peers, role: ROLE });
    this.slices = new Slices({ kube, identity });
    const { signal } = this.#end;
    this.ended = Promise.all([this.peers.run(signal), this.heartbeat.run(signal)]).then(
      () => undefined,
      (error: unknown) => error,
    );
    agents.push(this);
  }

  get self(): string {
    return holderIdentity(this.identity);
  }

  /** Falls silent without a word. */
  async die(): Promise<void> {
    this.#end.abort();
    await this.ended;
    this.#kube.close();
  }
}

async function beating(...pods: readonly Agent[]): Promise<void> {
  await eventually('all beat and see each other', 20_000, () =>
    pods.every(
      ({ heartbeat, peers }) =>
        heartbeat.certain() &&
        pods.every(({ self }) => peers.members().some(({ identity }) => identity === self)),
    ),
  );
}

function lease(name: string, labels: Readonly<Record<string, string>> = {}): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace: bench.namespace,
      labels: { 'app.kubernetes.io/instance': CLUSTER, ...labels },
    },
    spec: {},
  };
}

beforeAll(async () => {
  bench = await openBench('it-agent');
}, 90_000);

afterAll(async () => {
  await bench.close();
});

beforeEach(async () => {
  const { kube, namespace } = bench;
  for (const name of ['a', 'b', ROLE]) await kube.delete(Leases, namespace, name).catch(() => undefined);
  await kube.delete(EndpointSlices, namespace, SERVICE).catch(() => undefined);
  for (const name of ['a', 'b']) await kube.create(Leases, lease(name));
  await kube.create(Leases, lease(ROLE, { 'spacecluster.dev/role': 'vip' }));
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: SERVICE, namespace },
    addressType: 'IPv4',
    endpoints: [],
  };
  await kube.create(EndpointSlices, slice);
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.die();
});

describe('heartbeats', () => {
  test('who falls silent is dead after one duration, not before; who beats is not', async () => {
    const [a, b] = [new Agent('a', '1', 'n1'), new Agent('b', '1', 'n2')];
    await beating(a, b);
    expect(b.peers.isDead(a.self)).toBe(false);
    await a.die();
    const until = a.heartbeat.certainUntil();
    await eventually('b takes a for dead', 20_000, () => b.peers.isDead(a.self));
    // L1: by then a has long stopped to rely on its Lease.
    expect(performance.now()).toBeGreaterThan(until);
    expect(b.peers.silentFor(a.self)).toBeGreaterThanOrEqual(DURATION_MS);
    expect(b.peers.isDead(b.self)).toBe(false);
  }, 60_000);

  test('who leaves in order is known to be gone at once', async () => {
    const [a, b] = [new Agent('a', '1', 'n1'), new Agent('b', '1', 'n2')];
    await beating(a, b);
    await a.die();
    const { kube, log } = bench;
    const { identity, peers } = a;
    const leaver = new Heartbeat({ kube, identity, peers, log, beat: 'candidate', profile: () => 'Fast' });
    await leaver.release();
    await eventually('b knows', 2_000, () => b.peers.isDead(a.self));
    expect(b.peers.silentFor(a.self)).toBeLessThan(DURATION_MS);
  }, 60_000);

  test('a closed gate ends the certainty (M8), and an opened one renews it', async () => {
    const a = new Agent('a', '1', 'n1');
    await beating(a);
    a.gateOpen = false;
    await eventually('nothing is certain any more', 10_000, () => !a.heartbeat.certain());
    a.gateOpen = true;
    await eventually('renewed', 10_000, () => a.heartbeat.certain());
    expect(a.renewals.length).toBeGreaterThan(1);
  }, 60_000);

  test('a renewal is as slow as the gate that holds it up: Auto slows down with the second (M8)', async () => {
    const a = new Agent('a', '1', 'n1', 'Auto');
    await beating(a);
    const heldUp = async (): Promise<void> => {
      a.gateOpen = false;
      await pause(1_200);
      a.gateOpen = true;
      const before = a.renewals.length;
      await eventually('renewed', 10_000, () => a.renewals.length > before);
    };
    await heldUp();
    await heldUp();
    expect(a.heartbeat.level()).not.toBe('Fast');
  }, 60_000);

  test('a newer pod of the same name takes the Lease over, and the older one ends', async () => {
    const [old, b] = [new Agent('a', '1', 'n1'), new Agent('b', '1', 'n2')];
    await beating(old, b);
    const fresh = new Agent('a', '2', 'n3');
    await beating(fresh, b);
    expect(messageOf(await old.ended)).toMatch(/belongs to a newer pod/);
    expect(old.heartbeat.certain()).toBe(false);
    expect(b.peers.isReplaced(old.self)).toBe(true);
    await eventually('b takes the older one for dead', 20_000, () => b.peers.isDead(old.self));
    expect(b.peers.isDead(fresh.self)).toBe(false);
  }, 60_000);
});

describe('roles', () => {
  test('of two that take at once one has it, at the next epoch', async () => {
    const [a, b] = [new Agent('a', '1', 'n1'), new Agent('b', '1', 'n2')];
    await beating(a, b);
    const outcomes = await Promise.all(
      [a, b].map(async ({ role, self }) => {
        const base = role.current();
        if (base === undefined) throw new Error('the role was not seen');
        return role.write(base, taking(base, self));
      }),
    );
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['conflict', 'done']);
    const record = await a.role.read();
    expect(record.epoch).toBe(1);
    expect([a.self, b.self]).toContain(record.holder);
  }, 60_000);

  test('a holder that woke up and wrote its record cannot be replaced on the strength of an older look at it (M4, M11)', async () => {
    const [a, b] = [new Agent('a', '1', 'n1'), new Agent('b', '1', 'n2')];
    await beating(a, b);
    const empty = await a.role.read();
    await a.role.write(empty, taking(empty, a.self));
    await eventually('b sees the holder', 5_000, () => b.role.current()?.holder === a.self);
    const judged = b.role.current();
    const own = await a.role.read();
    expect((await a.role.write(own, { phase: 'open' })).kind).toBe('done');
    if (judged === undefined) throw new Error('the role was not seen');
    expect(await b.role.write(judged, taking(judged, b.self))).toEqual({ kind: 'conflict' });
  }, 60_000);
});

describe('slices', () => {
  const endpoints = async (): Promise<string> => {
    const slice = await bench.kube.get(EndpointSlices, bench.namespace, SERVICE);
    const pods = (slice.endpoints ?? []).map(({ targetRef }) => targetRef?.name ?? '');
    return pods.toSorted((left, right) => (left < right ? -1 : 1)).join();
  };

  test('an older epoch overrules no newer one (L2), and nobody withdraws another', async () => {
    const [a, b] = [new Agent('a', '1', 'n1'), new Agent('b', '1', 'n2')];
    const signal = AbortSignal.timeout(20_000);
    await a.slices.publishSole(SERVICE, 1, signal);
    await b.slices.publishSole(SERVICE, 2, signal);
    await expect(a.slices.publishSole(SERVICE, 1, signal)).rejects.toThrow(/epoch 2 already/);
    await a.slices.withdraw(SERVICE, signal);
    expect(await endpoints()).toBe('b');
    expect(await b.slices.leadsToSelf(SERVICE, signal)).toBe(true);
    await b.slices.withdraw(SERVICE, signal);
    expect(await endpoints()).toBe('');
  }, 30_000);

  test('members that add and remove at once lose nobody', async () => {
    const [a, b] = [new Agent('a', '1', 'n1'), new Agent('b', '1', 'n2')];
    const signal = AbortSignal.timeout(20_000);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([a.slices.addSelf(SERVICE, signal), b.slices.addSelf(SERVICE, signal)]);
      expect(await endpoints()).toBe('a,b');
      await Promise.all([a.slices.withdraw(SERVICE, signal), b.slices.removeMember(SERVICE, 'a', signal)]);
      expect(await endpoints()).toBe('b');
    }
  }, 30_000);
});
