// The talk between two agents, over real TLS on loopback: who gets an answer, and that a silent name service takes nothing with it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../log.ts';
import { createAuthority, issue } from '../../spacecluster/pki.ts';
import type { KeyPair } from '../../spacecluster/pki.ts';
import { PeerClient, servePeer } from './peer-channel.ts';

const HOST = 'm-1.m.ns.svc';
const ANSWER_MS = 5_000;
const SILENT_MS = 50;

let authority: KeyPair;
let port = 0;
const stop = new AbortController();

async function material(commonName: string): Promise<{ ca: string; cert: string; key: string }> {
  const names = { commonName, dnsNames: [HOST], ipAddresses: [] };
  const { certificate, key } = await issue(authority, names, new Date());
  return { ca: authority.certificate, cert: certificate, key };
}

/** A client whose name service says what `dns` does; how often it was asked. */
async function open(dns: () => Promise<string>, commonName = 'm') {
  const own = await material(commonName);
  const asked = { times: 0 };
  const resolve = async (): Promise<string> => {
    asked.times += 1;
    return dns();
  };
  return { asked, client: new PeerClient({ host: HOST, port, material: () => own, resolve }) };
}

const here = async (): Promise<string> => Promise.resolve('127.0.0.1');
const silent = async (): Promise<string> => Promise.withResolvers<string>().promise;

beforeAll(async () => {
  authority = await createAuthority('test', new Date());
  const own = await material('m');
  port = await servePeer({
    commonName: 'm',
    report: () => undefined,
    answer: async () => Promise.resolve('promised' as const),
    log: createLogger('error'),
    signal: stop.signal,
    material: () => own,
    port: 0,
  });
});

afterAll(() => {
  stop.abort();
});

describe('the channel between two agents', () => {
  it('answers a member, and nobody else', async () => {
    const member = await open(here);
    expect(await member.client.report(ANSWER_MS)).toBeUndefined();
    member.client.close();
    const stranger = await open(here, 'worker');
    await expect(stranger.client.report(ANSWER_MS)).rejects.toThrow(/503/);
    stranger.client.close();
  });

  it('asks a silent name service once, however often the peer is called', async () => {
    const { asked, client } = await open(silent);
    for (let call = 0; call < 5; call += 1) {
      await expect(client.report(SILENT_MS)).rejects.toThrow(/was not resolved/);
    }
    expect(asked.times).toBe(1);
  });

  it('asks again after a refusal', async () => {
    const answers = [async () => Promise.reject(new Error('ENOTFOUND')), here];
    const { client } = await open(async () => (answers.shift() ?? here)());
    await expect(client.report(ANSWER_MS)).rejects.toThrow(/not known: ENOTFOUND/);
    expect(await client.report(ANSWER_MS)).toBeUndefined();
    client.close();
  });

  it('goes on with the address that served when the peer was silent and the name service is', async () => {
    const answers = [here];
    const { asked, client } = await open(async () => (answers.shift() ?? silent)());
    expect(await client.report(ANSWER_MS)).toBeUndefined();
    // Too short for any answer: the address is doubted.
    await expect(client.report(0)).rejects.toThrow(/did not answer/);
    expect(await client.report(1_000)).toBeUndefined();
    expect(asked.times).toBe(2);
    client.close();
  });
});
