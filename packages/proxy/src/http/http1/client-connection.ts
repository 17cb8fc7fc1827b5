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
import { HeadProblem, describeProblem, type ResponseHead } from '@muster/http1';
import { Deadline } from '../../timers/deadline.ts';
import type { Listener, OpenConnection } from '../../listener/listener.ts';
import type { CloseReason, ListenerStats } from '../../listener/listener-stats.ts';
import type { Leg, LegOwner, WriteOutcome } from '@muster/transport';
import { Exchange } from '../exchange/exchange.ts';
import { ForwardedFrom } from '../exchange/forwarded-from.ts';
import type { HttpService } from '../exchange/http-service.ts';
import type { ClientStream, UpstreamStream } from '../exchange/streams.ts';
import type { Arrival } from '../../listener/arrival.ts';
import { failureAnswer, type OwnAnswer, type Termination, verdictOf } from '../record/termination.ts';
import { answerText, type AnswerManner, interimHeadText, responseHeadText } from './head-text.ts';
import { ReadPause } from './read-pause.ts';
import { Tunnel, type TunnelEnd } from './tunnel.ts';
import type { RequestBodyReader } from './request-body.ts';
import { RequestReader } from './request-reader.ts';

/** After its last answer a client may send so much more, and take so long, before the connection is closed for good. */
const LINGER_BYTES_MAX = 1_048_576;
const LINGER_MS = 2_000;
/** When its listener goes away, a connection may still bring the request that is on its way; it is the last. */
const LAST_REQUEST_MS = 1_000;

type State = 'idle' | 'reading_head' | 'exchange' | 'flushing' | 'lingering' | 'tunnel' | 'closed';

export class ClientConnection implements OpenConnection, ClientStream, LegOwner {
  readonly listenerId: string;
  isWritePending = false;
  /** The client sends no more. */
  hasEnded = false;
  readonly #service: HttpService;
  readonly #arrival: Arrival;
  readonly #listener: Listener;
  readonly #leg: Leg;
  readonly #deadline: Deadline;
  readonly #reading: ReadPause;
  readonly #requests = new RequestReader();
  #from: ForwardedFrom | null = null;
  #state: State = 'idle';
  #exchange: Exchange | null = null;
  /** The body of the newest request; null before the first. */
  #body: RequestBodyReader | null = null;
  #isPersistent = true;
  /** The exchange has nowhere to put what the client sends. */
  #isHeld = false;
  /** What came after the request in flight. */
  #ahead: Buffer | null = null;
  #isServing = false;
  #lingeredBytes = 0;
  /** Whether all of the last answered request's body was read. */
  #isRequestComplete = true;
  #tunnel: Tunnel | null = null;

  constructor(service: HttpService, arrival: Arrival, listener: Listener) {
    this.#service = service;
    this.#arrival = arrival;
    this.#listener = listener;
    this.listenerId = listener.id;
    this.#leg = arrival.leg;
    this.#deadline = new Deadline(service.wheel, () => this.#deadlineReached());
    this.#reading = new ReadPause(arrival.leg, service.wheel, () => this.#clientLeft());
    arrival.leg.owner = this;
  }

  start(): void {
    this.#deadline.set(this.#service.settings.headTimeoutMs);
    this.#leg.start();
  }

