/**
 * The two streams that an exchange stands between: its client's and its backend's. Heads are text with known positions (ADR 11) and
 * bodies are pieces; how either travels is the streams' business.
 *
 *     ClientStream ──RequestHead, RequestBody, pieces──► exchange ──sendRequest, write──► UpstreamStream ──► backend
 *          ◄──respond, send, answer, abort───────────────    ◄──interim, final, data──────────────
 *
 * Each side is paused while the other is slow. HTTP/1.1 implements both on legs (`http1/`), with one class for each.
 */
import type { RequestHead, ResponseHead } from '@muster/http1';
import type { TargetConnections } from '../../pool/target-connections.ts';
import type { ListenerStats } from '../../listener/listener-stats.ts';
import type { Leg } from '@muster/transport';
import type { OwnAnswer, Termination } from '../record/termination.ts';
import type { ExchangePolicy, KeepAlivePolicy } from '../routes/exchange-policy.ts';
import type { ForwardedFrom, RequestRouting } from './forwarded-from.ts';

/** The client's side of one exchange. */
export interface ClientStream {
  readonly listenerId: string;
  readonly stats: ListenerStats;
  readonly from: ForwardedFrom;
  /** A write is on its way: nothing more may be written. */
  readonly isWritePending: boolean;
  /** The client sends no more. */
  readonly hasEnded: boolean;
  /** The client was not read for a while and has reset its connection meanwhile. */
  readonly isGone: boolean;
  /** No request follows this one on its connection. */
  endAfterThis(): void;
  setDeadline(delayMs: number): void;
  clearDeadline(): void;
  /** The exchange has nowhere to put what the client sends. May be repeated. */
  pauseReading(): void;
  resumeReading(): void;
  /** An interim answer. False, here and below: the client takes no more. */
  respondInterim(head: ResponseHead): boolean;
  /** The head of the final answer, with what came of its body with it. */
  respond(head: ResponseHead, piece: string | Buffer): boolean;
  /** The head that switches protocols, with what the backend has said already. `becomeTunnel` follows. */
  respondSwitch(head: ResponseHead, rest: Buffer): boolean;
  send(piece: Uint8Array): boolean;
  /** Muster's own answer. `isPersistent`: as far as the request is concerned, another may follow. */
  answer(answer: OwnAnswer, isPersistent: boolean): void;
  /** The exchange is over and its answer written, or pending. `isRequestComplete`: nothing of the request is still to come. */
  exchangeEnded(isRequestComplete: boolean): void;
  /** A part of an answer went out and the rest will not: the client must not take it for all. */
  abort(termination: Termination): void;
  /** Both sides have agreed on another protocol, and the client was told so. */
  becomeTunnel(upstream: UpstreamStream): void;
  /** The client has gone. */
  close(reason: 'reset'): void;
}

/** The body of the request, as far as it has come, with what is kept of it for another attempt. */
export interface RequestBody {
  /** The head that it came behind. */
  readonly head: RequestHead;
  readonly isComplete: boolean;
  /** Why what was read last must not go on; null: it may. */
  readonly problem: 'bad_request_body' | 'body_too_large' | 'trailers_too_large' | null;
  readonly problemReason: string | null;
  readonly forwardedBytes: number;
  /** Whether it lies in the client's own read buffer still: the client is not read meanwhile. */
  readonly isBorrowed: boolean;
  /** Whether a second attempt could be made. */
  readonly isKept: boolean;
  /** All of it so far; throws where that was not kept. */
  readonly kept: string | Buffer;
  /** It was written. What may have to be written again becomes its own; everything else is forgotten. */
  written(mayBeSentAgain: boolean): void;
  /** The request will not be sent again. */
  forget(): void;
}

/** Why a stream was lost: the backend ended or reset it, or takes no more bytes and says nothing. */
export type LossReason = 'ended' | 'reset' | 'write_failed';

