// Who this process is: the pod's identity as the downward API tells it.
import { ConfigError } from '../errors.ts';

export interface Identity {
  readonly cluster: string;
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly ip: string;
  readonly node: string;
}

const VARIABLES = {
  cluster: 'SPACECLUSTER',
  namespace: 'POD_NAMESPACE',
  pod: 'POD_NAME',
  uid: 'POD_UID',
  ip: 'POD_IP',
  node: 'NODE_NAME',
} as const satisfies Record<keyof Identity, string>;

/** @throws ConfigError naming the variables that are missing */
export function readIdentity(env: NodeJS.ProcessEnv): Identity {
  const missing = Object.values(VARIABLES).filter((name) => env[name] === undefined || env[name] === '');
  if (missing.length > 0) {
    throw new ConfigError(`not run as a pod of a SpaceCluster: ${missing.join(', ')} not set`);
  }
  const read = (key: keyof Identity): string => env[VARIABLES[key]] ?? '';
  return {
    cluster: read('cluster'),
    namespace: read('namespace'),
    pod: read('pod'),
    uid: read('uid'),
    ip: read('ip'),
    node: read('node'),
  };
}

/** `POD/UID`: what stands in `holderIdentity` of a Lease. */
export function holderIdentity(identity: Pick<Identity, 'pod' | 'uid'>): string {
  return `${identity.pod}/${identity.uid}`;
}

/** The 0, 1, 2 ... at the end of a StatefulSet pod's name. */
export function ordinalOf(pod: string): number {
  const ordinal = Number(/-(\d+)$/.exec(pod)?.[1]);
  if (!Number.isInteger(ordinal)) throw new ConfigError(`${pod} is not the name of a StatefulSet's pod`);
  return ordinal;
}
