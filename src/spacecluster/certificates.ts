// Which certificates a cluster has, and what the Secret of each must hold now. Pure.
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import { memberTlsSecret, names, objectLabels, workloadName } from '../api/v1alpha1/names.ts';
import type { Component } from '../api/v1alpha1/names.ts';
import type { Secret } from '../kube/types.ts';
import { renewalReason } from './pki.ts';
import type { KeyPair, LeafRequest } from './pki.ts';

interface CertificateSpec {
  readonly secret: string;
  readonly component: Component;
  readonly request: LeafRequest;
}

const COMPONENTS: readonly Component[] = ['mysql', 'postgresql', 'cassandra', 'loadbalancer', 'worker'];

/** The Web IP's certificate unless the user brings one, and one for each part's members. */
export function certificateSpecs(cluster: SpaceCluster): readonly CertificateSpec[] {
  const members = COMPONENTS.map((component) => ({
    secret: memberTlsSecret(cluster.metadata.name, component),
    component,
    request: {
      commonName: workloadName(cluster.metadata.name, component),
      dnsNames: memberNames(cluster, component),
      ipAddresses: ['127.0.0.1'],
    },
  }));
  if (cluster.spec.tls.secretName !== undefined) return members;
  const { services, secrets } = names(cluster.metadata.name);
  const web: CertificateSpec = {
    secret: secrets.tls,
    component: 'loadbalancer',
    request: {
      commonName: cluster.spec.vip.address,
      dnsNames: serviceNames(cluster, services.vip),
      ipAddresses: [cluster.spec.vip.address],
    },
  };
  return [web, ...members];
}

/** The names members of a part are called by: any pod of its headless Service, and the part's Services. */
function memberNames(cluster: SpaceCluster, component: Component): readonly string[] {
  const { services } = names(cluster.metadata.name);
  const cname = cluster.metadata.name;
  const byComponent: Readonly<Record<Component, readonly string[]>> = {
    mysql: [workloadName(cname, component), services.mysqlRw, services.mysqlRo],
    postgresql: [
      `${services.postgresql}-members`,
      services.postgresql,
      `${services.postgresql}-0`,
      `${services.postgresql}-1`,
    ],
    cassandra: [services.cassandra, `${services.cassandra}-members`],
    loadbalancer: [workloadName(cname, component), services.vip],
    worker: [services.workers],
  };
  const [headless] = byComponent[component];
  const pods = headless === undefined ? [] : serviceNames(cluster, `*.${headless}`);
  return [
    'localhost',
    ...pods,
    ...byComponent[component].flatMap((service) => serviceNames(cluster, service)),
  ];
}

/** The forms of a Service's name that a certificate has to cover. A wildcard needs its namespace. */
function serviceNames(cluster: SpaceCluster, service: string): readonly string[] {
  const qualified = `${service}.${cluster.metadata.namespace}`;
  const bare = service.startsWith('*.') ? [] : [service];
  return [...bare, qualified, `${qualified}.svc`, `${qualified}.svc.cluster.local`];
}

/** The name on the cluster's own CA. */
export function authorityName(cluster: SpaceCluster): string {
  return `${cluster.metadata.name}.${cluster.metadata.namespace} SpaceCluster CA`;
}

/** The CA's Secret with a new authority, unless it has one. It is never renewed by itself: clients trust it. */
export function authoritySecret(
  cluster: SpaceCluster,
  existing: Secret | undefined,
  made: KeyPair,
): Secret | undefined {
  if (keyPair(existing) !== undefined) return undefined;
  const name = names(cluster.metadata.name).secrets.ca;
  return tlsSecret(cluster, name, undefined, existing, made, made.certificate);
}

/** Why the certificate has to be made or renewed; undefined when what is there serves. */
export function certificateDue(
  spec: CertificateSpec,
  existing: Secret | undefined,
  authority: KeyPair,
  now: Date,
): string | undefined {
  return renewalReason(keyPair(existing), authority.certificate, spec.request, now);
}

/** The Secret of a certificate that was made anew. */
export function certificateSecret(
  cluster: SpaceCluster,
  spec: CertificateSpec,
  existing: Secret | undefined,
  authority: KeyPair,
  made: KeyPair,
): Secret {
  return tlsSecret(cluster, spec.secret, spec.component, existing, made, authority.certificate);
}

/**
 * The user's certificate, copied to the name that the balancers mount, so that changing it needs no restart. Undefined when
 * the copy is up to date.
 */
export function userCertificateChange(
  cluster: SpaceCluster,
  user: Secret,
  existing: Secret | undefined,
): Secret | undefined {
  const keys = ['tls.crt', 'tls.key', 'ca.crt'].filter((key) => user.data?.[key] !== undefined);
  if (keys.every((key) => existing?.data?.[key] === user.data?.[key])) return undefined;
  return {
    ...tlsSecretShell(cluster, names(cluster.metadata.name).secrets.tls, 'loadbalancer', existing),
    data: Object.fromEntries(keys.map((key) => [key, user.data?.[key] ?? ''])),
  };
}

/** The certificate and key of a TLS Secret; undefined unless both are there. */
export function keyPair(secret: Secret | undefined): KeyPair | undefined {
  const certificate = secret?.data?.['tls.crt'];
  const key = secret?.data?.['tls.key'];
  if (certificate === undefined || key === undefined) return undefined;
  return { certificate: decode(certificate), key: decode(key) };
}

function tlsSecret(
  cluster: SpaceCluster,
  name: string,
  component: Component | undefined,
  existing: Secret | undefined,
  pair: KeyPair,
  ca: string,
): Secret {
  return {
    ...tlsSecretShell(cluster, name, component, existing),
    data: { 'tls.crt': encode(pair.certificate), 'tls.key': encode(pair.key), 'ca.crt': encode(ca) },
  };
}

/** No owner reference: the CA and its certificates outlive the cluster unless deletionPolicy is Delete (R3). */
function tlsSecretShell(
  cluster: SpaceCluster,
  name: string,
  component: Component | undefined,
  existing: Secret | undefined,
): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: existing?.metadata ?? {
      name,
      namespace: cluster.metadata.namespace,
      labels: objectLabels(cluster.metadata.name, component),
    },
  };
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function decode(data: string): string {
  return Buffer.from(data, 'base64').toString('utf8');
}
