// The catalogue of faults: whom each strikes, what is seen of it from outside, and how it is undone.
import { SpaceClusters } from '../../src/api/v1alpha1/index.ts';
import { ANNOTATIONS } from '../../src/api/v1alpha1/names.ts';
import { eventually, pause, STATUS_EVERY_MS } from '../integration/kube-support.ts';
import { killOperators, operatorPods, scaleOperator } from '../integration/operator.ts';
import type { NodeName } from '../lab/lab.ts';
import { deleted, drained, killed, lasting, stopped } from './blows.ts';
import type { Blow } from './blows.ts';
import * as lab from '../lab/lab.ts';
import type { Ground, Kind, Role } from './ground.ts';

export interface Fault {
  readonly name: string;
  /** One of those that continuous integration runs. */
  readonly ci?: true;
  /** Whose clients keep a ledger meanwhile. */
  readonly ledgers: readonly Kind[];
  /** Whose clients end before it strikes, because it leaves them no place to stand. Their ledgers are looked up all the same. */
  readonly closed?: readonly Kind[];
  /** For how long, in milliseconds, clients of a kind may wait where it is not `WAITS_MS`. */
  readonly waitsMs?: Partial<Readonly<Record<Kind, number>>>;
  /** It takes the API server from nodes: it is over when all of them follow again. */
  readonly deafens?: true;
  /** Nodes that are lost or cut: clients stand elsewhere. */
  readonly strikes?: (ground: Ground) => Promise<readonly NodeName[]>;
  readonly strike: (ground: Ground) => Promise<Blow>;
}

const MINUTE = 60_000;

/** Nobody waits for longer without an acknowledgement: the slowest level of failure detection takes 15 s, a move the rest. */
export const WAITS_MS = 20_000;
/** Cassandra's members count each other as up or down by gossip: two that disagree about a third leave no quorum. */
const GOSSIP_MS = 30_000;
/** Far longer than clients may wait. */
const DEAF_MS = 40_000;
/** Machines boot, engines recover, Cassandra starts. */
const BOOT_MS = 3 * MINUTE;

/** Pods by what they are at that moment. */
type Who = (ground: Ground) => Promise<string>;
const primary: Who = (ground) => ground.holder('mysql');
const standby: Who = (ground) => ground.standby('mysql');
const balancer: Who = (ground) => ground.holder('vip');
const named =
  (suffix: string): Who =>
  async (ground) =>
    ground.pod(suffix);

const MYSQLD = { container: 'mysql', exe: 'mysqld' };
const POSTGRES = { container: 'postgresql', exe: 'postgres' };
const HAPROXY = { container: 'haproxy', exe: 'haproxy' };
const CASSANDRA = { container: 'cassandra', exe: 'java' };
const WORKER = { container: 'worker', exe: 'node' };
const AGENT = { container: 'agent', exe: 'node' };

/** The primary's, and so much later that of who was its standby. */
function bothKilled(laterMs: number): Fault['strike'] {
  return async (ground) => {
    const other = await standby(ground);
    const first = await killed(primary, MYSQLD)(ground);
    await pause(laterMs);
    await killed(async () => other, MYSQLD)(ground);
    return first;
  };
}

