/**
 * Bytes that say whose they are: a body for a client is that client's token, repeated. So one look at any byte of an answer tells
 * whether it was sent for the one who reads it.
 */
const PATTERN_BYTES_MIN = 65_536;

/** Goes along a body and compares it with the token's; chunks may be cut anywhere. */
export class OwnBytes {
  readonly #pattern: Buffer;
  readonly #tokenBytes: number;
  bytesCount = 0;

  constructor(token: string) {
    this.#tokenBytes = token.length;
    const repeats = Math.ceil(PATTERN_BYTES_MIN / token.length) + 1;
    this.#pattern = Buffer.from(token.repeat(repeats), 'latin1');
  }

  /** The next `bytesMax` bytes of the body or fewer, at most 64 KiB. They are never written to. */
  next(bytesMax: number): Buffer {
    const from = this.bytesCount % this.#tokenBytes;
    const piece = this.#pattern.subarray(from, from + Math.min(bytesMax, PATTERN_BYTES_MIN));
    this.bytesCount += piece.length;
    return piece;
  }

  /** Null when all of the chunk is the body's own; else the first bytes of the piece that is not. */
  foreignIn(chunk: Buffer): string | null {
    for (let from = 0; from < chunk.length;) {
      const expected = this.next(chunk.length - from);
      const piece = chunk.subarray(from, from + expected.length);
      if (!piece.equals(expected)) return piece.toString('latin1', 0, 80);
      from += expected.length;
    }
    return null;
  }
}
