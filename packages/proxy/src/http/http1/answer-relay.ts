/**
 * The answer to one request on its way to the client: interim heads, the head, the body, or the switch to a tunnel.
 *
 * Nothing of an answer is sent before its head has been read whole and found well-formed; what is forwarded is written anew from
 * what was understood, so that nobody after us can read it in another way.
 */
import { HeadProblem, lastLineFrom, partialResponseProblem, type ResponseHead } from '@muster/http1';
import { BodyReader } from './body-reader.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { ExchangeFilters } from '../filters/exchange-filters.ts';
import { interimHeadText, responseHeadText } from './head-text.ts';
import { textOf } from '@muster/transport';
import type { LossReason, UpstreamConnection } from './upstream-connection.ts';

/** A larger first read is not turned into text whole. */
const TEXT_BYTES_MAX = 16 * 1_024;

/** The read that the final head ends in. */
interface FirstRead {
  readonly text: string;
  readonly bytes: Buffer;
  /** Characters of the text before the bytes. */
  readonly shift: number;
  /** Of the head, in the text. */
  readonly end: number;
  /** What the backend said, where a filter may have changed it. */
  readonly backendStatus?: number;
}

export class AnswerRelay {
  /** A part of the final answer was written to the client. */
  hasBegun = false;
  /** A byte of an answer came. */
  hasBytes = false;
  /** Filters are at work on its head. */
  isFiltered = false;
  readonly #exchange: Exchange;
  readonly #client: ClientConnection;
  #partialHead = '';
  #interimCount = 0;
  #head: ResponseHead | null = null;
  #body: BodyReader | null = null;
  /** The backend has sent something after the end of its answer. */
  #isDirty = false;
  /** What came behind an interim head that the client was slow to take. */
  #held: Buffer | null = null;
  /** How the connection was lost meanwhile. */
  #lossReason: LossReason | null = null;

  constructor(exchange: Exchange, client: ClientConnection) {
    this.#exchange = exchange;
    this.#client = client;
  }

  /** The head of the final answer came. */
  get isHere(): boolean {
    return this.hasBegun || this.isFiltered;
  }

