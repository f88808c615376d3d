// Which cookie-borne requests may change something: a table over what browsers and other clients send.
import { describe, expect, it } from '@jest/globals';
import { csrfRefusal } from './csrf.ts';

const facts = (change: Partial<Parameters<typeof csrfRefusal>[0]>) => ({
  method: 'POST',
  host: '10.77.0.100',
  origin: undefined,
  secFetchSite: undefined,
  ...change,
});

describe('csrfRefusal', () => {
  it.each([
    ['a read from anywhere', facts({ method: 'GET', origin: 'https://evil.example' })],
    ['our own page', facts({ secFetchSite: 'same-origin', origin: 'https://10.77.0.100' })],
    ['typed by the user', facts({ secFetchSite: 'none' })],
    ['our own page in an older browser', facts({ origin: 'https://10.77.0.100' })],
    ['no browser', facts({})],
  ])('lets pass: %s', (_what, given) => {
    expect(csrfRefusal(given)).toBeUndefined();
  });

  it.each([
    ['another site', facts({ secFetchSite: 'cross-site' })],
    ['a sibling site', facts({ secFetchSite: 'same-site', origin: 'https://10.77.0.100' })],
    ['another site in an older browser', facts({ origin: 'https://evil.example' })],
    ['the same host over plain HTTP', facts({ origin: 'http://10.77.0.100' })],
    ['another port', facts({ origin: 'https://10.77.0.100:8443' })],
    ['a sandboxed frame', facts({ origin: 'null' })],
    ['a request without host', facts({ origin: 'https://10.77.0.100', host: undefined })],
  ])('refuses: %s', (_what, given) => {
    expect(csrfRefusal(given)).toMatch(/^cross-site request/);
  });
});
