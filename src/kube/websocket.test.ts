// Messages come out whole however the bytes were cut.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { FrameReader, pong } from './websocket.ts';

function frame(opcode: number, payload: Buffer, final = true): Buffer {
  const head = Buffer.from([(final ? 0x80 : 0) | opcode]);
  if (payload.length <= 125) return Buffer.concat([head, Buffer.from([payload.length]), payload]);
  const length = Buffer.alloc(payload.length < 65_536 ? 3 : 9);
  if (payload.length < 65_536) {
    length[0] = 126;
    length.writeUInt16BE(payload.length, 1);
  } else {
    length[0] = 127;
    length.writeBigUInt64BE(BigInt(payload.length), 1);
  }
  return Buffer.concat([head, length, payload]);
}

describe('FrameReader', () => {
  it('gives back every message, wherever the stream is cut', () => {
    const sizes = fc.array(fc.constantFrom(0, 1, 125, 126, 300, 70_000), { maxLength: 6 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 5_000 }), (lengths, cut) => {
        const payloads = lengths.map((length, index) => Buffer.alloc(length, index + 1));
        const stream = Buffer.concat(payloads.map((payload) => frame(2, payload)));
        const reader = new FrameReader();
        const seen: Buffer[] = [];
        for (let at = 0; at < stream.length; at += cut) {
          for (const message of reader.read(stream.subarray(at, at + cut))) {
            if (message.kind === 'data') seen.push(message.data);
          }
        }
        expect(seen.map((data) => data.length)).toEqual(lengths);
        expect(seen.every((data, index) => data.equals(payloads[index] ?? Buffer.alloc(0)))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('joins fragments, and tells pings and the end', () => {
    const reader = new FrameReader();
    const bytes = Buffer.concat([
      frame(2, Buffer.from('ab'), false),
      frame(9, Buffer.from('p')),
      frame(0, Buffer.from('c')),
      frame(8, Buffer.alloc(0)),
    ]);
    expect(reader.read(bytes).map(({ kind }) => kind)).toEqual(['ping', 'data', 'close']);
  });

  it('refuses what no server sends', () => {
    expect(() => new FrameReader().read(Buffer.from([0x82, 0x81, 0, 0, 0, 0, 1]))).toThrow('masked');
  });

  it('answers a ping masked', () => {
    const answer = pong(Buffer.from('hi'), Buffer.from([1, 2, 3, 4]));
    expect([...answer]).toEqual([0x8a, 0x82, 1, 2, 3, 4, 'h'.charCodeAt(0) ^ 1, 'i'.charCodeAt(0) ^ 2]);
  });
});
