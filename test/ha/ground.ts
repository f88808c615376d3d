// The fabric that faults are tried on: its roles as they are now, the way to its parts, and when it is whole again.
import { decodeRole, podOf } from '../../src/agent/role-record.ts';
import { names, PORTS } from '../../src/api/v1alpha1/names.ts';
import type { HttpKubeClient } from '../../src/kube/http-client.ts';
import { Leases, Pods, Services } from '../../src/kube/resources.ts';
import type { Logger } from '../../src/log.ts';
import { makeNamespace, manifest, secretValue, untilSettled, whole } from '../integration/fabric.ts';
import type { Fabric } from '../integration/fabric.ts';
import { eventually, openBench } from '../integration/kube-support.ts';
import { mustKubectl } from '../integration/kubectl.ts';
import { untilOperatorLeads } from '../integration/operator.ts';
import type { NodeName } from '../lab/lab.ts';
import type { Target } from './clients/client.ts';
import { makeCanary, removeCanary } from './followers.ts';

const UP_MS = 480_000;
/** A lost node has to boot, Cassandra to start: minutes on two cores. */
const HEALED_MS = 360_000;

/** Far longer than the operator needs to hear of anything. */
const STAYS_MS = 4_000;

export type Role = 'vip' | 'mysql';
export type Kind = Target['kind'];

export class Ground {
  readonly kube: HttpKubeClient;
  readonly log: Logger;
  readonly fabric: Fabric;

  private constructor(kube: HttpKubeClient, log: Logger, fabric: Fabric) {
    this.kube = kube;
    this.log = log;
    this.fabric = fabric;
  }

  /** The fabric is made when it is not there, and left there: the next run goes on from it. */
  static async open(fabric: Fabric, spec: Readonly<Record<string, unknown>> = {}): Promise<Ground> {
    await makeNamespace(fabric.namespace);
    await mustKubectl(['apply', '-f', '-'], manifest(fabric, spec));
    await makeCanary();
    const { kube, log } = await openBench(fabric.namespace);
    const ground = new Ground(kube, log, fabric);
    await untilSettled(kube, fabric, UP_MS, whole);
    return ground;
  }

  close(): void {
    this.kube.close();
  }

  /** With its namespace, as people do: the finalizer must not wait for what can no longer be written there. */
  async remove(): Promise<void> {
    await mustKubectl(['delete', 'namespace', this.fabric.namespace, '--timeout=240s']);
    await removeCanary();
  }

  untilWhole(): Promise<unknown> {
    return untilSettled(this.kube, this.fabric, HEALED_MS, whole);
  }

  /**
   * After a fault: the status tells of before while no operator lives, and may not have heard of it yet.
   * @param earlier since when all was well as far as was seen, where this is the second look
   * @returns since when all is well, milliseconds since 1970
   */
  async untilStaysWhole(earlier = Number.POSITIVE_INFINITY): Promise<number> {
    await untilOperatorLeads(HEALED_MS);
    let since = earlier;
    await untilSettled(this.kube, this.fabric, HEALED_MS, (cluster) => {
      since = whole(cluster) ? Math.min(since, Date.now()) : Number.POSITIVE_INFINITY;
      return Date.now() - since >= STAYS_MS;
    });
    return since;
  }

  leaseOf(role: Role): string {
    return names(this.fabric.name).roleLeases[role];
  }

  /** The pod that holds a role; waits for one. */
  async holder(role: Role): Promise<string> {
    return eventually(`${role} has a holder`, HEALED_MS, async () => {
      const { holder } = decodeRole(await this.kube.get(Leases, this.fabric.namespace, this.leaseOf(role)));
      return holder === undefined ? undefined : podOf(holder);
    });
  }

  /** The other pod of the role's pair. */
  async standby(role: Role): Promise<string> {
    const holder = await this.holder(role);
    return holder.endsWith('-0') ? holder.replace(/0$/, '1') : holder.replace(/1$/, '0');
  }

  pod(suffix: string): string {
    return `${this.fabric.name}-${suffix}`;
  }

  async nodeOf(pod: string): Promise<NodeName> {
    const { spec } = await this.kube.get(Pods, this.fabric.namespace, pod);
    return spec?.nodeName as NodeName;
  }

  async uidOf(pod: string): Promise<string> {
    const { metadata } = await this.kube.get(Pods, this.fabric.namespace, pod);
    return metadata.uid ?? '';
  }

  /** @param service another Service than the part's own, such as that of one member */
  async target(kind: Kind, service?: string): Promise<Target> {
    const { namespace, name, address } = this.fabric;
    const ca = await this.#secret(names(name).secrets.ca, 'tls.crt');
    if (kind === 'http') {
      const shown = await this.#secret(names(name).secrets.tls, 'ca.crt');
      const none = { user: '', password: '', database: '' };
      return { kind, host: address, port: PORTS.https, ca: shown, serverName: address, ...none };
    }
    const { services, secrets } = names(name);
    const own = { mysql: services.mysqlRw, postgresql: services.postgresql, cassandra: services.cassandra };
    const { spec } = await this.kube.get(Services, namespace, service ?? own[kind]);
    return {
      kind,
      host: spec?.clusterIP ?? '',
      port: PORTS[kind],
      user: await this.#secret(secrets[kind], 'username'),
      password: await this.#secret(secrets[kind], 'password'),
      database: await this.#secret(secrets[kind], kind === 'cassandra' ? 'keyspace' : 'database'),
      ca,
      serverName: services.cassandra,
    };
  }

  #secret(secret: string, key: string): Promise<string> {
    return secretValue(this.kube, this.fabric.namespace, secret, key);
  }
}
