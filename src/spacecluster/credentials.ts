// The passwords of a new cluster: made once, never changed by the operator, kept when the cluster is deleted (R3).
import { randomInt } from 'node:crypto';
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import { names, objectLabels } from '../api/v1alpha1/names.ts';
import type { Component } from '../api/v1alpha1/names.ts';
import type { Secret } from '../kube/types.ts';

/** Letters and digits only: safe in connection URLs, SQL and shell without quoting. 32 of them carry 190 bits. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const LENGTH = 32;

export function randomPassword(pick: (bound: number) => number = randomInt): string {
  return Array.from({ length: LENGTH }, () => ALPHABET.charAt(pick(ALPHABET.length))).join('');
}

interface CredentialSpec {
  readonly secret: string;
  readonly component?: Component;
  readonly fixed: Readonly<Record<string, string>>;
  readonly generated: readonly string[];
}

/** Every Secret of a cluster, its fixed keys and the keys that are generated. */
export function credentialSpecs(cluster: SpaceCluster): readonly CredentialSpec[] {
  const { secrets } = names(cluster.metadata.name);
  return [
    {
      secret: secrets.mysql,
      component: 'mysql',
      fixed: { username: 'space', database: 'space' },
      generated: ['password'],
    },
    {
      secret: secrets.postgresql,
      component: 'postgresql',
      fixed: { username: 'space', database: 'space' },
      generated: ['password'],
    },
    {
      secret: secrets.cassandra,
      component: 'cassandra',
      fixed: { username: 'space', keyspace: 'space' },
      generated: ['password'],
    },
    { secret: secrets.admin, component: 'worker', fixed: { username: 'super' }, generated: ['password'] },
    {
      secret: secrets.internal,
      fixed: {},
      generated: [
        'mysql-replication-password',
        'postgresql-replication-password',
        'cassandra-superuser-password',
        'session-key',
      ],
    },
  ];
}

/**
 * The Secret with every missing key filled in, or undefined when nothing is missing. Keys that exist are never replaced:
 * a changed password on old volumes would lock everybody out (R3).
 */
export function completeSecret(
  cluster: SpaceCluster,
  spec: CredentialSpec,
  existing: Secret | undefined,
  password: () => string = randomPassword,
): Secret | undefined {
  const wanted = [...Object.keys(spec.fixed), ...spec.generated];
  const missing = wanted.filter((key) => existing?.data?.[key] === undefined);
  if (missing.length === 0) return undefined;
  const filled = Object.fromEntries(missing.map((key) => [key, encode(spec.fixed[key] ?? password())]));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: existing?.metadata ?? {
      name: spec.secret,
      namespace: cluster.metadata.namespace,
      // No owner reference: Secrets outlive the cluster unless deletionPolicy is Delete.
      labels: objectLabels(cluster.metadata.name, spec.component),
    },
    data: { ...existing?.data, ...filled },
  };
}

/** Keys with nothing in them. They are not filled in, as somebody may be about to; and nobody takes an empty password up. */
export function emptyKeys(data: Secret['data']): readonly string[] {
  return Object.keys(data ?? {}).filter((key) => data?.[key] === '');
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