/** The answer of one attempt, as far as it has come. */
export interface IncomingAnswer {
  readonly hasBytes: boolean;
  /** All of its body was read. */
  readonly isComplete: boolean;
  /** Its connection may serve somebody else. */
  readonly isReusable: boolean;
  /** What came behind an interim head is held until `readHeld`. */
  readonly isHolding: boolean;
  readHeld(sink: AnswerSink): void;
  /** The final head waits for something: what came with it is kept in memory of its own. */
  keepFirstRead(): void;
  /** Reads what of the body came with the final head. `isDataOnly`: without chunk framing. Returns why the answer is bad, or null. */
  readFirst(head: ResponseHead, isDataOnly: boolean): string | null;
  /** What `readFirst` found: text where that is little. Asked for once. */
  firstPiece(): string | Buffer;
  /** The connection was lost after the head. `isEnd`: by a regular end, which a body may end with. */
  lost(isEnd: boolean): void;
}

/** The backend's side of one attempt. */
export interface UpstreamStream {
  readonly target: TargetConnections;
  /** Its connection has served somebody before. */
  readonly isReused: boolean;
  /** A write is on its way: what it refers to must be left alone. */
  readonly isWritePending: boolean;
  readonly incoming: IncomingAnswer;
  /** The user's head, with `fields` as filters left them, and what is here of the body. False, here and below: it takes no more bytes. */
  sendRequest(fields: string, routing: RequestRouting): boolean;
  write(piece: Uint8Array): boolean;
  setDeadline(delayMs: number): void;
  clearDeadline(): void;
  pause(): void;
  resume(): void;
  /** The leg is somebody else's from now on, and so are its place in the connection table and the news of its end. */
  handOver(): { readonly leg: Leg; readonly onClosed: () => void };
  release(isReusable: boolean, keepAlive: KeepAlivePolicy): void;
}

/** What a stream to a backend tells of the answer. */
export interface AnswerSink {
  /** Where the bytes that come are counted. */
  readonly stats: ListenerStats;
  /** `hold`: the client has to take this first. `over`: nobody wants more. */
  interim(upstream: UpstreamStream, head: ResponseHead): 'next' | 'hold' | 'over';
  /** The final head; what came of the body with it is had by `readFirst` and `firstPiece`. */
  final(upstream: UpstreamStream, head: ResponseHead): void;
  /** The backend switches protocols; `rest` is what it has said in the other one already. */
  switched(head: ResponseHead, rest: Buffer): void;
  data(upstream: UpstreamStream, piece: Buffer): void;
  /** What follows the head is no body. */
  cut(reason: string): void;
  /** What came is no answer. */
  bad(reason: string): void;
}

/** What a stream to a backend tells the exchange that it serves. */
export interface UpstreamUser {
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly policy: ExchangePolicy;
  /** Who is told the answer. */
  readonly answer: AnswerSink;
  onUpstreamConnected(): void;
  /** The connection is closed already. */
  onUpstreamConnectFailed(code: string, detail?: string): void;
  onUpstreamDrained(): void;
  /** It takes no more bytes. What it said before may still be read; `onUpstreamLost` follows. */
  onUpstreamWriteFailed(): void;
  /** The connection is closed already, except for `ended`. */
  onUpstreamLost(reason: LossReason): void;
  /** The deadline that the user set. */
  onUpstreamDeadline(): void;
  /** The connection is closed already. */
  onTargetLeft(reason: 'target_removed' | 'drain_timeout'): void;
}

/** Where attempts get their streams. */
export interface UpstreamOpener {
  /** On the kept-alive connection that was used last; null where there is none. */
  takeIdle(target: TargetConnections, user: UpstreamUser): UpstreamStream | null;
  /** On a new connection; its outcome is told later. `onRoom` is told when it can be taken, or leaves room for another. */
  dial(target: TargetConnections, user: UpstreamUser, options: DialOptions): UpstreamStream;
}

export interface DialOptions {
  readonly connectTimeoutMs: number;
  readonly onRoom: () => void;
}
