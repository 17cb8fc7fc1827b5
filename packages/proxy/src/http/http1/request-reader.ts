/**
 * Reads the requests of one client's connection: a head out of text, which may come in any number of reads, then the beginning of its
 * body out of the same read.
 */
import {
  RequestHeadReader,
  lastLineFrom,
  partialRequestProblem,
  type HeadProblem,
  type RequestHead,
  type RequestRules,
} from '@muster/http1';
import { textOf } from '@muster/transport';
import { RequestBodyReader } from './request-body.ts';

/** A larger read is not turned into text whole, but as far as a head may reach, with the empty lines around it. */
const TEXT_BYTES_MAX = 16 * 1_024;
const HEAD_END_BYTES = 4;

export class RequestReader {
  /** Where in the read the body of the newest request ended, as far as it has come. */
  next = 0;
  readonly #heads = new RequestHeadReader();
  #partialHead = '';
  #text = '';
  /** Characters of the text before the bytes. */
  #shift = 0;

  /** `blank`: nothing but the empty line that may come before a request. `partial`: the head is not all there. */
  readHead(bytes: Buffer, rules: RequestRules): RequestHead | HeadProblem | 'blank' | 'partial' {
    const textBytesMax = Math.max(TEXT_BYTES_MAX, rules.maxHeadBytes + HEAD_END_BYTES);
    const text = this.#partialHead + textOf(bytes, textBytesMax);
    // One empty line before a request is forgiven (RFC 9112, 2.2).
    const from = text.startsWith('\r\n') ? 2 : 0;
    if (from === text.length) {
      this.#partialHead = text;
      return 'blank';
    }
    const head = this.#heads.read(text, from, rules);
    if (head === null) {
      const checkedTo = Math.max(from, lastLineFrom(this.#partialHead));
      const problem = partialRequestProblem(text, from, rules, checkedTo);
      if (problem !== null) return problem;
      this.#partialHead = text;
      return 'partial';
    }
    this.#text = text;
    this.#shift = this.#partialHead.length;
    this.#partialHead = '';
    return head;
  }

  /** The body of the head that was read last, with what came of it in the same read. */
  readBody(head: RequestHead, bytes: Buffer, maxBodyBytes: number): RequestBodyReader {
    const body = new RequestBodyReader(head, maxBodyBytes);
    const { end } = this.#heads;
    const shift = this.#shift;
    this.next = body.isComplete ? end - shift : body.readFirst({ bytes, text: this.#text, shift }, end);
    this.#text = '';
    return body;
  }
}
