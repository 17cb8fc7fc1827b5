/**
 * The bytes of a message as they came, headers first: for reading many messages quickly.
 *
 * The client's accessors make a map of all headers and a buffer for the payload, which is half of what catching up costs.
 * The bytes themselves are in fields that the client does not document, so they are looked at with care: where a field is not
 * what it was in the version that this was written for (3.4.0), the accessors are used.
 */
import type { Msg } from '@nats-io/transport-node';

interface UndocumentedFields {
  readonly _rdata?: unknown;
  readonly _msg?: { readonly hdr?: unknown };
}

export interface MessageBytes {
  /** Headers, then payload. */
  readonly bytes: Buffer;
  /** Length of the headers; 0 where there are none. */
  readonly headerBytes: number;
}

/** Null: this client keeps them elsewhere. */
export function messageBytes(message: Msg): MessageBytes | null {
  const { _rdata: bytes, _msg: parsed } = message as UndocumentedFields;
  const headerBytes = parsed?.hdr;
  if (!(bytes instanceof Uint8Array) || typeof headerBytes !== 'number') return null;
  const { buffer, byteOffset, length } = bytes;
  return {
    bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.from(buffer, byteOffset, length),
    headerBytes: Math.max(0, headerBytes),
  };
}

/**
 * A header's first value, or an empty text. `head`: the headers as latin1, so that an index in it is one in the bytes;
 * the value is read again as UTF-8 where it is not ASCII.
 */
export function headerValue(name: string, head: string, bytes: Buffer): string {
  const found = head.indexOf(`\r\n${name}:`);
  if (found === -1) return '';
  const start = found + name.length + 3;
  const end = head.indexOf('\r\n', start);
  const value = head.slice(start, end).trim();
  return NOT_ASCII.test(value) ? bytes.toString('utf8', start, end).trim() : value;
}

const NOT_ASCII = /[^\0-\x7f]/;
