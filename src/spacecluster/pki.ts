// The cluster's own certificate authority: makes the CA, signs the Web IP's and the members' certificates, says when to renew.
import { createPrivateKey, X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import type * as X509 from '@peculiar/x509';

export interface KeyPair {
  /** PEM: the certificate, followed by its issuers where there are any. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface LeafRequest {
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3_600_000;
const CA_DAYS = 3_650;
const LEAF_DAYS = 90;
/** Certificates start a little in the past, for members whose clock is behind. */
const BACKDATE_MS = 3_600_000;

/** Only the process that signs loads the library (signer.ts). */
async function signing(): Promise<typeof X509> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** A self-signed CA, valid for ten years, allowed to sign leaves only. */
export async function createAuthority(commonName: string, now: Date): Promise<KeyPair> {
  const x509 = await signing();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${commonName}`,
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + CA_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** A certificate for a server that also acts as a client (members talk both ways), valid for 90 days. */
export async function issue(authority: KeyPair, request: LeafRequest, now: Date): Promise<KeyPair> {
  const x509 = await signing();
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await importKey(authority.key);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${request.commonName}`,
    issuer: issuer.subject,
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + LEAF_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([
        ...request.dnsNames.map((value) => ({ type: 'dns' as const, value })),
        ...request.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certificate: `${certificate.toString('pem')}\n${authority.certificate}`,
    key: await exportKey(keys.privateKey),
  };
}

/**
 * Why a certificate must be made anew, or undefined when it still serves: unreadable, not of this authority, another name,
 * or past two thirds of its life.
 */
export function renewalReason(
  pair: KeyPair | undefined,
  authorityCertificate: string,
  request: LeafRequest,
  now: Date,
): string | undefined {
  if (pair === undefined) return 'there is none yet';
  try {
    const certificate = new NodeCertificate(pair.certificate);
    if (!certificate.checkPrivateKey(createPrivateKey(pair.key)))
      return 'the key does not belong to the certificate';
    if (!certificate.verify(new NodeCertificate(authorityCertificate).publicKey))
      return 'it was signed by another authority';
    const covered = new Set((certificate.subjectAltName ?? '').split(', '));
    const wanted = [
      ...request.dnsNames.map((name) => `DNS:${name}`),
      ...request.ipAddresses.map((address) => `IP Address:${address}`),
    ];
    const missing = wanted.filter((name) => !covered.has(name));
    if (missing.length > 0) return `it does not cover ${missing.join(', ')}`;
    const from = certificate.validFromDate.getTime();
    const to = certificate.validToDate.getTime();
    return now.getTime() > from + ((to - from) * 2) / 3 ? 'it is near its end' : undefined;
  } catch {
    return 'it cannot be read';
  }
}

/** A positive serial number of 127 random bits (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}(?!$)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}
