// The record survives a round trip and anything that a hand may have made of it; the start script can read it.
import { describe, expect, it } from '@jest/globals';
import { decodeRecord, EMPTY_RECORD, encodeRecord } from './record.ts';

describe('record', () => {
  it('comes back as it was written, and as the same text', () => {
    const record = {
      ...EMPTY_RECORD,
      addresses: { b: '10.0.0.2', a: '10.0.0.1' },
      settled: 'x=1',
      spread: { space: 3 },
    };
    expect(decodeRecord(encodeRecord(record))).toEqual(record);
    expect(encodeRecord(decodeRecord(encodeRecord(record)))).toBe(encodeRecord(record));
  });

  it('reads in the words that the start script looks for', () => {
    const text = encodeRecord({
      ...EMPTY_RECORD,
      addresses: { 'demo-cassandra-r1-0': '10.0.0.1' },
      settled: '',
      spread: {},
    });
    expect(text).toContain('"addresses":{"');
    expect(text).toContain('"demo-cassandra-r1-0":"10.0.0.1"');
    expect(encodeRecord(EMPTY_RECORD)).not.toContain('"addresses":{"');
  });

  it('keeps what is under way, and nothing of it that makes no sense', () => {
    const record = {
      ...EMPTY_RECORD,
      leaving: 'a',
      left: { b: 'uid' },
      cleanup: ['a', 'c'],
      repaired: { a: '2026-01-01T00:00:00.000Z', c: '' },
      trouble: 'it went wrong',
      acted: { repair: 'x' },
    };
    expect(decodeRecord(encodeRecord(record))).toEqual(record);
    expect(decodeRecord('{"repaired":{"a":"yesterday","b":""},"cleanup":7}')).toEqual({
      ...EMPTY_RECORD,
      repaired: { b: '' },
    });
  });

  it.each([undefined, '', 'no json', 'null', '[]', '{"addresses":7}', '{"addresses":{"a":1}}'])(
    '%j is no record',
    (text) => {
      expect(decodeRecord(text)).toEqual(EMPTY_RECORD);
    },
  );
});
