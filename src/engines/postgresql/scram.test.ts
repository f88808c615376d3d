import { describe, expect, test } from '@jest/globals';
import { scramVerifier, verifies } from './scram.ts';

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const RFC_7677 =
  'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=';

describe('SCRAM verifiers', () => {
  test('are those of RFC 7677’s example', () => {
    expect(scramVerifier('pencil', SALT)).toBe(RFC_7677);
  });

  test('tell the password they are of from another', () => {
    expect(verifies(RFC_7677, 'pencil')).toBe(true);
    expect(verifies(RFC_7677, 'pen')).toBe(false);
    expect(verifies(undefined, 'pencil')).toBe(false);
    expect(verifies('md5aaaa', 'pencil')).toBe(false);
  });
});
