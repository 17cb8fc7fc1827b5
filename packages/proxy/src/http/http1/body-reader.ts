/**
 * Follows one body through reads that are cut anywhere: where it ends, and which bytes of each read go on.
 *
 * A length is counted, chunks are followed, and neither is kept: what is forwarded are views of the reads themselves, with
 * chunk extensions cut out and trailers checked. For a client that knows no chunks, only their data goes on.
 */
import { CHUNKED_LIMITS, ChunkedBody, type BodyProblem, type FieldNames } from '@muster/http1';

/** What a head says of its body. */
interface Framing {
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly contentLength: number;
  /** Trailers that are for one hop only. */
  readonly nominated: ReadonlySet<string> | null;
  /** What only a trusted proxy may say, where a listener has its own list. */
  readonly proxyFields?: FieldNames;
}

export class BodyReader {
  isComplete: boolean;
  problem: BodyProblem | null = null;
  /** Bytes of data so far, without framing. */
  dataBytes = 0;
  readonly #chunked: ChunkedBody | null;
  readonly #isDataOnly: boolean;
  /** Of a body with a length; Infinity for one that ends with its connection. */
  #leftBytes: number;
  #from = 0;
  #to = 0;

  /** `framing` 'none' is complete at once. `isDataOnly`: chunk framing is taken off. */
  constructor({ framing, contentLength, nominated, proxyFields }: Framing, isDataOnly = false) {
    this.#chunked = framing === 'chunked' ? new ChunkedBody(CHUNKED_LIMITS, nominated, proxyFields) : null;
    this.#leftBytes = framing === 'close' ? Infinity : contentLength;
    this.#isDataOnly = isDataOnly;
    this.isComplete = framing === 'none' || (framing === 'length' && contentLength === 0);
  }

  /** Takes what belongs to the body; returns the index just past it. */
  read(bytes: Uint8Array, start: number): number {
    if (this.#chunked !== null) return this.#readChunked(this.#chunked, bytes, start);
    const end = Math.min(bytes.length, start + this.#leftBytes);
    this.#leftBytes -= end - start;
    this.dataBytes += end - start;
    this.isComplete = this.#leftBytes === 0;
    this.#from = start;
    this.#to = end;
    return end;
  }

  /** What goes on of the last read, in one piece: a view of it where that is possible. */
  forwardable(bytes: Buffer): Buffer {
    if (this.#chunked === null) return viewOf(bytes, this.#from, this.#to);
    const { framed, data, tail } = this.#chunked;
    const pairs = this.#isDataOnly ? data : framed;
    const rest = this.#isDataOnly ? '' : tail;
    if (rest === '' && pairs.length === 2) return viewOf(bytes, pairs[0]!, pairs[1]!);
    const pieces: Buffer[] = [];
    for (let index = 0; index < pairs.length; index += 2) pieces.push(bytes.subarray(pairs[index], pairs[index + 1]));
    if (rest !== '') pieces.push(Buffer.from(rest, 'latin1'));
    return Buffer.concat(pieces);
  }

  /** The same as text, one character per byte; `text` is the read, with `shift` characters before it. */
  forwardableText(text: string, shift: number): string {
    if (this.#chunked === null) return text.slice(this.#from + shift, this.#to + shift);
    const { framed, data, tail } = this.#chunked;
    const pairs = this.#isDataOnly ? data : framed;
    let joined = '';
    for (let index = 0; index < pairs.length; index += 2) {
      joined += text.slice(pairs[index]! + shift, pairs[index + 1]! + shift);
    }
    return this.#isDataOnly ? joined : joined + tail;
  }

  /** The connection ended: only a body that ends with it is complete then. */
  end(): void {
    if (this.#chunked === null && this.#leftBytes === Infinity) this.isComplete = true;
  }

  #readChunked(chunked: ChunkedBody, bytes: Uint8Array, start: number): number {
    const end = chunked.read(bytes, start);
    this.isComplete = chunked.isComplete;
    this.problem = chunked.problem;
    this.dataBytes = chunked.dataBytes;
    return end;
  }
}

function viewOf(bytes: Buffer, from: number, to: number): Buffer {
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
}