const PROCESSES: readonly Fault[] = [
  { name: 'mysqld of the primary is killed', ci: true, ledgers: ['mysql'], strike: killed(primary, MYSQLD) },
  { name: 'mysqld of the standby is killed', ledgers: ['mysql'], strike: killed(standby, MYSQLD) },
  {
    name: 'mysqld of the primary hangs',
    ci: true,
    ledgers: ['mysql'],
    strike: stopped(primary, MYSQLD, 20_000),
  },
  { name: 'mysqld of the standby hangs', ledgers: ['mysql'], strike: stopped(standby, MYSQLD, 20_000) },
  { name: "the primary's agent is killed", ledgers: ['mysql'], strike: killed(primary, AGENT) },
  {
    name: "the primary's agent hangs",
    ci: true,
    ledgers: ['mysql'],
    strike: stopped(primary, AGENT, 20_000),
  },
  {
    name: 'both mysqld are killed',
    ledgers: ['mysql'],
    strike: bothKilled(0),
  },
  {
    name: 'mysqld of the primary is killed, then that of the next',
    ledgers: ['mysql'],
    strike: bothKilled(1_000),
  },
  {
    name: 'postgres of a member is killed',
    ci: true,
    ledgers: ['postgresql'],
    strike: killed(named('postgresql-0'), POSTGRES),
  },
  {
    name: 'postgres of a member hangs',
    ci: true,
    ledgers: ['postgresql'],
    strike: stopped(named('postgresql-1'), POSTGRES, 20_000),
  },
  {
    name: "a PostgreSQL member's agent is killed",
    ledgers: ['postgresql'],
    strike: killed(named('postgresql-0'), AGENT),
  },
  {
    name: "a PostgreSQL member's agent hangs",
    ledgers: ['postgresql'],
    strike: stopped(named('postgresql-0'), AGENT, 20_000),
  },
  { name: 'haproxy of the holder is killed', ci: true, ledgers: ['http'], strike: killed(balancer, HAPROXY) },
  {
    name: 'haproxy of the holder hangs',
    ci: true,
    ledgers: ['http'],
    strike: stopped(balancer, HAPROXY, 20_000),
  },
  { name: "the holding balancer's agent is killed", ledgers: ['http'], strike: killed(balancer, AGENT) },
  {
    name: "the holding balancer's agent hangs",
    ledgers: ['http'],
    strike: stopped(balancer, AGENT, 20_000),
  },
  {
    name: 'a Cassandra member is killed',
    ci: true,
    ledgers: ['cassandra'],
    strike: killed(named('cassandra-r1-0'), CASSANDRA),
  },
  {
    name: 'a Cassandra member hangs',
    ledgers: ['cassandra'],
    strike: stopped(named('cassandra-r2-0'), CASSANDRA, 20_000),
  },
  { name: 'a worker is killed', ci: true, ledgers: ['http'], strike: killed(named('worker-0'), WORKER) },
  {
    name: 'a worker hangs',
    ci: true,
    ledgers: ['http'],
    strike: stopped(named('worker-1'), WORKER, 20_000),
  },
];

const PODS: readonly Fault[] = [
  { name: "the primary's pod is deleted", ci: true, ledgers: ['mysql'], strike: deleted(primary) },
  { name: "the primary's pod is deleted by force", ledgers: ['mysql'], strike: deleted(primary, 0) },
  { name: "the standby's pod is deleted", ledgers: ['mysql'], strike: deleted(standby) },
  {
    name: "a PostgreSQL member's pod is deleted",
    ledgers: ['postgresql'],
    strike: deleted(named('postgresql-0')),
  },
  {
    name: "a PostgreSQL member's pod is deleted by force",
    ledgers: ['postgresql'],
    strike: deleted(named('postgresql-1'), 0),
  },
  { name: "the holding balancer's pod is deleted", ledgers: ['http'], strike: deleted(balancer) },
  { name: "the holding balancer's pod is deleted by force", ledgers: ['http'], strike: deleted(balancer, 0) },
  {
    name: "a Cassandra member's pod is deleted",
    ledgers: ['cassandra'],
    strike: deleted(named('cassandra-r3-0')),
  },
  { name: "a worker's pod is deleted", ledgers: ['http'], strike: deleted(named('worker-0')) },
];

async function hasMoved(ground: Ground, role: Role, before: string): Promise<boolean> {
  return (await ground.holder(role)) !== before;
}

async function untilMoved(ground: Ground, role: Role, before: string): Promise<void> {
  await eventually(`the role moves: ${role}`, MINUTE, () => hasMoved(ground, role, before), STATUS_EVERY_MS);
}

/** A planned hand-over, asked for as an operator of networks would. */
function switchover(role: Role): Fault['strike'] {
  return async (ground) => {
    const { namespace, name } = ground.fabric;
    const before = await ground.holder(role);
    const at = Date.now();
    await ground.kube.mergePatch(SpaceClusters, namespace, name, {
      metadata: { annotations: { [ANNOTATIONS.switchover]: role } },
    });
    return {
      at,
      tookHold: () => hasMoved(ground, role, before),
      heal: async () => {
        // An annotation that goes before anything was done takes the demand back; the next one is a new demand.
        await untilMoved(ground, role, before);
        await ground.kube.mergePatch(SpaceClusters, namespace, name, {
          metadata: { annotations: { [ANNOTATIONS.switchover]: null } },
        });
      },
    };
  };
}