  /**
   * What the client has sent already, or is about to, would be lost with a connection that ends unannounced: where the answer under
   * way has told the client already that the connection stays, one more request may follow.
   */
  finish(): void {
    if (this.#state === 'idle') this.#deadline.set(LAST_REQUEST_MS);
    else if (this.#state !== 'flushing' && this.#exchange?.answer.hasBegun !== true) this.#isPersistent = false;
  }

  close(reason: CloseReason): void {
    this.#cancelExchange(reason === 'shutdown' || reason === 'listener_removed' ? reason : 'client_left');
    this.#end(reason, false);
  }

  get from(): ForwardedFrom {
    const { settings } = this.#service;
    if (this.#from?.settings === settings) return this.#from;
    return (this.#from = new ForwardedFrom(this.#arrival, settings));
  }

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

  respondInterim(head: ResponseHead): boolean {
    return this.#sent(this.#leg.writeText(interimHeadText(head, null)));
  }

  /** In one write, whatever came of the body. */
  respond(head: ResponseHead, piece: string | Buffer): boolean {
    const text = responseHeadText(head, this.#exchange!, this.#isPersistent);
    if (typeof piece === 'string') return this.#sent(this.#leg.writeText(text + piece));
    return this.send(Buffer.concat([Buffer.from(text, 'latin1'), piece]));
  }

  respondSwitch(head: ResponseHead, rest: Buffer): boolean {
    const text = interimHeadText(head, this.#exchange!.requestId);
    return this.#sent(this.#leg.writeText(text + rest.toString('latin1')));
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

  answer(answer: OwnAnswer, isPersistent: boolean): void {
    const { method, requestId } = this.#exchange!;
    this.#answer(answer, { isHead: method === 'HEAD', isPersistent, requestId });
  }

  exchangeEnded(isRequestComplete: boolean): void {
    this.#exchange = null;
    this.#isHeld = false;
    if (this.#state === 'closed') return;
    this.#isRequestComplete = isRequestComplete;
    if (!isRequestComplete) this.#isPersistent = false;
    this.#state = 'flushing';
    if (!this.isWritePending) this.#flushed();
  }

  abort(termination: Termination): void {
    this.#exchange = null;
    this.#end(termination === 'client_left' ? 'reset' : 'aborted', true);
  }

  becomeTunnel(upstream: UpstreamStream): void {
    const { wheel } = this.#service;
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
      idleTimeoutMs: this.#service.settings.tunnelIdleTimeoutMs,
      halfCloseTimeoutMs: this.#service.settings.halfCloseTimeoutMs,
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

  get isGone(): boolean {
    return this.#reading.hasLostClient;
  }

  /** Who ended its side may only have half-closed, or be gone: it has so long to be sent something, which shows that. */
  #awaitHalfClosed(): void {
    if (this.hasEnded) this.#deadline.set(this.#service.settings.halfCloseTimeoutMs);
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
    const { requestRules, headTimeoutMs, maxBodyBytes } = this.#service.settings;
    const requests = this.#requests;
    const head = requests.readHead(bytes, requestRules);
    if (head === 'blank') return;
    if (head === 'partial') {
      if (this.#state === 'idle') this.#deadline.set(headTimeoutMs);
      this.#state = 'reading_head';
      return;
    }
    this.#deadline.clear();
    if (head instanceof HeadProblem) return this.#refuse(head, describeProblem(head.reason));
    this.#state = 'exchange';
    if (!head.isPersistent || this.#listener.isClosing) this.#isPersistent = false;
    this.from.admit(head);
    const body = requests.readBody(head, bytes, maxBodyBytes);
    const { next } = requests;
    const exchange = new Exchange(this.#service, this, body);
    this.#body = body;
    this.#exchange = exchange;
    exchange.begin();
    if (next < bytes.length) this.#keepAhead(bytes, next);
  }

  #exchangeBytes(bytes: Buffer): void {
    const exchange = this.#exchange!;
    if (!exchange.wantsBody) return this.#keepAhead(bytes, 0);
    const body = this.#body!;
    const next = body.read(bytes);
    if (body.problem !== null) return exchange.fail(body.problem, body.problemReason);
    exchange.onClientData(body.forwardable(bytes));
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
    const { keepAliveTimeoutMs } = this.#service.settings;
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
    const { peerAddress } = this.#arrival;
    const requestId = this.#service.requestIdOf(null);
    this.#service.refused({ requestId, listener: this.listenerId, peerAddress, status, reason });
    this.#isRequestComplete = false;
    this.#state = 'flushing';
    this.#answer(failureAnswer(status, reason, text), { isHead: false, isPersistent: false, requestId });
    if (!this.isWritePending) this.#flushed();
  }

  #answer(answer: OwnAnswer, manner: AnswerManner): void {
    this.#isPersistent &&= manner.isPersistent;
    this.#sent(this.#leg.writeText(answerText(answer, { ...manner, isPersistent: this.#isPersistent })));
  }

  #sent(outcome: WriteOutcome): boolean {
    if (outcome !== 'pending') {
      this.#awaitHalfClosed();
      return outcome === 'taken';
    }
    this.isWritePending = true;
    this.#deadline.set(this.#service.settings.bodyTimeoutMs);
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
