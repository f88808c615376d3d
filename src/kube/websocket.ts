// As much of WebSocket (RFC 6455) as reading from the API server needs: whole messages out of a byte stream. Node's own client
// takes neither our certificates nor a token, and costs 8 MB.
import { ApiUnreachableError } from '../errors.ts';

const FINAL = 0x80;
const MASKED = 0x80;
const SHORT_LENGTH = 125;
const LENGTH_16 = 126;
/** Nothing that is asked for by exec comes near it. */
const MAX_MESSAGE = 4 * 1024 * 1024;

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type Message =
  | { readonly kind: 'data'; readonly data: Buffer }
  | { readonly kind: 'ping'; readonly data: Buffer }
  | { readonly kind: 'close' };

/** Takes bytes as they come and gives the messages that are whole. */
export class FrameReader {
  #buffer: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];

  /** @throws ApiUnreachableError when the other side does not keep to the protocol */
  read(bytes: Buffer): readonly Message[] {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    const messages: Message[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      const message = this.#message(frame.head, frame.payload);
      if (message !== undefined) messages.push(message);
    }
    return messages;
  }

  #next(): { readonly head: number; readonly payload: Buffer } | undefined {
    const buffer = this.#buffer;
    if (buffer.length < 2) return undefined;
    const head = buffer.readUInt8(0);
    const second = buffer.readUInt8(1);
    if ((second & MASKED) !== 0) throw new ApiUnreachableError('exec: the API server sent a masked frame');
    const extra = second <= SHORT_LENGTH ? 0 : second === LENGTH_16 ? 2 : 8;
    if (buffer.length < 2 + extra) return undefined;
    const length =
      extra === 0 ? second : extra === 2 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
    if (length > MAX_MESSAGE) throw new ApiUnreachableError(`exec: a frame of ${length} bytes is too long`);
    const start = 2 + extra;
    if (buffer.length < start + length) return undefined;
    this.#buffer = buffer.subarray(start + length);
    return { head, payload: buffer.subarray(start, start + length) };
  }

  #message(head: number, payload: Buffer): Message | undefined {
    switch (head & 0x0f) {
      case OPCODE.continuation:
      case OPCODE.text:
      case OPCODE.binary: {
        this.#parts.push(payload);
        if ((head & FINAL) === 0) return undefined;
        const data = Buffer.concat(this.#parts);
        this.#parts = [];
        return { kind: 'data', data };
      }
      case OPCODE.ping:
        return { kind: 'ping', data: payload };
      case OPCODE.close:
        return { kind: 'close' };
      default:
        return undefined;
    }
  }
}

/** A client's answer to a ping. @param mask four random bytes, as the protocol asks for */
export function pong(data: Buffer, mask: Buffer): Buffer {
  const payload = Buffer.from(data.subarray(0, SHORT_LENGTH));
  for (const [index, byte] of payload.entries()) payload[index] = byte ^ (mask[index % mask.length] ?? 0);
  return Buffer.concat([Buffer.from([FINAL | OPCODE.pong, MASKED | payload.length]), mask, payload]);
}
