/**
 * Heads as HTTP/1.1 writes them: what a backend gets of a request, and a client of an answer.
 *
 *     GET /spells HTTP/1.1            the client's method and target (its prefix stripped where the route says so)
 *     Host: api.example.com           kept, the target, or a name
 *     Accept: …                       the client's end-to-end fields: order, case and repetition as they came
 *     X-Forwarded-For: 192.0.2.7      and what else Muster adds: `forwarded-from.ts`
 *
 * Text in, text out; one character per byte.
 */
import { fieldValue, type RequestHead, type ResponseHead } from '@muster/http1';
import type { RequestRouting } from '../exchange/forwarded-from.ts';
import type { OwnAnswer } from '../record/termination.ts';

/** Not imported: an ES import of `node:http` evaluates all its exports, and its `WebSocket` loads undici, 50 ms in each worker. */
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** By minor version: Via names the one that was received. */
const VIA_BY_MINOR = Array.from({ length: 10 }, (_, minor) => `Via: 1.${minor} muster\r\n`);

/** The head of a request as its backend gets it. `fields` are the end-to-end ones, which a filter may have changed. */
export function requestHeadText(head: RequestHead, fields: string, routing: RequestRouting): string {
  const { pathAndQuery, host, from } = routing;
  let text = `${head.method} ${pathAndQuery} HTTP/1.1\r\nHost: ${host}\r\n${fields}`;
  if (head.framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  if (head.upgrade !== null || head.acceptsTrailers) text += hopFields(head);
  if (head.maxForwards > 0) text += `Max-Forwards: ${head.maxForwards - 1}\r\n`;
  return `${text}${from}\r\n`;
}

/** What the connection to the backend is asked for: another protocol, and trailers, which go on (RFC 9110, 10.1.4). */
function hopFields({ upgrade, acceptsTrailers }: RequestHead): string {
  const trailers = acceptsTrailers ? 'TE: trailers\r\n' : '';
  if (upgrade === null) return `Connection: TE\r\n${trailers}`;
  return `Connection: upgrade${acceptsTrailers ? ', TE' : ''}\r\nUpgrade: ${upgrade}\r\n${trailers}`;
}

interface AnsweredRequest {
  readonly head: RequestHead;
  readonly requestId: string;
}

/** The head of an answer as its client gets it; `isPersistent`: another request may follow. */
export function responseHeadText(head: ResponseHead, request: AnsweredRequest, isPersistent: boolean): string {
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields}`;
  if (!head.hasDate) text += `Date: ${httpDate()}\r\n`;
  if (head.framing === 'chunked' && !request.head.isHttp10) text += 'Transfer-Encoding: chunked\r\n';
  if (!head.hasRequestId) text += `X-Request-Id: ${request.requestId}\r\n`;
  // RFC 9110, 15.5.22: this status must name the protocol that is asked for.
  if (head.status === 426 && head.upgrade !== null) text += `Connection: upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
  if (!isPersistent) text += 'Connection: close\r\n';
  return `${text}${VIA_BY_MINOR[head.minorVersion]!}\r\n`;
}

/** An interim answer; or the one that switches protocols, which is the last and so names the request. */
export function interimHeadText(head: ResponseHead, requestId: string | null): string {
  const upgrade = head.upgrade === null ? '' : `Connection: upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
  const id = requestId === null ? '' : `X-Request-Id: ${requestId}\r\n`;
  return `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields}${upgrade}${id}${VIA_BY_MINOR[head.minorVersion]!}\r\n`;
}

export interface AnswerManner {
  /** A HEAD request gets no body. */
  readonly isHead: boolean;
  readonly isPersistent: boolean;
  readonly requestId: string;
}

/** The answer as text: one character per byte. It names its request, unless a filter that gave it has named one. */
export function answerText({ status, fields, body }: OwnAnswer, manner: AnswerManner): string {
  const { isHead, isPersistent, requestId } = manner;
  const id = fieldValue(fields, 'x-request-id') === null ? `X-Request-Id: ${requestId}\r\n` : '';
  const connection = isPersistent ? '' : 'Connection: close\r\n';
  const length = status === 204 || status === 304 ? '' : `Content-Length: ${body.length}\r\n`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nDate: ${httpDate()}\r\n${fields}${id}${length}${connection}\r\n`;
  return isHead || length === '' ? head : head + body;
}

let dateSecond = 0;
let dateText = '';

/** The time as a Date field has it (RFC 9110, 5.6.7), made at most once a second. */
function httpDate(): string {
  const nowMs = Date.now();
  const nowSecond = Math.floor(nowMs / 1_000);
  if (nowSecond !== dateSecond) {
    dateSecond = nowSecond;
    dateText = new Date(nowMs).toUTCString();
  }
  return dateText;
}
