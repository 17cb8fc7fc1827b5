/**
 * Lines into parts, and parts into the bytes of an incident file, one behind the other.
 *
 * Compression happens on other threads, so that a node may write a file while it has other things to do.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { crc32, gzip } from 'node:zlib';
import {
  END_LINE_BYTES,
  PART_CHARACTERS,
  type IncidentBreak,
  type IncidentEnd,
  type IncidentIndex,
  type IncidentPart,
  type IncidentSummary,
} from './incident-format.ts';

const compress = promisify(gzip);

interface OpenPart {
  readonly kind: IncidentPart['kind'];
  text: string;
  count: number;
  first: number;
  last: number;
}

/** Makes one file. What its methods return is to be written in the order of the calls. */
export class PartEncoder {
  readonly #parts: IncidentPart[] = [];
  #open: OpenPart | null = null;
  #offset = 0;

  /** Takes a line in; true when the part is large enough, and `closePart` is due. `at`: its revision or time. */
  add(kind: IncidentPart['kind'], line: object, at = 0): boolean {
    const open = (this.#open ??= { kind, text: '', count: 0, first: at, last: at });
    open.text += `${JSON.stringify(line)}\n`;
    open.count += 1;
    open.first = Math.min(open.first, at);
    open.last = Math.max(open.last, at);
    return open.text.length >= PART_CHARACTERS;
  }

  /** The bytes of the part under way; none where no line was added. */
  async closePart(): Promise<Uint8Array> {
    const open = this.#open;
    if (open === null) return new Uint8Array();
    this.#open = null;
    const bytes = await compress(open.text);
    const { kind, count, first, last } = open;
    const place = { offset: this.#offset, bytes: bytes.length, sha256: digest(bytes) };
    this.#parts.push({ kind, ...place, count, first, last });
    this.#offset += bytes.length;
    return bytes;
  }

  /** The index and the end. */
  async close(summary: IncidentSummary): Promise<Uint8Array> {
    const index: IncidentIndex = { kind: 'index', parts: this.#parts, summary };
    const bytes = await compress(`${JSON.stringify(index)}\n`);
    const place = { indexOffset: this.#offset, indexBytes: bytes.length, sha256: digest(bytes) };
    return Buffer.concat([bytes, encodeEnd({ kind: 'end', ...place })]);
  }
}

export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * A gzip member with one stored block (RFC 1951, 3.2.4; RFC 1952, 2.3), byte for byte the same wherever it is made: so that a
 * reader knows its length, and may compare every byte of it.
 */
export function encodeEnd(end: IncidentEnd | IncidentBreak): Buffer {
  const line = Buffer.from(`${JSON.stringify(end).padEnd(END_LINE_BYTES - 1)}\n`);
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 0, 0, 0, 0]);
  head.writeUInt16LE(line.length, 11);
  head.writeUInt16LE(~line.length & 0xffff, 13);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(line), 0);
  trailer.writeUInt32LE(line.length, 4);
  return Buffer.concat([head, line, trailer]);
}
