/**
 * One connection of a client: request after request, until somebody ends it.
 *
 *     idle ──first byte──► reading a head ──head──► exchange ──answered──► idle
 *       │                        │                     │  └─ 101 ──► tunnel
 *       └ keep-alive timeout     └ 408, 400, …         └ Connection: close ──► closed
 *
 * One request is in flight at a time: what a client sends ahead waits in one read's worth of memory, and the socket is not read
 * meanwhile. After a refusal the connection is ended by halves and read for a while without looking, because a reset would
 * destroy the answer on its way (RFC 9112, 9.6).
 */
import { HeadProblem, RequestHeadReader, describeProblem, lastLineFrom, partialRequestProblem } from '@muster/http1';
import { Deadline } from '../../timers/deadline.ts';
import type { Listener, OpenConnection } from '../../listener/listener.ts';
import type { CloseReason, ListenerStats } from '../../listener/listener-stats.ts';
import { type Leg, type LegOwner, textOf, type WriteOutcome } from '@muster/transport';
import { Exchange } from '../exchange/exchange.ts';
import { ForwardedFrom } from '../exchange/forwarded-from.ts';
import type { HttpProtocol } from '../http-protocol.ts';
import { failureAnswer, type OwnAnswer } from '../record/own-answer.ts';
import { answerText, type AnswerManner } from './head-text.ts';
import { verdictOf, type Termination } from '../record/termination.ts';
import { ReadPause } from './read-pause.ts';
import { Tunnel, type TunnelEnd } from './tunnel.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** After its last answer a client may send so much more, and take so long, before the connection is closed for good. */
const LINGER_BYTES_MAX = 1_048_576;
const LINGER_MS = 2_000;
/** When its listener goes away, a connection may still bring the request that is on its way; it is the last. */
const LAST_REQUEST_MS = 1_000;
/** A larger read is not turned into text whole, but as far as a head may reach, with the empty lines around it. */
const TEXT_BYTES_MAX = 16 * 1_024;
const HEAD_END_BYTES = 4;

type State = 'idle' | 'reading_head' | 'exchange' | 'flushing' | 'lingering' | 'tunnel' | 'closed';

export class ClientConnection implements OpenConnection, LegOwner {
  readonly listenerId: string;
  isWritePending = false;
  /** The client sends no more. */
  hasEnded = false;
  readonly #protocol: HttpProtocol;
  readonly #listener: Listener;
  readonly #leg: Leg;
  readonly #deadline: Deadline;
  readonly #reading: ReadPause;
  readonly #heads = new RequestHeadReader();
  #from: ForwardedFrom | null = null;
  #state: State = 'idle';
  #partialHead = '';
  #exchange: Exchange | null = null;
  #isPersistent = true;
  /** The exchange has nowhere to put what the client sends. */
  #isHeld = false;
  /** What came after the request in flight. */
  #ahead: Buffer | null = null;
  #isServing = false;
  #lingeredBytes = 0;
  /** Whether all of the last answered request was read. */
  #isRequestComplete = true;
  #tunnel: Tunnel | null = null;

  constructor(protocol: HttpProtocol, leg: Leg, listener: Listener) {
    this.#protocol = protocol;
    this.#listener = listener;
    this.listenerId = listener.id;
    this.#leg = leg;
    this.#deadline = new Deadline(protocol.wheel, () => this.#deadlineReached());
    this.#reading = new ReadPause(leg, protocol.wheel, () => this.#clientLeft());
    leg.owner = this;
  }

  start(): void {
    this.#deadline.set(this.#protocol.settings.headTimeoutMs);
    this.#leg.start();
  }

