/**
 * The answer to one exchange on its way from the backend's stream to the client's: whose turn it is, and how long it may take.
 *
 *     interim heads ──► final head ──► body, piece by piece ──► finished
 *         └─ 101 ──► tunnel   └─ filters may change it first; the backend is paused while one waits for something
 *
 * What is forwarded is written anew from what was understood, so that nobody after us can read it in another way.
 */
import type { ResponseHead } from '@muster/http1';
import type { ListenerStats } from '../../listener/listener-stats.ts';
import type { ExchangeFilters } from '../filters/exchange-filters.ts';
import type { Termination } from '../record/termination.ts';
import type { ExchangePolicy } from '../routes/exchange-policy.ts';
import type { AnswerSink, ClientStream, LossReason, UpstreamStream } from './streams.ts';

/** The exchange that is answered. */
export interface AnsweredExchange {
  readonly head: { readonly isHttp10: boolean; readonly upgrade: string | null };
  readonly filters: ExchangeFilters | null;
  readonly policy: ExchangePolicy;
  /** Whether some of the request is still to come. */
  readonly wantsBody: boolean;
  answerBodyBytes: number;
  /** The head of the final answer is here. `status` is what the client is told, which filters may have changed. */
  answered(backendStatus: number, status: number): void;
  badAnswer(reason: string): void;
  becomeTunnel(head: ResponseHead, rest: Buffer): void;
  /** All of the answer has been taken. */
  finish(): void;
  fail(termination: Termination, detail: string | null): void;
}

export class AnswerRelay implements AnswerSink {
  /** A part of the final answer was written to the client. */
  hasBegun = false;
  /** Filters are at work on its head. */
  isFiltered = false;
  readonly #exchange: AnsweredExchange;
  readonly #client: ClientStream;
  /** How the connection was lost while filters were at work. */
  #lossReason: LossReason | null = null;

  constructor(exchange: AnsweredExchange, client: ClientStream) {
    this.#exchange = exchange;
    this.#client = client;
  }

  get stats(): ListenerStats {
    return this.#client.stats;
  }

  /** The head of the final answer came. */
  get isHere(): boolean {
    return this.hasBegun || this.isFiltered;
  }

  /**
   * Interim answers go on, but never to HTTP/1.0 (RFC 9110, 15.2). Each is a sign of life: the time for the final head begins anew, which
   * their number limits.
   */
  interim(upstream: UpstreamStream, head: ResponseHead): 'next' | 'hold' | 'over' {
    this.#awaitHead(upstream);
    if (!this.#exchange.head.isHttp10 && !this.#client.respondInterim(head)) {
      this.#exchange.fail('client_left', null);
      return 'over';
    }
    if (!this.#client.isWritePending) return 'next';
    upstream.clearDeadline();
    upstream.pause();
    return 'hold';
  }

  final(upstream: UpstreamStream, head: ResponseHead): void {
    const { filters } = this.#exchange;
    if (filters?.changesResponses === true) this.#filter(upstream, head, filters);
    else this.#begin(upstream, head, head.status);
  }

  data(upstream: UpstreamStream, piece: Buffer): void {
    this.#exchange.answerBodyBytes += piece.length;
    if (piece.length > 0 && !this.#client.send(piece)) return this.#exchange.fail('client_left', null);
    this.#afterWrite(upstream);
  }

  cut(reason: string): void {
    this.#exchange.fail('answer_cut', reason);
  }

  bad(reason: string): void {
    this.#exchange.badAnswer(reason);
  }

  /** RFC 9110, 7.8: only to a protocol that the client asked for. */
  switched(head: ResponseHead, rest: Buffer): void {
    const asked =
      this.#exchange.head.upgrade
        ?.toLowerCase()
        .split(',')
        .map((one) => one.trim()) ?? [];
    if (head.upgrade === null || !asked.includes(head.upgrade.toLowerCase())) {
      return this.#exchange.badAnswer('it switches to a protocol that was not asked for');
    }
    this.hasBegun = true;
    this.#exchange.becomeTunnel(head, rest);
  }

  /** The client's pending write was taken. */
  onClientDrained(upstream: UpstreamStream): void {
    if (upstream.incoming.isHolding) {
      this.#awaitHead(upstream);
      upstream.resume();
      upstream.incoming.readHeld(this);
    } else if (!this.hasBegun) return;
    else if (upstream.incoming.isComplete) this.#exchange.finish();
    else {
      upstream.resume();
      this.#awaitMore(upstream);
    }
  }

  /** After a part of the answer: it broke off, unless it is one that ends with its connection. */
  onUpstreamLost(upstream: UpstreamStream, reason: LossReason): void {
    this.#lossReason = reason;
    if (this.isFiltered) return;
    const wasComplete = upstream.incoming.isComplete;
    upstream.incoming.lost(reason === 'ended');
    // The client is still to take the last of it.
    if (wasComplete) return;
    if (!upstream.incoming.isComplete) this.#exchange.fail('answer_cut', reason);
    else if (!this.#client.isWritePending) this.#exchange.finish();
  }

  /** While a filter waits for something, the backend is not read, and what it has sent already is kept: one read's worth. */
  #filter(upstream: UpstreamStream, head: ResponseHead, filters: ExchangeFilters): void {
    const backendStatus = head.status;
    filters.filterResponse(head, () => {
      if (this.isFiltered) upstream.resume();
      this.isFiltered = false;
      // A connection that was lost since serves nobody else.
      if (this.#lossReason !== null) head.isPersistent = false;
      this.#begin(upstream, head, backendStatus);
      if (this.#lossReason !== null && this.hasBegun) this.onUpstreamLost(upstream, this.#lossReason);
    });
    if (!filters.isPending) return;
    upstream.incoming.keepFirstRead();
    this.isFiltered = true;
    upstream.pause();
    upstream.clearDeadline();
  }

  #begin(upstream: UpstreamStream, head: ResponseHead, backendStatus: number): void {
    const exchange = this.#exchange;
    const problem = upstream.incoming.readFirst(head, exchange.head.isHttp10);
    if (problem !== null) return exchange.badAnswer(problem);
    this.hasBegun = true;
    exchange.answered(backendStatus, head.status);
    // An answer that is over before its request is leaves the rest of the request unread.
    if (head.framing === 'close' || (upstream.incoming.isComplete && exchange.wantsBody)) this.#client.endAfterThis();
    const piece = upstream.incoming.firstPiece();
    exchange.answerBodyBytes = piece.length;
    if (!this.#client.respond(head, piece)) return exchange.fail('client_left', null);
    this.#afterWrite(upstream);
  }

  #afterWrite(upstream: UpstreamStream): void {
    if (!this.#client.isWritePending) {
      if (upstream.incoming.isComplete) this.#exchange.finish();
      else this.#awaitMore(upstream);
      return;
    }
    upstream.pause();
    upstream.clearDeadline();
  }

  /** While the request is still being sent, nothing is expected of the backend. */
  #awaitHead(upstream: UpstreamStream): void {
    if (this.#exchange.wantsBody || upstream.isWritePending) return;
    upstream.setDeadline(this.#exchange.policy.answerTimeoutMs);
  }

  #awaitMore(upstream: UpstreamStream): void {
    upstream.setDeadline(this.#exchange.policy.bodyTimeoutMs);
  }
}
