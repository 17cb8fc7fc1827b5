/**
 * The body of one request on its way to a backend: where it ends, what of each read goes on, and how much of it is kept for a
 * second attempt.
 *
 * It is kept only until there can be no second one, and never more than 64 KiB of it (Pingora's retry buffer): an answer that streams
 * for a day, or a filter that does not finish, does not hold it.
 */
import type { RequestHead } from '@muster/http1';
import type { RequestBody } from '../exchange/streams.ts';
import { BodyReader } from './body-reader.ts';

const RETRY_BUFFER_BYTES = 64 * 1_024;

/** One read, as bytes and, from the beginning, as text; `shift` characters of the text came before the bytes. */
interface TextRead {
  readonly bytes: Buffer;
  readonly text: string;
  readonly shift: number;
}

export class RequestBodyReader implements RequestBody {
  readonly head: RequestHead;
  readonly #reader: BodyReader;
  readonly #maxBytes: number;
  /** By what its head says. */
  readonly #isTooLarge: boolean;
  /** Of framed body that went on. */
  forwardedBytes = 0;
  /** All of it so far, as text (one character per byte) where it is little; null once it is too much, or was not worth keeping. */
  #kept: string | Buffer | null = '';
  /** Whether it lies in the client's own read buffer still. */
  isBorrowed = false;

  constructor(head: RequestHead, maxBytes: number) {
    this.head = head;
    this.#reader = new BodyReader(head);
    this.#maxBytes = maxBytes;
    this.#isTooLarge = head.framing === 'length' && head.contentLength > maxBytes;
  }

  get isComplete(): boolean {
    return this.#reader.isComplete;
  }

  /** Why what was read last must not go on; null: it may. */
  get problem(): 'bad_request_body' | 'body_too_large' | 'trailers_too_large' | null {
    const { problem, dataBytes } = this.#reader;
    if (problem === null) return this.#isTooLarge || dataBytes > this.#maxBytes ? 'body_too_large' : null;
    if (problem.status === 400) return 'bad_request_body';
    return problem.status === 413 ? 'body_too_large' : 'trailers_too_large';
  }

  get problemReason(): string | null {
    return this.#reader.problem?.reason ?? null;
  }

  /** What came with the head, from the character `end` on. Returns the index of the first byte that is not the body's. */
  readFirst({ bytes, text, shift }: TextRead, end: number): number {
    if (this.#isTooLarge) return bytes.length;
    const next = this.#reader.read(bytes, end - shift);
    if (this.problem !== null) return next;
    this.isBorrowed = text.length - shift < bytes.length;
    this.#keep(this.isBorrowed ? this.#reader.forwardable(bytes) : this.#reader.forwardableText(text, shift));
    return next;
  }

  /** Whether a second attempt could be made. */
  get isKept(): boolean {
    return this.#kept !== null;
  }

  /** All of it so far; throws where that was not kept. The client is not read while it is borrowed. */
  get kept(): string | Buffer {
    if (this.#kept === null) throw new Error('The body of the request was not kept.');
    return this.#kept;
  }

  read(bytes: Buffer): number {
    return this.#reader.read(bytes, 0);
  }

  /** Of the last read. */
  forwardable(bytes: Buffer): Buffer {
    const piece = this.#reader.forwardable(bytes);
    if (this.#kept !== null) this.#keep(Buffer.from(piece));
    else this.forwardedBytes += piece.length;
    return piece;
  }

  /** It was written. What may have to be written again becomes its own; everything else is forgotten. */
  written(mayBeSentAgain: boolean): void {
    if (!mayBeSentAgain) this.#kept = null;
    else if (this.isBorrowed) this.#kept = Buffer.from(this.#kept as Buffer);
    this.isBorrowed = false;
  }

  /** The request will not be sent again, because its answer has begun or it is over. What a client sends from now on is not kept. */
  forget(): void {
    this.#kept = null;
    this.isBorrowed = false;
  }

  #keep(piece: string | Buffer): void {
    this.forwardedBytes += piece.length;
    const kept = this.#kept!;
    if (kept.length + piece.length > RETRY_BUFFER_BYTES) this.#kept = null;
    else this.#kept = kept === '' ? piece : Buffer.concat([bytesOf(kept), bytesOf(piece)]);
  }
}

function bytesOf(piece: string | Buffer): Buffer {
  return typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece;
}