const PLANNED: readonly Fault[] = [
  {
    name: 'a hand-over of the primary is asked for',
    ci: true,
    ledgers: ['mysql'],
    strike: switchover('mysql'),
  },
  { name: 'a hand-over of the Web IP is asked for', ci: true, ledgers: ['http'], strike: switchover('vip') },
];

const ALL: readonly Kind[] = ['mysql', 'postgresql', 'cassandra', 'http'];

/**
 * Something of the pod's node is away for `ms`. The clients are elsewhere: they would be cut off with it, or, where its kube-proxy
 * knows of no change meanwhile, go to where a role was.
 */
function nodeFault(
  who: Who,
  begin: (node: NodeName) => Promise<void>,
  end: (node: NodeName) => Promise<void>,
  ms = 30_000,
): Omit<Fault, 'name'> {
  const nodeOf = async (ground: Ground): Promise<NodeName> => ground.nodeOf(await who(ground));
  return {
    ledgers: ALL,
    waitsMs: { cassandra: GOSSIP_MS },
    deafens: true,
    strikes: async (ground) => [await nodeOf(ground)],
    strike: async (ground) => {
      const node = await nodeOf(ground);
      return lasting(
        ms,
        () => begin(node),
        () => end(node),
      );
    },
  };
}

const linkLost = (who: Who): ReturnType<typeof nodeFault> =>
  nodeFault(
    who,
    (node) => lab.setLink(node, 'down'),
    (node) => lab.setLink(node, 'up'),
  );

const powerLost = (who: Who, ms?: number): ReturnType<typeof nodeFault> =>
  nodeFault(
    who,
    (node) => lab.setNode(node, 'stop'),
    (node) => lab.setNode(node, 'start'),
    ms,
  );

const apiLost = (who: Who): ReturnType<typeof nodeFault> =>
  nodeFault(
    who,
    (node) => lab.setApiReach(node, 'cut'),
    (node) => lab.setApiReach(node, 'uncut'),
  );

function apiAway(ms: number): Omit<Fault, 'name'> {
  return {
    ledgers: ALL,
    deafens: true,
    strike: () =>
      lasting(
        ms,
        () => lab.setApiServer('stop'),
        () => lab.setApiServer('start'),
      ),
  };
}

/**
 * So long that its balancer is given up, and made anew on another node: Kubernetes calls a node NotReady after 40 to 50 s, the operator
 * waits for another minute.
 */
function givenUp(): Omit<Fault, 'name'> {
  const lost = powerLost(balancer, 150_000);
  return {
    ...lost,
    strike: async (ground) => {
      const pod = await balancer(ground);
      const [uid, node] = [await ground.uidOf(pod), await ground.nodeOf(pod)];
      const blow = await lost.strike(ground);
      const moved = async (): Promise<boolean> =>
        (await ground.uidOf(pod)) !== uid && (await ground.nodeOf(pod)) !== node;
      return { ...blow, tookHold: moved };
    },
  };
}

/** Of the packets from the primary's node to the standby's, or of all between them. */
function loss(percent: number, ways: 'one way' | 'both ways'): Omit<Fault, 'name'> {
  return {
    ledgers: ['mysql', 'postgresql'],
    strike: async (ground) => {
      const from = await ground.nodeOf(await primary(ground));
      const to = await ground.nodeOf(await standby(ground));
      return lasting(
        30_000,
        async () => {
          await lab.dropPackets(from, to, percent);
          if (ways === 'both ways') await lab.dropPackets(to, from, percent);
        },
        () => lab.clearFaults(),
      );
    },
  };
}

function disk(who: Who, state: 'fill' | 'freeze'): Omit<Fault, 'name'> {
  return {
    ledgers: ['mysql'],
    strike: async (ground) => {
      const ref = { namespace: ground.fabric.namespace, claim: `data-${await who(ground)}` };
      return lasting(
        30_000,
        () => lab.setVolume(ref, state),
        () => lab.setVolume(ref, state === 'fill' ? 'unfill' : 'thaw'),
      );
    },
  };
}

/** A blow that no node hears of for `DEAF_MS`: as it is after an outage of the API server. */
function whileDeaf(strike: Fault['strike']): Fault['strike'] {
  const each = (state: 'deaf' | 'hearing'): Promise<unknown> =>
    Promise.all(lab.NODES.map((node) => lab.setHearing(node, state)));
  return async (ground) => {
    try {
      await each('deaf');
      const blow = await strike(ground);
      await pause(DEAF_MS);
      return blow;
    } finally {
      await each('hearing');
    }
  };
}

