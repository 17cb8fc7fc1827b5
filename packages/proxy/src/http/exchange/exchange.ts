/**
 * One request and its answer, between its client's stream and its backend's (`streams.ts`).
 *
 *     routed ──pick──► dialling ──connected──► sent ──head──► answering ──body──► over
 *        │    ▲  │        │                      │
 *        │    │  └ full   └ failed ─► another    └ a kept-alive connection had ended: once more, if the request may be
 *        │    └─ waiting                           sent twice
 *        └ no route, nobody healthy: answered here
 *
 * Invariant I5 is kept here: another backend is tried while nothing was sent. Once a byte was, the request is sent again only
 * if it is idempotent, all of it was kept, and the connection was a kept-alive one that ended before a byte of an answer; then on
 * a new connection. A backend that is slow to answer is never left for another.
 *
 * Bytes go straight through: a write that the kernel does not take whole pauses the side that it came from until it has.
 */
import type { PathRules, RequestHead, ResponseHead } from '@muster/http1';
import { connectFailure, isLocalFault } from '@muster/transport';
import { hashText, type HashKey } from '../../pool/hash-key.ts';
import { ExchangeFilters } from '../filters/exchange-filters.ts';
import type { Attempt, AttemptOutcome, ExchangeRecord, RefusedPick } from '../record/exchange-record.ts';
import { failureOf, lastRecipientAnswer, type OwnAnswer, type Termination } from '../record/termination.ts';
import type { ExchangePolicy } from '../routes/exchange-policy.ts';
import type { HttpSettings } from '../routes/http-settings.ts';
import { AMBIGUOUS, stripPrefix } from '../routes/route-table.ts';
import { AnswerRelay, type AnsweredExchange } from './answer-relay.ts';
import { Attempts, type AttemptUser } from './attempts.ts';
import type { RequestRouting } from './forwarded-from.ts';
import type { HttpService } from './http-service.ts';
import type { ClientStream, LossReason, RequestBody, UpstreamStream } from './streams.ts';

