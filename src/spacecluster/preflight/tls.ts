// Check of the user's own certificate: there, complete, in force, and its key the right one.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { fail, PASS, warn } from './check.ts';
import type { Check, Finding } from './check.ts';
import type { Secret } from '../../kube/types.ts';

export const tlsSecretUsable: Check = ({ cluster, tlsSecret }, now) => {
  const name = cluster.spec.tls.secretName;
  if (name === undefined) return PASS;
  const where = `spec.tls.secretName: Secret ${cluster.metadata.namespace}/${name}`;
  if (tlsSecret === undefined) return fail('TLSSecretMissing', `${where} does not exist`);
  const [text, keyText] = [pem(tlsSecret, 'tls.crt'), pem(tlsSecret, 'tls.key')];
  if (text === undefined || keyText === undefined) {
    return fail(
      'TLSSecretMalformed',
      `${where} must hold tls.crt and tls.key; found ${Object.keys(tlsSecret.data ?? {}).join(', ') || 'nothing'}`,
    );
  }
  const certificate = parsed(() => new X509Certificate(text));
  if (certificate === undefined)
    return fail('TLSSecretMalformed', `${where}: tls.crt is not a PEM certificate`);
  const key = parsed(() => createPrivateKey(keyText));
  if (key === undefined)
    return fail('TLSSecretMalformed', `${where}: tls.key is not an unencrypted PEM private key`);
  if (!certificate.checkPrivateKey(key))
    return fail('TLSKeyMismatch', `${where}: tls.key is not the key of the certificate in tls.crt`);
  return inForce(certificate, where, now) ?? covering(certificate, where, cluster.spec.vip.address);
};

function inForce(certificate: X509Certificate, where: string, now: Date): Finding | undefined {
  if (certificate.validToDate <= now)
    return fail('TLSCertificateExpired', `${where}: the certificate was valid until ${certificate.validTo}`);
  if (certificate.validFromDate > now)
    return fail(
      'TLSCertificateNotYetValid',
      `${where}: the certificate is valid from ${certificate.validFrom}`,
    );
  return undefined;
}

/** Not an error: users may call the Web IP by a name that the certificate covers. */
function covering(certificate: X509Certificate, where: string, address: string): Finding {
  if (certificate.checkIP(address) !== undefined) return PASS;
  return warn(
    'TLSCertificateForOtherNames',
    `${where}: the certificate does not cover ${address}, only ${certificate.subjectAltName ?? certificate.subject}`,
  );
}

function pem(secret: Secret, key: string): string | undefined {
  const value = secret.data?.[key];
  return value === undefined || value === '' ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

/** The parser's own words may hold pieces of the key: only that it failed is told. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