const MACHINES: readonly Fault[] = [
  { name: "the primary's node loses its link for 30 s", ...linkLost(primary) },
  { name: "the standby's node loses its link for 30 s", ...linkLost(standby) },
  { name: "the balancer's node loses its link for 30 s", ...linkLost(balancer) },
  { name: "the primary's node loses its power", ...powerLost(primary) },
  { name: "the balancer's node stays without power until its balancer is given up", ...givenUp() },
  { name: 'each node is drained in turn', ledgers: ALL, strike: drained(lab.NODES) },
  { name: 'packets from the primary to the standby are lost', ...loss(100, 'one way') },
  { name: '30 % of the packets between the pair are lost', ...loss(30, 'both ways') },
  { name: 'the disk of the primary is full', ...disk(primary, 'fill') },
  { name: 'the disk of the primary stalls', ...disk(primary, 'freeze') },
  { name: 'the API server is away for 60 s', ci: true, ...apiAway(MINUTE) },
  { name: 'the API server is away for 5 minutes', ...apiAway(5 * MINUTE) },
  {
    name: 'mysqld of the primary is killed while no node hears of it',
    ci: true,
    ledgers: ['mysql', 'http'],
    // The workers, and so clients of the Web IP, do not go by the nodes.
    waitsMs: { mysql: MINUTE },
    deafens: true,
    strike: whileDeaf(killed(primary, MYSQLD)),
  },
  {
    name: 'haproxy of the holder is killed while no node hears of it',
    ledgers: ['http'],
    deafens: true,
    strike: whileDeaf(killed(balancer, HAPROXY)),
  },
  { name: "the primary's node alone loses the API server for 30 s", ...apiLost(primary) },
  { name: "the balancer's node alone loses the API server for 30 s", ...apiLost(balancer) },
];

const ALL_OFF: Fault = {
  name: 'the whole lab is switched off and on',
  ledgers: ['http'],
  closed: ['mysql', 'postgresql', 'cassandra'],
  waitsMs: { http: BOOT_MS },
  deafens: true,
  strike: () =>
    lasting(
      5_000,
      async () => {
        await Promise.all([lab.setApiServer('stop'), ...lab.NODES.map((node) => lab.setNode(node, 'stop'))]);
      },
      async () => {
        await lab.setApiServer('start');
        await Promise.all(lab.NODES.map((node) => lab.setNode(node, 'start')));
      },
    ),
};

/** A fault, and what comes of it, without anybody but the agents. */
function withoutOperator(role: Role, strike: Fault['strike']): Fault['strike'] {
  return async (ground) => {
    const before = await ground.holder(role);
    await scaleOperator(0);
    const blow = await strike(ground);
    return {
      ...blow,
      heal: async () => {
        await untilMoved(ground, role, before);
        await blow.heal();
        await pause(10_000);
        await scaleOperator(2);
      },
    };
  };
}

/** Every pod with an agent is renewed, one after the other, by operators that live for a few seconds each. */
const operatorsKilled: Fault['strike'] = async (ground) => {
  const { namespace, name } = ground.fabric;
  const at = Date.now();
  const first = await operatorPods();
  await ground.kube.mergePatch(SpaceClusters, namespace, name, {
    spec: { resources: { agent: { requests: { cpu: `${20 + (at % 10)}m` } } } },
  });
  for (let round = 0; round < 12; round += 1) {
    await pause(5_000);
    await killOperators();
  }
  return {
    at,
    heal: async () => undefined,
    tookHold: async () => (await operatorPods()).every((pod) => !first.includes(pod)),
  };
};

const OPERATORS: readonly Fault[] = [
  {
    name: 'mysqld of the primary is killed while no operator runs',
    ledgers: ['mysql', 'http'],
    strike: withoutOperator('mysql', killed(primary, MYSQLD)),
  },
  {
    name: 'haproxy of the holder is killed while no operator runs',
    ledgers: ['http'],
    strike: withoutOperator('vip', killed(balancer, HAPROXY)),
  },
  {
    name: 'the operator is killed every 5 s while all parts are renewed',
    ledgers: ALL,
    strike: operatorsKilled,
  },
];

export const FAULTS: readonly Fault[] = [
  ...PROCESSES,
  ...PODS,
  ...PLANNED,
  ...MACHINES,
  ...OPERATORS,
  ALL_OFF,
];