/** After a backend takes no more bytes it has so long to show what it said before. */
const LAST_WORDS_MS = 1_000;
/** RFC 9110, 9.2.2. */
const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export class Exchange implements ExchangeRecord, AttemptUser, AnsweredExchange {
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly answer: AnswerRelay;
  readonly requestId: string;
  readonly startedMs = Date.now();
  path: string;
  pool: string | null = null;
  durationMs = 0;
  status = 0;
  answerBodyBytes = 0;
  termination: Termination = 'finished';
  detail: string | null = null;
  /** Null: its listener has none. */
  readonly filters: ExchangeFilters | null;
  readonly #beganMs = performance.now();
  readonly #service: HttpService;
  /** What its listener said when the request came. */
  readonly #settings: HttpSettings;
  readonly #client: ClientStream;
  /** The path as it is forwarded. */
  #pathAndQuery = '';
  #attempts: Attempts | null = null;
  #upstream: UpstreamStream | null = null;
  /** Whether a byte of the request may have reached the backend of the attempt under way. */
  #hasSent = false;
  /** Whether the backend of the attempt under way takes no more of it. */
  #hasWriteFailed = false;
  #isOver = false;

  constructor(service: HttpService, client: ClientStream, body: RequestBody) {
    const { head } = body;
    this.head = head;
    this.body = body;
    this.requestId = service.requestIdOf(head);
    this.path = head.pathAndQuery;
    this.#service = service;
    this.#settings = service.settings;
    this.#client = client;
    this.answer = new AnswerRelay(this, client);
    this.filters = service.filters === null ? null : new ExchangeFilters(service.filters, this, service.wheel);
  }

  get method(): string {
    return this.head.method;
  }

  get authority(): string {
    return this.head.authority;
  }

  get target(): string {
    return this.head.target;
  }

  get pathRules(): PathRules {
    return this.#settings.requestRules.path;
  }

  /** Throws before the request is routed. */
  get policy(): ExchangePolicy {
    return this.#attempts!.policy;
  }

  /** Milliseconds since it began. */
  elapsedMs(): number {
    return performance.now() - this.#beganMs;
  }

  get listener(): string {
    return this.#client.listenerId;
  }

  get clientAddress(): string {
    return this.#client.from.clientAddress(this.head);
  }

  get attempts(): readonly Attempt[] {
    return this.#attempts?.list ?? [];
  }

  get refused(): RefusedPick | null {
    return this.#attempts?.refused ?? null;
  }

  get requestBodyBytes(): number {
    return this.body.forwardedBytes;
  }

  /** Whether bytes from the client are still this request's. */
  get wantsBody(): boolean {
    return !this.body.isComplete && !this.#isOver;
  }

  /** Begins with what came of the body with the head. */
  begin(): void {
    const { problem, problemReason } = this.body;
    if (problem !== null) this.fail(problem, problemReason);
    else if (this.filters === null) this.#route(this.head.pathAndQuery);
    else this.filters.filterRequest((path) => this.#route(path));
  }

  /** More of the request's body. */
  onClientData(piece: Buffer): void {
    const upstream = this.#upstream!;
    if (piece.length > 0 && !upstream.write(piece)) this.onUpstreamWriteFailed();
    else this.#awaitMore(upstream);
  }

  onConnection(upstream: UpstreamStream): void {
    this.#upstream = upstream;
    this.#hasSent = false;
    this.#hasWriteFailed = false;
    // The deadline belongs to the client's place in a line, which it has left.
    this.#client.clearDeadline();
    if (!upstream.isReused) return this.#hold();
    if (IDEMPOTENT_METHODS.has(this.method)) return this.#send();
    // What may not be sent twice lets an end of the kept-alive connection that is here already be seen first.
    this.#hold();
    setImmediate(() => {
      if (this.#upstream === upstream) this.#send();
    });
  }

  onWaiting(timeoutMs: number): void {
    this.#hold();
    this.#client.setDeadline(timeoutMs);
  }

  /** A hook has promised something: nothing has a place to go to meanwhile. */
  onFiltersWaiting(): void {
    this.#hold();
    if (!this.#client.isWritePending) this.#client.clearDeadline();
  }

  onUpstreamConnected(): void {
    this.#send();
  }

  onUpstreamConnectFailed(code: string, reason?: string): void {
    const detail = connectFailure(code, reason).words;
    this.#attempts!.connectFailed(code);
    const outcome = code === 'ETIMEDOUT' || code === 'NAME_TIMEOUT' ? 'connect_timeout' : 'connect_failed';
    this.#endAttempt(outcome, detail, isLocalFault(code) ? null : detail);
    if (this.filters === null) this.#attempts!.next();
    else this.filters.connectFailed({ code, detail }, outcome, () => this.#attempts!.next());
  }

  onUpstreamDrained(): void {
    this.#awaitMore(this.#upstream!);
  }

  /** It may have answered, and ended, without reading all: what it said is still to be read. */
  onUpstreamWriteFailed(): void {
    this.#hasWriteFailed = true;
    if (this.wantsBody) this.#client.pauseReading();
    this.#client.clearDeadline();
    if (!this.answer.hasBegun) this.#upstream!.setDeadline(LAST_WORDS_MS);
  }

  onUpstreamLost(reason: LossReason): void {
    if (this.answer.isHere) {
      if (this.answer.isFiltered) this.#hold();
      return this.answer.onUpstreamLost(this.#upstream!, reason);
    }
    const isStale = this.#upstream!.isReused && !this.#upstream!.incoming.hasBytes;
    const maySendAgain = IDEMPOTENT_METHODS.has(this.method) && this.body.isKept;
    if (isStale && (!this.#hasSent || maySendAgain)) {
      this.#endAttempt('stale', 'the kept-alive connection had ended', null);
      this.#attempts!.forgetStale();
      return this.#attempts!.next();
    }
    const wasSent = this.#hasSent;
    // A backend may well give up a client that keeps it waiting for the body.
    this.#endAttempt('no_answer', reason, this.wantsBody ? null : 'closed the connection without an answer');
    if (wasSent) this.fail('no_answer', null);
    else this.#attempts!.next();
  }

  onUpstreamDeadline(): void {
    if (this.answer.hasBegun) return this.fail('answer_cut', 'nothing came for too long');
    if (this.answer.isFiltered) return;
    if (this.#hasWriteFailed) return this.onUpstreamLost('write_failed');
    this.#endAttempt('answer_timeout', null, 'no answer in time');
    this.fail('answer_timeout', null);
  }

  onTargetLeft(reason: 'target_removed' | 'drain_timeout'): void {
    const wasSent = this.#hasSent;
    if (this.answer.hasBegun) this.#releaseUpstream(false);
    else this.#endAttempt('target_removed', null, null);
    if (wasSent) this.fail(reason, null);
    else this.#attempts!.next();
  }

  /** The client's deadline, whatever it was set for last. */
  onClientDeadline(): void {
    if (this.#client.isWritePending) return this.fail('client_stalled', null);
    if (this.#client.hasEnded) this.fail('client_left', null);
    else if (this.#attempts?.isWaiting === true) this.#attempts.waitedInVain();
    else if (this.wantsBody) this.fail('request_timeout', 'the body stopped coming');
  }

  /** The client's pending write was taken. */
  onClientDrained(): void {
    if (this.#upstream !== null) this.answer.onClientDrained(this.#upstream);
    if (this.wantsBody && !this.#client.isWritePending) this.#client.setDeadline(this.#settings.bodyTimeoutMs);
  }

  hashText(key: HashKey): string {
    return hashText(key, this.head.fields, this.#pathAndQuery) ?? this.clientAddress;
  }

  /**
   * The head of the final answer is here: the attempt has come to its good end, whatever becomes of the body. `status` is what the
   * client is told, which filters may have changed.
   */
  answered(backendStatus: number, status: number): void {
    this.status = status;
    this.body.forget();
    this.#attempts!.answered(backendStatus);
  }

  /** What the backend sent is no answer. */
  badAnswer(reason: string): void {
    this.#endAttempt('bad_answer', reason, 'an answer that is not well-formed');
    this.fail('bad_answer', reason);
  }

  /** Both sides have agreed on another protocol; `rest` is what the backend has said in it already. */
  becomeTunnel(head: ResponseHead, rest: Buffer): void {
    this.answered(101, 101);
    const upstream = this.#upstream!;
    if (!this.#client.respondSwitch(head, rest)) return this.fail('client_left', null);
    this.#upstream = null;
    this.#client.becomeTunnel(upstream);
  }

  finish(): void {
    // Released first, so that who waits for a retry finds it.
    this.#releaseUpstream(this.#upstream?.incoming.isReusable === true && this.body.isComplete);
    this.#over('finished', null);
    this.#client.exchangeEnded(this.body.isComplete);
  }

  /** The end of it: the client is told, or cut off where it has a part of an answer already. May be repeated. */
  fail(termination: Termination, detail: string | null): void {
    if (this.#isOver) return;
    if (this.filters !== null && this.#hasSent && this.filters.isAskedAbout(termination)) {
      this.#releaseUpstream(false);
      const isAnswerBegun = this.answer.hasBegun || this.#client.isWritePending;
      return this.filters.proxyFailed({ reason: termination, detail, isAnswerBegun });
    }
    const answer = failureOf(termination);
    // Behind an interim answer that the client does not take, nothing can be said.
    if (answer !== null && !this.answer.hasBegun && !this.#client.isWritePending) {
      return this.answerHere(answer, termination, detail);
    }
    this.cancel(termination, detail);
    this.#client.abort(termination);
  }

  /** Muster's own answer. */
  answerHere(answer: OwnAnswer, termination: Termination, detail: string | null): void {
    this.status = answer.status;
    this.answerBodyBytes = answer.body.length;
    this.cancel(termination, detail);
    // A body that was refused has no end that could be trusted.
    const isRequestComplete = this.body.isComplete && this.body.problem === null;
    this.#client.answer(answer, isRequestComplete);
    this.#client.exchangeEnded(isRequestComplete);
  }

  /** Nobody waits for it any more. May be repeated. */
  cancel(termination: Termination, detail: string | null): void {
    if (this.#isOver) return;
    this.#over(termination, detail);
    this.#releaseUpstream(false);
  }

  #route(pathAndQuery: string): void {
    if (this.head.maxForwards === 0) return this.answerHere(lastRecipientAnswer(this.method), 'answered_here', null);
    this.path = pathAndQuery;
    if (this.#service.hasForwarded(this.head)) return this.fail('loop_detected', null);
    const match = this.#settings.routes.match(this.authority, pathAndQuery);
    if (match === AMBIGUOUS || match === null) return this.fail(match === null ? 'no_route' : 'ambiguous_path', null);
    this.pool = match.pool;
    this.#pathAndQuery = stripPrefix(pathAndQuery, match.strippedPrefix);
    const pool = this.#service.poolNamed(match.pool);
    if (pool === null) return this.fail('unknown_pool', `there is no pool ${match.pool}`);
    this.#attempts = new Attempts(this, pool, this.#service);
    this.#attempts.next();
  }

  /** Nothing more of the body is read until there is somewhere to send it. */
  #hold(): void {
    if (!this.body.isComplete || this.body.isBorrowed) this.#client.pauseReading();
  }

  /** The head, with what is here of the body, in one write; nothing of it for a client that has gone while it was not read. */
  #send(): void {
    if (this.#client.isGone) return this.#client.close('reset');
    const { fields } = this.head;
    const routing = this.#client.from.routing(this, this.#pathAndQuery);
    if (this.filters === null) return this.#write(fields, routing);
    const { isReused } = this.#upstream!;
    const { pathAndQuery: path, host, from } = routing;
    const goOn = (filtered: string): void => this.#write(filtered, { pathAndQuery: path, host, from: '' });
    this.filters.filterUpstreamRequest({ path, host, isReused, fields: fields + from }, goOn);
  }

  #write(fields: string, routing: RequestRouting): void {
    const upstream = this.#upstream!;
    this.#hasSent = true;
    const isTaken = upstream.sendRequest(fields, routing);
    this.body.written(upstream.isReused && IDEMPOTENT_METHODS.has(this.method));
    if (isTaken) this.#awaitMore(upstream);
    else this.onUpstreamWriteFailed();
  }

  /** After a write to the backend: whose turn it is, and how long it may take. */
  #awaitMore(upstream: UpstreamStream): void {
    const { bodyTimeoutMs } = this.#settings;
    if (upstream.isWritePending) {
      // Also after the last of the body: what is pending is in the buffer that would be read into.
      this.#client.pauseReading();
      this.#client.clearDeadline();
      upstream.setDeadline(bodyTimeoutMs);
    } else if (!this.body.isComplete) {
      this.#client.resumeReading();
      this.#client.setDeadline(bodyTimeoutMs);
      if (!this.answer.hasBegun) upstream.clearDeadline();
    } else {
      this.#client.resumeReading();
      if (!this.#client.isWritePending) this.#client.clearDeadline();
      if (!this.answer.hasBegun) upstream.setDeadline(this.policy.answerTimeoutMs);
    }
  }

  #endAttempt(outcome: AttemptOutcome, detail: string | null, failure: string | null): void {
    this.#attempts!.end(outcome, detail, failure);
    this.filters?.abandon();
    this.#releaseUpstream(false);
  }

  #releaseUpstream(isReusable: boolean): void {
    const upstream = this.#upstream;
    if (upstream === null) return;
    this.#upstream = null;
    upstream.target.leave();
    upstream.release(isReusable, this.policy.keepAlive);
  }

  #over(termination: Termination, detail: string | null): void {
    this.#isOver = true;
    this.body.forget();
    this.termination = termination;
    this.detail = detail;
    this.durationMs = this.elapsedMs();
    this.#attempts?.close(termination);
    this.#service.exchangeOver(this);
    this.filters?.finish(this);
  }
}
