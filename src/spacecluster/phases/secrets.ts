// Phase: credentials and certificates exist, are complete and are not near their end.
import type { Secret } from '../../kube/types.ts';
import { isConflict, TerminalError, WaitingError } from '../../errors.ts';
import { Secrets } from '../../kube/resources.ts';
import { names } from '../../api/v1alpha1/names.ts';
import { completeSecret, credentialSpecs, emptyKeys } from '../credentials.ts';
import {
  authorityChange,
  certificateChange,
  certificateSpecs,
  keyPair,
  userCertificateChange,
} from '../certificates.ts';
import type { Scope } from '../scope.ts';

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
  const { cluster, now } = scope;
  const { secrets } = names(cluster.metadata.name);
  const authoritySecret = await ensureSecret(
    scope,
    secrets.ca,
    async (existing) => (await authorityChange(cluster, existing, now))?.secret,
    'the cluster has no certificate authority',
  );
  const authority = keyPair(authoritySecret);
  if (authority === undefined)
    throw new WaitingError('CertificateAuthorityMissing', `Secret ${secrets.ca} is not complete yet`);
  for (const spec of certificateSpecs(cluster)) {
    await ensureSecret(
      scope,
      spec.secret,
      async (existing) => (await certificateChange(cluster, spec, existing, authority, now))?.secret,
      'made or renewed',
    );
  }
  if (cluster.spec.tls.secretName !== undefined)
    await copyUserCertificate(scope, cluster.spec.tls.secretName);
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
    (existing) => userCertificateChange(scope.cluster, user, existing)?.secret,
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
  change: (existing: Secret | undefined) => Promise<Secret | undefined> | Secret | undefined,
  why: string,
): Promise<Secret> {
  const { kube, cluster, signal, log } = scope;
  const cached = scope.view.secret(name);
  const wanted = await change(cached);
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
  const completed = await change(current);
  if (completed === undefined) return current;
  log.info('secret completed', { name, why });
  return kube.replace(Secrets, completed, { signal });
}
