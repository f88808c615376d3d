// Phase: credentials and certificates exist, are complete and are not near their end.
import type { Secret } from '../../kube/types.ts';
import { isConflict, TerminalError, WaitingError } from '../../errors.ts';
import { Secrets } from '../../kube/resources.ts';
import { names } from '../../api/v1alpha1/names.ts';
import { completeSecret, credentialSpecs, emptyKeys } from '../credentials.ts';
import {
  authorityName,
  authoritySecret,
  certificateDue,
  certificateSecret,
  certificateSpecs,
  keyPair,
  userCertificateChange,
} from '../certificates.ts';
import type { KeyPair } from '../pki.ts';
import type { Scope } from '../scope.ts';
import { sign } from '../signer.ts';

export async function ensureSecrets(scope: Scope): Promise<void> {
  for (const spec of credentialSpecs(scope.cluster)) {
    const { data } = await ensureSecret(
      scope,
      spec.secret,
      (existing) => completeSecret(scope.cluster, spec, existing),
      'keys were missing',
    );
    const empty = emptyKeys(data);
    if (empty.length > 0) {
      throw new TerminalError(
        'SecretIncomplete',
        `Secret ${spec.secret}: ${empty.join(', ')} must not be empty; remove the key to have it made anew`,
      );
    }
  }
  await ensureCertificates(scope);
}

async function ensureCertificates(scope: Scope): Promise<void> {
  const { cluster } = scope;
  const authority = await ensureAuthority(scope);
  await ensureLeaves(scope, authority);
  if (cluster.spec.tls.secretName !== undefined)
    await copyUserCertificate(scope, cluster.spec.tls.secretName);
}

async function ensureAuthority(scope: Scope): Promise<KeyPair> {
  const { cluster, now, signal, view } = scope;
  const { ca } = names(cluster.metadata.name).secrets;
  const cached = keyPair(view.secret(ca));
  if (cached !== undefined) return cached;
  const [made] = await sign({ kind: 'authority', commonName: authorityName(cluster) }, now, signal);
  const secret = await ensureSecret(
    scope,
    ca,
    (existing) => made && authoritySecret(cluster, existing, made),
    'the cluster has no certificate authority',
  );
  const authority = keyPair(secret);
  if (authority === undefined)
    throw new WaitingError('CertificateAuthorityMissing', `Secret ${ca} is not complete yet`);
  return authority;
}

/** All that are due are signed by one process. */
async function ensureLeaves(scope: Scope, authority: KeyPair): Promise<void> {
  const { cluster, now, signal, view } = scope;
  const due = certificateSpecs(cluster).filter(
    (spec) => certificateDue(spec, view.secret(spec.secret), authority, now) !== undefined,
  );
  if (due.length === 0) return;
  const requests = due.map(({ request }) => request);
  const made = await sign({ kind: 'leaves', authority, requests }, now, signal);
  for (const [index, spec] of due.entries()) {
    const pair = made[index];
    await ensureSecret(
      scope,
      spec.secret,
      (existing) =>
        pair === undefined || certificateDue(spec, existing, authority, now) === undefined
          ? undefined
          : certificateSecret(cluster, spec, existing, authority, pair),
      'made or renewed',
    );
  }
}

async function copyUserCertificate(scope: Scope, name: string): Promise<void> {
  const user = await scope.kube.get(Secrets, scope.cluster.metadata.namespace, name, {
    signal: scope.signal,
  });
  if (keyPair(user) === undefined) {
    throw new TerminalError(
      'TLSSecretIncomplete',
      `spec.tls.secretName: Secret ${name} must have the keys tls.crt and tls.key`,
    );
  }
  await ensureSecret(
    scope,
    names(scope.cluster.metadata.name).secrets.tls,
    (existing) => userCertificateChange(scope.cluster, user, existing),
    `copied from ${name}`,
  );
}

/**
 * Writes what `change` asks for over what exists, and returns the Secret as it is then. A new Secret is created, an existing
 * one replaced at its version: nothing that somebody wrote meanwhile is lost (R3).
 */
async function ensureSecret(
  scope: Scope,
  name: string,
  change: (existing: Secret | undefined) => Secret | undefined,
  why: string,
): Promise<Secret> {
  const { kube, cluster, signal, log } = scope;
  const cached = scope.view.secret(name);
  const wanted = change(cached);
  if (wanted === undefined && cached !== undefined) return cached;
  try {
    if (cached === undefined && wanted !== undefined) {
      const created = await kube.create(Secrets, wanted, { signal });
      log.info('secret created', { name });
      return created;
    }
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
  // It exists after all: made by a user, or newer than the cache. Complete it as it is.
  const current = await kube.get(Secrets, cluster.metadata.namespace, name, { signal });
  const completed = change(current);
  if (completed === undefined) return current;
  log.info('secret completed', { name, why });
  return kube.replace(Secrets, completed, { signal });
}
