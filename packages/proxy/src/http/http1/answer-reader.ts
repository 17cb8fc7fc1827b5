/**
 * Reads the answers of one connection to a backend: heads out of text, then a body out of bytes, for the exchange that is served.
 *
 *     bytes ──► interim heads ──► final head ──► (filters) ──► readFirst ──► body, piece by piece
 *                  │ the client is slow: the rest is held
 *                  └ 101: the rest is the other protocol's
 *
 * Each head is read whole and found well-formed before it is told to anybody.
 */
import {
  HeadProblem,
  ResponseHeadReader,
  lastLineFrom,
  partialResponseProblem,
  type ResponseHead,
} from '@muster/http1';
import { textOf } from '@muster/transport';
import type { AnswerSink, IncomingAnswer, UpstreamStream } from '../exchange/streams.ts';
import type { AnswerRules } from '../routes/exchange-policy.ts';
import { BodyReader } from './body-reader.ts';

/** A larger first read is not turned into text whole. */
const TEXT_BYTES_MAX = 16 * 1_024;
const NO_BYTES = Buffer.alloc(0);

export class AnswerReader implements IncomingAnswer {
  hasBytes = false;
  readonly #upstream: UpstreamStream;
  readonly #heads = new ResponseHeadReader();
  #method = '';
  #rules: AnswerRules | null = null;
  #partialHead = '';
  #interimCount = 0;
  #body: BodyReader | null = null;
  /** The backend has sent something after the end of its answer, or its connection was lost. */
  #isDirty = false;
  /** Whether the connection stays open, as far as the final head says. */
  #isPersistent = false;
  /** What came behind an interim head that the client was slow to take. */
  #held: Buffer | null = null;
  /** The read that the final head ended in: its text, its bytes, the characters of the text before the bytes, and the head's end in the text. */
  #text = '';
  #bytes: Buffer = NO_BYTES;
  #shift = 0;
  #end = 0;

  /** `upstream` is the stream that it reads for. */
  constructor(upstream: UpstreamStream) {
    this.#upstream = upstream;
  }

  /** A request was sent: the answer to it is next. */
  begin(method: string, rules: AnswerRules): void {
    this.hasBytes = false;
    this.#method = method;
    this.#rules = rules;
    this.#partialHead = '';
    this.#interimCount = 0;
    this.#body = null;
    this.#isDirty = false;
    this.#isPersistent = false;
    this.#held = null;
  }

  get isComplete(): boolean {
    return this.#body !== null && this.#body.isComplete;
  }

  get isReusable(): boolean {
    return this.#isPersistent && !this.#isDirty;
  }

  get isHolding(): boolean {
    return this.#held !== null;
  }

  /** False: the answer is over already, and nothing more should be read. */
  read(bytes: Buffer, sink: AnswerSink): boolean {
    const body = this.#body;
    if (body === null) {
      this.#readHeads(bytes, sink);
      return true;
    }
    if (body.isComplete) {
      this.#isDirty = true;
      return false;
    }
    const next = body.read(bytes, 0);
    if (body.problem !== null) sink.cut(body.problem.reason);
    else {
      this.#isDirty = next < bytes.length;
      sink.data(this.#upstream, body.forwardable(bytes));
    }
    return true;
  }

  readHeld(sink: AnswerSink): void {
    const held = this.#held!;
    this.#held = null;
    this.#readHeads(held, sink);
  }

  keepFirstRead(): void {
    this.#bytes = Buffer.from(this.#bytes);
  }

  readFirst(head: ResponseHead, isDataOnly: boolean): string | null {
    const bytes = this.#bytes;
    const start = this.#end - this.#shift;
    const body = new BodyReader(head, isDataOnly);
    const next = body.isComplete ? start : body.read(bytes, start);
    if (body.problem !== null) return body.problem.reason;
    this.#body = body;
    this.#isPersistent = head.isPersistent && head.framing !== 'close';
    this.#isDirty = next < bytes.length;
    return null;
  }

  firstPiece(): string | Buffer {
    const bytes = this.#bytes;
    const text = this.#text;
    const body = this.#body!;
    this.#bytes = NO_BYTES;
    this.#text = '';
    return bytes.length <= TEXT_BYTES_MAX ? body.forwardableText(text, this.#shift) : body.forwardable(bytes);
  }

  lost(isEnd: boolean): void {
    if (this.isComplete) this.#isDirty = true;
    else if (isEnd) this.#body?.end();
  }

  #readHeads(bytes: Buffer, sink: AnswerSink): void {
    this.hasBytes = true;
    const rules = this.#rules!;
    const method = this.#method;
    const heads = this.#heads;
    const shift = this.#partialHead.length;
    let text = this.#partialHead + textOf(bytes, TEXT_BYTES_MAX);
    let from = 0;
    for (;;) {
      let head = heads.read(text, from, rules, method);
      if (head === null && text.length < shift + bytes.length) {
        text = this.#partialHead + textOf(bytes);
        head = heads.read(text, from, rules, method);
      }
      if (head === null) return this.#keepPartial(text, from, sink);
      const { end } = heads;
      if (head instanceof HeadProblem) return sink.bad(head.reason);
      if (head.status === 101) return sink.switched(head, bytes.subarray(end - shift));
      if (head.status >= 200) {
        this.#partialHead = '';
        this.#text = text;
        this.#bytes = bytes;
        this.#shift = shift;
        this.#end = end;
        return sink.final(this.#upstream, head);
      }
      if (++this.#interimCount > rules.maxInterim) return sink.bad('too many interim answers');
      const wanted = sink.interim(this.#upstream, head);
      if (wanted === 'over') return;
      from = end;
      if (wanted === 'next') continue;
      this.#partialHead = '';
      this.#held = Buffer.from(bytes.subarray(end - shift));
      return;
    }
  }

  #keepPartial(text: string, from: number, sink: AnswerSink): void {
    const checkedTo = Math.max(from, lastLineFrom(this.#partialHead));
    const problem = partialResponseProblem(text, from, this.#rules!, checkedTo);
    if (problem !== null) return sink.bad(problem.reason);
    this.#partialHead = text.slice(from);
  }
}
