// The certificates must verify with an independent implementation (node's TLS), and be renewed for the right reasons.
import { X509Certificate } from 'node:crypto';
import { createServer, connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { createAuthority, issue, renewalReason } from './pki.ts';
import type { KeyPair } from './pki.ts';

const NOW = new Date();
const DAY_MS = 24 * 3_600_000;
const REQUEST = {
  commonName: 'demo-lb',
  dnsNames: ['localhost', '*.demo-lb.ns.svc'],
  ipAddresses: ['127.0.0.1'],
};

async function handshake(server: KeyPair, ca: string): Promise<boolean> {
  const listener = createServer({ cert: server.certificate, key: server.key }, (socket) =>
    socket.end('hello'),
  );
  listener.on('tlsClientError', () => undefined);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const socket = connect({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    ca,
    servername: 'localhost',
  });
  try {
    await once(socket, 'secureConnect');
    return socket.authorized;
  } finally {
    socket.destroy();
    listener.close();
  }
}

describe('pki', () => {
  it('signs certificates that a TLS client accepts with the CA and refuses without it', async () => {
    const ca = await createAuthority('demo', NOW);
    const other = await createAuthority('other', NOW);
    const leaf = await issue(ca, REQUEST, NOW);
    expect(await handshake(leaf, ca.certificate)).toBe(true);
    await expect(handshake(leaf, other.certificate)).rejects.toThrow(/certificate/);
  });

  it('covers the names asked for and nothing else', async () => {
    const ca = await createAuthority('demo', NOW);
    const leaf = new X509Certificate((await issue(ca, REQUEST, NOW)).certificate);
    expect(leaf.checkHost('demo-lb-0.demo-lb.ns.svc')).toBeDefined();
    expect(leaf.checkHost('demo-lb-0.other.ns.svc')).toBeUndefined();
    expect(leaf.checkIP('127.0.0.1')).toBeDefined();
    expect(leaf.ca).toBe(false);
  });

  it('names the reason to renew, and none while the certificate serves', async () => {
    const ca = await createAuthority('demo', NOW);
    const other = await createAuthority('other', NOW);
    const leaf = await issue(ca, REQUEST, NOW);
    const reason = (pair: KeyPair | undefined, now = NOW, authority = ca.certificate, request = REQUEST) =>
      renewalReason(pair, authority, request, now);
    expect(reason(leaf)).toBeUndefined();
    expect(reason(leaf, new Date(NOW.getTime() + 59 * DAY_MS))).toBeUndefined();
    expect(reason(leaf, new Date(NOW.getTime() + 61 * DAY_MS))).toMatch(/end/);
    expect(reason(undefined)).toMatch(/none/);
    expect(reason({ ...leaf, certificate: 'garbage' })).toMatch(/read/);
    expect(reason({ ...leaf, key: (await issue(ca, REQUEST, NOW)).key })).toMatch(/key/);
    expect(reason(leaf, NOW, other.certificate)).toMatch(/authority/);
    expect(reason(leaf, NOW, ca.certificate, { ...REQUEST, ipAddresses: ['10.77.0.100'] })).toMatch(
      /10\.77\.0\.100/,
    );
  });
});
