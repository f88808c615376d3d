// The part of MySQL's client protocol that an agent needs on its local socket: greeting, login by UID, text queries. Pure.
import { EngineError } from '../../errors.ts';

/** One row, by column name; every value as text. */
export type Row = Readonly<Record<string, string | null>>;

const HEADER = 4;
/** Longer payloads travel in several packets; nothing an agent asks is so long. */
const LONGEST = 0xff_ff_ff;

/** CLIENT_LONG_PASSWORD, _PROTOCOL_41, _TRANSACTIONS, _SECURE_CONNECTION, _PLUGIN_AUTH, _DEPRECATE_EOF */
const CAPABILITIES = 0x1 | 0x2_00 | 0x20_00 | 0x80_00 | 0x8_00_00 | 0x1_00_00_00;
/** utf8mb4_general_ci */
const CHARSET = 45;
const COM_QUERY = 3;

export interface Packet {
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Splits what has arrived into packets and the rest that is not complete yet. */
export function unpack(arrived: Buffer): { readonly packets: readonly Packet[]; readonly rest: Buffer } {
  const packets: Packet[] = [];
  let at = 0;
  while (arrived.length - at >= HEADER) {
    const length = arrived.readUIntLE(at, 3);
    if (length === LONGEST) throw new EngineError('mysqld sent more than an agent asks for');
    if (arrived.length - at < HEADER + length) break;
    packets.push({
      sequence: arrived.readUInt8(at + 3),
      payload: arrived.subarray(at + HEADER, at + HEADER + length),
    });
    at += HEADER + length;
  }
  return { packets, rest: arrived.subarray(at) };
}

export function pack(sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUIntLE(payload.length, 0, 3);
  header.writeUInt8(sequence & 0xff, 3);
  return Buffer.concat([header, payload]);
}

/** The connection's number, from the server's greeting. @throws EngineError when it greets with an error */
export function readGreeting(payload: Buffer): number {
  throwIfError(payload);
  if (payload.readUInt8(0) !== 10) throw new EngineError('mysqld speaks an unknown protocol');
  return payload.readUInt32LE(payload.indexOf(0, 1) + 1);
}

/** Login without a password: the server asks the kernel for the UID behind the socket. */
export function loginPayload(user: string): Buffer {
  const fixed = Buffer.alloc(32);
  fixed.writeUInt32LE(CAPABILITIES, 0);
  fixed.writeUInt32LE(LONGEST, 4);
  fixed.writeUInt8(CHARSET, 8);
  return Buffer.concat([fixed, Buffer.from(`${user}\0\0auth_socket\0`)]);
}

/** Is the login done, or does the server want its plugin named again? @throws EngineError when it is refused */
export function readLoginReply(payload: Buffer): 'done' | 'again' {
  throwIfError(payload);
  return payload.readUInt8(0) === 0 ? 'done' : 'again';
}

export function queryPayload(sql: string): Buffer {
  return Buffer.concat([Buffer.from([COM_QUERY]), Buffer.from(sql)]);
}

/** Puts values in the place of `?`, quoted. No statement of the agents has a `?` of another meaning. */
export function bind(sql: string, values: readonly (string | number)[]): string {
  let next = 0;
  return sql.replaceAll('?', () => {
    const value = values[next];
    next += 1;
    if (value === undefined) throw new EngineError('a statement has more places than values');
    return typeof value === 'number' ? String(value) : quote(value);
  });
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`;
}

/** Collects one answer to a query, packet by packet. */
export class Answer {
  #columns: string[] = [];
  #expected: number | undefined;
  readonly #rows: Row[] = [];

  /** @returns the rows once the answer is complete @throws EngineError when the server refused */
  take(payload: Buffer): readonly Row[] | undefined {
    throwIfError(payload);
    if (this.#expected === undefined) {
      if (payload.readUInt8(0) === 0) return [];
      this.#expected = new Reader(payload).length() ?? 0;
      return undefined;
    }
    if (this.#columns.length < this.#expected) {
      this.#columns = [...this.#columns, columnName(payload)];
      return undefined;
    }
    // With CLIENT_DEPRECATE_EOF the rows end with an OK packet under the EOF mark.
    if (payload.readUInt8(0) === 0xfe) return this.#rows;
    const reader = new Reader(payload);
    this.#rows.push(Object.fromEntries(this.#columns.map((name) => [name, reader.text()])));
    return undefined;
  }
}

function columnName(payload: Buffer): string {
  const reader = new Reader(payload);
  // catalog, schema, table, original table
  for (let skipped = 0; skipped < 4; skipped += 1) reader.text();
  return reader.text() ?? '';
}

/** Reads length-encoded values. */
class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** undefined for SQL's NULL. */
  length(): number | undefined {
    const first = this.#buffer.readUInt8(this.#at);
    this.#at += 1;
    if (first === 0xfb) return undefined;
    if (first < 0xfb) return first;
    const size = first === 0xfc ? 2 : first === 0xfd ? 3 : 6;
    const value = this.#buffer.readUIntLE(this.#at, size);
    this.#at += first === 0xfe ? 8 : size;
    return value;
  }

  text(): string | null {
    const length = this.length();
    if (length === undefined) return null;
    const text = this.#buffer.toString('utf8', this.#at, this.#at + length);
    this.#at += length;
    return text;
  }
}

/** The server's refusal, with its error number in `fields.errno`. */
function throwIfError(payload: Buffer): void {
  if (payload.readUInt8(0) !== 0xff) return;
  const errno = payload.readUInt16LE(1);
  // '#' and the five letters of SQLSTATE, absent before the login.
  const from = payload.toString('latin1', 3, 4) === '#' ? 9 : 3;
  throw new EngineError(payload.toString('utf8', from), { errno });
}
