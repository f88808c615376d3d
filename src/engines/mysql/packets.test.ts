// The wire format: packets that arrive in any pieces, answers with rows, NULLs and errors, values that need quoting.
import { describe, expect, it } from '@jest/globals';
import { array, assert, integer, property, uint8Array } from 'fast-check';
import { Answer, bind, loginPayload, pack, readGreeting, readLoginReply, unpack } from './packets.ts';

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length =
    bytes.length < 0xfb
      ? Buffer.from([bytes.length])
      : Buffer.from([0xfc, bytes.length & 0xff, bytes.length >> 8]);
  return Buffer.concat([length, bytes]);
}

function column(name: string): Buffer {
  return Buffer.concat([
    text('def'),
    text(''),
    text('t'),
    text('t'),
    text(name),
    text(name),
    Buffer.alloc(13),
  ]);
}

const ERROR = Buffer.concat([Buffer.from([0xff, 0x1a, 0x04]), Buffer.from('#42S02Table gone')]);

describe('packets', () => {
  it('come whole out of any pieces', () => {
    assert(
      property(
        array(uint8Array({ maxLength: 40 }), { maxLength: 8 }),
        integer({ min: 1, max: 7 }),
        (payloads, piece) => {
          const stream = Buffer.concat(payloads.map((payload, index) => pack(index, Buffer.from(payload))));
          const found: Buffer[] = [];
          let rest: Buffer = Buffer.alloc(0);
          for (let at = 0; at < stream.length; at += piece) {
            const result = unpack(Buffer.concat([rest, stream.subarray(at, at + piece)]));
            found.push(...result.packets.map(({ payload }) => payload));
            rest = result.rest;
          }
          expect(found.map((each) => each.toString('hex'))).toEqual(
            payloads.map((payload) => Buffer.from(payload).toString('hex')),
          );
        },
      ),
    );
  });

  it('make a login that names the user and the plugin', () => {
    expect(loginPayload('space_agent').toString('latin1')).toMatch(/space_agent\0\0auth_socket\0$/);
    const greeting = Buffer.concat([Buffer.from([10]), Buffer.from('9.7.4\0'), Buffer.from([7, 1, 0, 0])]);
    expect(readGreeting(greeting)).toBe(263);
    expect(readLoginReply(Buffer.from([0, 0]))).toBe('done');
    expect(readLoginReply(Buffer.from([0xfe]))).toBe('again');
    expect(() => readLoginReply(ERROR)).toThrow('Table gone');
  });
});

describe('an answer', () => {
  it('has rows by column name, with NULL and long values', () => {
    const answer = new Answer();
    expect(answer.take(Buffer.from([2]))).toBeUndefined();
    answer.take(column('a'));
    answer.take(column('b'));
    answer.take(Buffer.concat([text('x'.repeat(300)), Buffer.from([0xfb])]));
    expect(answer.take(Buffer.from([0xfe, 0, 0]))).toEqual([{ a: 'x'.repeat(300), b: null }]);
  });

  it('may be empty, or an error', () => {
    expect(new Answer().take(Buffer.from([0, 0, 0]))).toEqual([]);
    expect(() => new Answer().take(ERROR)).toThrow(expect.objectContaining({ fields: { errno: 1_050 } }));
  });
});

describe('values', () => {
  it('are quoted', () => {
    expect(bind('SET a = ?, b = ?', ["it's \\ \0", 5])).toBe("SET a = 'it\\'s \\\\ \\0', b = 5");
    expect(() => bind('SELECT ?', [])).toThrow('more places than values');
  });
});
