import { beforeAll, describe, expect, it } from '@jest/globals';
import { sampleCluster } from '../../../test/unit/sample.ts';
import { facts } from '../../../test/unit/preflight-facts.ts';
import type { Secret } from '../../kube/types.ts';
import { createAuthority, issue } from '../pki.ts';
import type { KeyPair } from '../pki.ts';
import { tlsSecretUsable } from './tls.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const LATER = new Date('2027-11-22T12:00:00Z');
const EARLIER = new Date('2025-11-22T12:00:00Z');

let good: KeyPair;
let stranger: KeyPair;

beforeAll(async () => {
  const authority = await createAuthority('test', NOW);
  good = await issue(authority, { commonName: 'web', dnsNames: ['web'], ipAddresses: ['10.77.0.100'] }, NOW);
  stranger = await issue(authority, { commonName: 'web', dnsNames: ['web'], ipAddresses: [] }, NOW);
});

function finding(
  data: Readonly<Record<string, string>> | undefined,
  now = NOW,
): ReturnType<typeof tlsSecretUsable> {
  const tlsSecret: Secret | undefined =
    data === undefined
      ? undefined
      : {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'web', namespace: 'demo' },
          data: Object.fromEntries(
            Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
          ),
        };
  return tlsSecretUsable(facts({ cluster: sampleCluster({ tls: { secretName: 'web' } }), tlsSecret }), now);
}

describe('tlsSecretUsable', () => {
  it('passes a certificate with its key, for the address', () => {
    expect(finding({ 'tls.crt': good.certificate, 'tls.key': good.key })).toEqual({ kind: 'pass' });
    expect(tlsSecretUsable(facts(), NOW)).toEqual({ kind: 'pass' });
  });

  it('names what is wrong with the Secret, and never quotes the key', () => {
    const cases = [
      [finding(undefined), 'TLSSecretMissing', 'demo/web does not exist'],
      [finding({ 'tls.crt': good.certificate }), 'TLSSecretMalformed', 'found tls.crt'],
      [finding({ 'tls.crt': 'no', 'tls.key': good.key }), 'TLSSecretMalformed', 'tls.crt is not a PEM'],
      [finding({ 'tls.crt': good.certificate, 'tls.key': 'no' }), 'TLSSecretMalformed', 'tls.key is not'],
      [finding({ 'tls.crt': good.certificate, 'tls.key': stranger.key }), 'TLSKeyMismatch', 'not the key'],
      [
        finding({ 'tls.crt': good.certificate, 'tls.key': good.key }, LATER),
        'TLSCertificateExpired',
        'until',
      ],
      [
        finding({ 'tls.crt': good.certificate, 'tls.key': good.key }, EARLIER),
        'TLSCertificateNotYetValid',
        'from',
      ],
    ] as const;
    for (const [found, reason, message] of cases) {
      expect(found).toMatchObject({ kind: 'fail', reason });
      const text = found.kind === 'pass' ? '' : found.message;
      expect(text).toContain(message);
      expect(text).toMatch(/^spec\.tls\.secretName: /);
      expect(text).not.toContain('PRIVATE KEY');
    }
  });

  it('warns of a certificate for other names', () => {
    expect(finding({ 'tls.crt': stranger.certificate, 'tls.key': stranger.key })).toMatchObject({
      kind: 'warn',
      reason: 'TLSCertificateForOtherNames',
    });
  });
});