  /**
   * What the client has sent already, or is about to, would be lost with a connection that ends unannounced: where the answer under
   * way has told the client already that the connection stays, one more request may follow.
   */
  finish(): void {
    if (this.#state === 'idle') this.#deadline.set(LAST_REQUEST_MS);
    else if (this.#state !== 'flushing' && this.#exchange?.hasAnswerBegun !== true) this.#isPersistent = false;
  }

  close(reason: CloseReason): void {
    this.#cancelExchange(reason === 'shutdown' || reason === 'listener_removed' ? reason : 'client_left');
    this.#end(reason, false);
  }

  get from(): ForwardedFrom {
    const { settings } = this.#protocol;
    if (this.#from?.settings === settings) return this.#from;
    return (this.#from = new ForwardedFrom(this.#from?.address ?? this.#leg.peerAddress() ?? '', settings));
  }

  get bodyTimeoutMs(): number {
    return this.#protocol.settings.bodyTimeoutMs;
  }

  /** Whether another request may follow on this connection. */
  get isPersistent(): boolean {
    return this.#isPersistent;
  }

  /** No request follows the one in flight. */
  endAfterThis(): void {
    this.#isPersistent = false;
  }

  get stats(): ListenerStats {
    return this.#listener.stats;
  }

  /** A client that has ended keeps the time that it was given then. */
  setDeadline(delayMs: number): void {
    if (!this.hasEnded) this.#deadline.set(delayMs);
  }

  clearDeadline(): void {
    if (!this.hasEnded) this.#deadline.clear();
  }

  /** False: the client takes no more. Nothing may be pending. */
  sendText(text: string): boolean {
    return this.#sent(this.#leg.writeText(text));
  }

  send(bytes: Uint8Array): boolean {
    return this.#sent(this.#leg.write(bytes));
  }

  pauseReading(): void {
    this.#isHeld = true;
    this.#reading.pause();
  }

  resumeReading(): void {
    this.#isHeld = false;
    this.#resumeLeg();
  }

  /** Muster's own answer. `isPersistent`: as far as the request is concerned, another may follow. */
  answer(answer: OwnAnswer, { isHead, isPersistent, requestId }: AnswerManner): void {
    this.#isPersistent &&= isPersistent;
    this.sendText(answerText(answer, { isHead, isPersistent: this.#isPersistent, requestId }));
  }

  /** The exchange is over and its answer written, or pending. `isRequestComplete`: nothing of the request is still to come. */
  exchangeEnded(isRequestComplete: boolean): void {
    this.#exchange = null;
    this.#isHeld = false;
    if (this.#state === 'closed') return;
    this.#isRequestComplete = isRequestComplete;
    if (!isRequestComplete) this.#isPersistent = false;
    this.#state = 'flushing';
    if (!this.isWritePending) this.#flushed();
  }

  /** A part of an answer went out and the rest will not: the client must not take it for all. */
  abort(termination: Termination): void {
    this.#exchange = null;
    this.#end(termination === 'client_left' ? 'reset' : 'aborted', true);
  }

  /** Both sides have agreed on another protocol, and the client was told so. */
  becomeTunnel(upstream: UpstreamConnection): void {
    const { wheel } = this.#protocol;
    this.#deadline.dispose();
    this.#state = 'tunnel';
    this.pauseReading();
    this.#reading.dispose();
    const { leg, onClosed } = upstream.handOver();
    const ends = {
      downstream: this.#leg,
      upstream: leg,
      target: upstream.target,
      onClosed,
      idleTimeoutMs: this.#protocol.settings.tunnelIdleTimeoutMs,
      halfCloseTimeoutMs: this.#protocol.settings.halfCloseTimeoutMs,
      isDownstreamPending: this.isWritePending,
    };
    this.#tunnel = new Tunnel({ wheel, stats: this.#listener.stats }, ends, (reason) => this.#tunnelEnded(reason));
    this.#tunnel.sendAhead(this.#ahead);
    this.#ahead = null;
  }

  onBytes(_leg: Leg, bytes: Buffer): void {
    this.#listener.stats.bytesFromDownstream += bytes.length;
    switch (this.#state) {
      case 'idle':
      case 'reading_head':
        return this.#serve(bytes);
      case 'exchange':
        return this.#exchangeBytes(bytes);
      case 'lingering':
        return this.#discard(bytes);
      default:
        this.#keepAhead(bytes, 0);
    }
  }

  onDrained(): void {
    this.isWritePending = false;
    this.#deadline.clear();
    this.#awaitHalfClosed();
    if (this.#state === 'flushing') this.#flushed();
    else this.#exchange?.onClientDrained();
  }

  onWriteFailed(): void {
    this.#clientLeft();
  }

  onReset(): void {
    this.#clientLeft();
  }

  onEnd(): void {
    this.hasEnded = true;
    if (this.#state === 'flushing') return this.endAfterThis();
    if (this.#state !== 'exchange' || this.#exchange!.wantsBody) return this.#clientLeft();
    this.endAfterThis();
    if (!this.isWritePending) this.#awaitHalfClosed();
  }

  /** Whether a client that was not read for a while has reset its connection meanwhile. */
  get isGone(): boolean {
    return this.#reading.hasLostClient;
  }

  /** Who ended its side may only have half-closed, or be gone: it has so long to be sent something, which shows that. */
  #awaitHalfClosed(): void {
    if (this.hasEnded) this.#deadline.set(this.#protocol.settings.halfCloseTimeoutMs);
  }

  /** Reads requests until there is nothing more to read, or one is in flight. Never within itself: a read may hold many. */
  #serve(first: Buffer): void {
    if (this.#isServing) return this.#keepAhead(first, 0);
    this.#isServing = true;
    for (let bytes: Buffer | null = first; bytes !== null; bytes = this.#takeAhead()) this.#readHead(bytes);
    this.#isServing = false;
    this.#resumeLeg();
  }

  /** What was sent ahead, when its turn has come. */
  #takeAhead(): Buffer | null {
    if (this.#state !== 'idle') return null;
    const ahead = this.#ahead;
    this.#ahead = null;
    return ahead;
  }

  #readHead(bytes: Buffer): void {
    const { requestRules, headTimeoutMs } = this.#protocol.settings;
    const shift = this.#partialHead.length;
    const text =
      this.#partialHead + textOf(bytes, Math.max(TEXT_BYTES_MAX, requestRules.maxHeadBytes + HEAD_END_BYTES));
    // One empty line before a request is forgiven (RFC 9112, 2.2).
    const from = text.startsWith('\r\n') ? 2 : 0;
    if (from === text.length) return void (this.#partialHead = text);
    const head = this.#heads.read(text, from, requestRules);
    if (head === null) {
      const checkedTo = Math.max(from, lastLineFrom(this.#partialHead));
      const problem = partialRequestProblem(text, from, requestRules, checkedTo);
      if (problem !== null) return this.#refuse(problem, describeProblem(problem.reason));
      this.#partialHead = text;
      if (this.#state === 'idle') this.#deadline.set(headTimeoutMs);
      this.#state = 'reading_head';
      return;
    }
    this.#partialHead = '';
    this.#deadline.clear();
    if (head instanceof HeadProblem) return this.#refuse(head, describeProblem(head.reason));
    this.#state = 'exchange';
    if (!head.isPersistent || this.#listener.isClosing) this.#isPersistent = false;
    this.from.admit(head);
    const exchange = new Exchange(this.#protocol, this, head);
    this.#exchange = exchange;
    const next = exchange.begin({ bytes, text, shift }, this.#heads.end);
    if (next < bytes.length) this.#keepAhead(bytes, next);
  }

  #exchangeBytes(bytes: Buffer): void {
    const exchange = this.#exchange!;
    const next = exchange.wantsBody ? exchange.onClientBytes(bytes) : 0;
    if (next < bytes.length) this.#keepAhead(bytes, next);
  }

  /** The bytes are in a buffer that is used again: they are copied, and the socket is not read until their turn has come. */
  #keepAhead(bytes: Buffer, from: number): void {
    if (this.#state === 'closed' || this.#state === 'lingering') return;
    this.#reading.pause();
    const rest = bytes.subarray(from);
    this.#ahead = this.#ahead === null ? Buffer.from(rest) : Buffer.concat([this.#ahead, rest]);
  }

  /** The last answer is with the kernel. */
  #flushed(): void {
    if (this.#isPersistent) return this.#beIdle();
    if (!this.#isRequestComplete) return this.#linger();
    this.#end('finished', false);
  }

  #beIdle(): void {
    this.#state = 'idle';
    const { keepAliveTimeoutMs } = this.#protocol.settings;
    this.#deadline.set(this.#listener.isClosing ? LAST_REQUEST_MS : keepAliveTimeoutMs);
    if (this.#isServing) return;
    const ahead = this.#takeAhead();
    if (ahead !== null) return this.#serve(ahead);
    this.#resumeLeg();
    this.#leg.rest();
  }

  /** Not while something is held back, or is about to be. */
  #resumeLeg(): void {
    const isHeldBack = this.#isHeld || this.#ahead !== null || this.#isServing || this.#state === 'closed';
    if (this.#reading.isPaused && !isHeldBack) this.#reading.resume();
  }

  #linger(): void {
    this.#state = 'lingering';
    this.#ahead = null;
    if (this.hasEnded) return this.#end('finished', false);
    this.#deadline.set(LINGER_MS);
    this.#leg.end();
    this.#resumeLeg();
  }

  #discard({ length }: Buffer): void {
    if ((this.#lingeredBytes += length) > LINGER_BYTES_MAX) this.#end('finished', false);
  }

  #deadlineReached(): void {
    switch (this.#state) {
      case 'exchange':
        return this.#exchange!.onClientDeadline();
      case 'reading_head':
        return this.#refuse({ status: 408, reason: 'request_timeout' }, verdictOf('request_timeout').text);
      case 'idle':
        return this.#end(this.#listener.isClosing ? 'finished' : 'idle', false);
      default:
        this.#end(this.#state === 'lingering' ? 'finished' : 'reset', false);
    }
  }

  #refuse({ status, reason }: { status: number; reason: string }, text: string): void {
    const peerAddress = this.#leg.peerAddress() ?? '';
    const requestId = this.#protocol.requestIdOf(null);
    this.#protocol.refused({ requestId, listener: this.listenerId, peerAddress, status, reason });
    this.#isRequestComplete = false;
    this.#state = 'flushing';
    this.answer(failureAnswer(status, reason, text), { isHead: false, isPersistent: false, requestId });
    if (!this.isWritePending) this.#flushed();
  }

  #sent(outcome: WriteOutcome): boolean {
    if (outcome !== 'pending') {
      this.#awaitHalfClosed();
      return outcome === 'taken';
    }
    this.isWritePending = true;
    this.#deadline.set(this.#protocol.settings.bodyTimeoutMs);
    return true;
  }

  #clientLeft(): void {
    this.#cancelExchange('client_left');
    this.#end(this.#state === 'lingering' || this.#state === 'idle' ? 'finished' : 'reset', false);
  }

  #tunnelEnded(reason: TunnelEnd): void {
    this.#exchange?.cancel('tunnel_closed', reason);
    this.#end(reason, false);
  }

  #cancelExchange(termination: Termination): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.cancel(termination, null);
  }

  #end(reason: CloseReason, isAborted: boolean): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#deadline.dispose();
    this.#reading.dispose();
    this.#ahead = null;
    this.#tunnel?.close();
    this.#cancelExchange('tunnel_closed');
    if (isAborted) this.#leg.reset();
    else this.#leg.close();
    this.#listener.ended(this, { kind: 'closed', reason }, null);
  }
}