  onBytes(upstream: UpstreamConnection, bytes: Buffer): void {
    if (this.#body !== null) this.#relay(upstream, this.#body, bytes);
    else this.#readHeads(upstream, bytes);
  }

  /** The client's pending write was taken. */
  onClientDrained(upstream: UpstreamConnection): void {
    if (this.#held !== null) {
      const held = this.#held;
      this.#held = null;
      this.#awaitHead(upstream);
      upstream.resume();
      this.#readHeads(upstream, held);
    } else if (this.#body?.isComplete === true) this.#finish();
    else if (this.hasBegun) {
      upstream.resume();
      this.#awaitMore(upstream);
    }
  }

  /** After a part of the answer: it broke off, unless it is one that ends with its connection. */
  onUpstreamLost(reason: LossReason): void {
    this.#lossReason = reason;
    if (this.isFiltered) return;
    const body = this.#body!;
    if (body.isComplete) {
      // The client is still to take the last of it.
      this.#isDirty = true;
      return;
    }
    if (reason === 'ended') body.end();
    if (body.isComplete) return this.#finishUnlessPending();
    this.#exchange.fail('answer_cut', reason);
  }

  #readHeads(upstream: UpstreamConnection, bytes: Buffer): void {
    this.hasBytes = true;
    const { method, answerRules } = this.#exchange;
    const shift = this.#partialHead.length;
    let text = this.#partialHead + textOf(bytes, TEXT_BYTES_MAX);
    let from = 0;
    for (;;) {
      let head = upstream.heads.read(text, from, answerRules, method);
      if (head === null && text.length < shift + bytes.length) {
        text = this.#partialHead + textOf(bytes);
        head = upstream.heads.read(text, from, answerRules, method);
      }
      if (head === null) return this.#keepPartial(text, from);
      const { end } = upstream.heads;
      if (head instanceof HeadProblem) return this.#bad(head.reason);
      if (head.status === 101) return this.#switchProtocols(head, bytes.subarray(end - shift));
      if (head.status >= 200) return this.#answered(upstream, head, { text, bytes, shift, end });
      if (!this.#passInterim(upstream, head)) return;
      from = end;
      if (!this.#client.isWritePending) continue;
      this.#partialHead = '';
      this.#held = Buffer.from(bytes.subarray(end - shift));
      upstream.clearDeadline();
      return upstream.pause();
    }
  }

  #keepPartial(text: string, from: number): void {
    const checkedTo = Math.max(from, lastLineFrom(this.#partialHead));
    const problem = partialResponseProblem(text, from, this.#exchange.answerRules, checkedTo);
    if (problem !== null) return this.#bad(problem.reason);
    this.#partialHead = text.slice(from);
  }

  /**
   * Interim answers go on, but never to HTTP/1.0 (RFC 9110, 15.2). Each is a sign of life: the time for the final head begins anew, which
   * their number limits.
   */
  #passInterim(upstream: UpstreamConnection, head: ResponseHead): boolean {
    this.#interimCount++;
    if (this.#interimCount > this.#exchange.answerRules.maxInterim) {
      this.#bad('too many interim answers');
      return false;
    }
    this.#awaitHead(upstream);
    if (this.#exchange.head.isHttp10) return true;
    if (this.#client.sendText(interimHeadText(head, null))) return true;
    this.#exchange.fail('client_left', null);
    return false;
  }

  #answered(upstream: UpstreamConnection, head: ResponseHead, read: FirstRead): void {
    const { filters } = this.#exchange;
    if (filters?.changesResponses === true) this.#filter(upstream, head, { read, filters });
    else this.#begin(upstream, head, read);
  }

  /** While a filter waits for something, the backend is not read, and what it has sent already is kept: one read's worth. */
  #filter(
    upstream: UpstreamConnection,
    head: ResponseHead,
    { read, filters }: { readonly read: FirstRead; readonly filters: ExchangeFilters },
  ): void {
    const backendStatus = head.status;
    let kept = read;
    filters.filterResponse(head, () => {
      if (kept !== read) upstream.resume();
      this.isFiltered = false;
      // A connection that was lost since serves nobody else.
      if (this.#lossReason !== null) head.isPersistent = false;
      this.#begin(upstream, head, { ...kept, backendStatus });
      if (this.#lossReason !== null && this.#body !== null) this.onUpstreamLost(this.#lossReason);
    });
    if (!filters.isPending) return;
    kept = { ...read, bytes: Buffer.from(read.bytes) };
    this.isFiltered = true;
    upstream.pause();
    upstream.clearDeadline();
  }

  #begin(upstream: UpstreamConnection, head: ResponseHead, read: FirstRead): void {
    const { text, bytes, shift, end } = read;
    const { isHttp10 } = this.#exchange.head;
    const body = new BodyReader(head, isHttp10);
    const next = body.isComplete ? end - shift : body.read(bytes, end - shift);
    if (body.problem !== null) return this.#bad(body.problem.reason);
    this.#head = head;
    this.#body = body;
    this.hasBegun = true;
    this.#isDirty = next < bytes.length;
    this.#exchange.answered(read.backendStatus ?? head.status, head.status);
    // An answer that is over before its request is leaves the rest of the request unread.
    const isEarly = body.isComplete && this.#exchange.wantsBody;
    if (head.framing === 'close' || isEarly) this.#client.endAfterThis();
    const { requestId } = this.#exchange;
    const manner = { isHttp10, isPersistent: this.#client.isPersistent, requestId };
    const headText = responseHeadText(head, head.fields, manner);
    const isSent = this.#sendFirst(headText, body, { bytes, text, shift });
    if (!isSent) return this.#exchange.fail('client_left', null);
    this.#afterWrite(upstream, body);
  }

  /** The head and what came of the body with it, in one write. */
  #sendFirst(
    headText: string,
    body: BodyReader,
    { bytes, text, shift }: { bytes: Buffer; text: string; shift: number },
  ): boolean {
    if (body.dataBytes === 0 && body.isComplete && this.#head!.framing !== 'chunked')
      return this.#client.sendText(headText);
    if (bytes.length <= TEXT_BYTES_MAX) {
      const piece = body.forwardableText(text, shift);
      this.#exchange.answerBodyBytes = piece.length;
      return this.#client.sendText(headText + piece);
    }
    const piece = body.forwardable(bytes);
    this.#exchange.answerBodyBytes = piece.length;
    return this.#client.send(Buffer.concat([Buffer.from(headText, 'latin1'), piece]));
  }

  #relay(upstream: UpstreamConnection, body: BodyReader, bytes: Buffer): void {
    if (body.isComplete) {
      this.#isDirty = true;
      return upstream.pause();
    }
    const next = body.read(bytes, 0);
    if (body.problem !== null) return this.#exchange.fail('answer_cut', body.problem.reason);
    this.#isDirty = next < bytes.length;
    const piece = body.forwardable(bytes);
    this.#exchange.answerBodyBytes += piece.length;
    if (piece.length > 0 && !this.#client.send(piece)) return this.#exchange.fail('client_left', null);
    this.#afterWrite(upstream, body);
  }

  #afterWrite(upstream: UpstreamConnection, body: BodyReader): void {
    if (!this.#client.isWritePending) {
      if (body.isComplete) this.#finish();
      else this.#awaitMore(upstream);
      return;
    }
    upstream.pause();
    upstream.clearDeadline();
  }

  /** While the request is still being sent, nothing is expected of the backend. */
  #awaitHead(upstream: UpstreamConnection): void {
    if (this.#exchange.wantsBody || upstream.isWritePending) return;
    upstream.setDeadline(this.#exchange.answerRules.headTimeoutMs);
  }

  #awaitMore(upstream: UpstreamConnection): void {
    upstream.setDeadline(this.#client.bodyTimeoutMs);
  }

  #finishUnlessPending(): void {
    if (!this.#client.isWritePending) this.#finish();
  }

  #finish(): void {
    const head = this.#head!;
    this.#exchange.finish(head.isPersistent && head.framing !== 'close' && !this.#isDirty);
  }

  /** RFC 9110, 7.8: only to a protocol that the client asked for. */
  #switchProtocols(head: ResponseHead, rest: Buffer): void {
    const asked =
      this.#exchange.head.upgrade
        ?.toLowerCase()
        .split(',')
        .map((one) => one.trim()) ?? [];
    if (head.upgrade === null || !asked.includes(head.upgrade.toLowerCase())) {
      return this.#bad('it switches to a protocol that was not asked for');
    }
    this.hasBegun = true;
    this.#exchange.becomeTunnel(interimHeadText(head, this.#exchange.requestId) + rest.toString('latin1'));
  }

  #bad(reason: string): void {
    this.#exchange.badAnswer(reason);
  }
}
