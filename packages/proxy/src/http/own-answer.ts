/** Answers that Muster gives itself: refusals, failures, and what a filter says. Complete messages, written at once. */
import { fieldValue } from '@muster/http1';
import { httpDate } from './http-date.ts';

/** Not imported: an ES import of `node:http` evaluates all its exports, and its `WebSocket` loads undici, 50 ms in each worker. */
const { STATUS_CODES } = process.getBuiltinModule('node:http');

export interface OwnAnswer {
  readonly status: number;
  /** Complete lines with their CRLF; '' for none. Without Content-Length, Connection and Date. */
  readonly fields: string;
  /** Each character is one byte. */
  readonly body: string;
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

/** A failure in plain text, with the reason as a field that only Muster sends. */
export function failureAnswer(status: number, reason: string, text: string): OwnAnswer {
  const retry = status === 503 ? 'Retry-After: 1\r\n' : '';
  const fields = `Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nMuster-Reason: ${reason}\r\n${retry}`;
  return { status, fields, body: `muster: ${text}\n` };
}

/**
 * To OPTIONS and TRACE that have come as far as they may (RFC 9110, 7.6.2). TRACE would have to repeat the request, and with it
 * what proxies before us have put into it; it is not served.
 */
export function lastRecipientAnswer(method: string): OwnAnswer {
  return method === 'OPTIONS'
    ? { status: 204, fields: '', body: '' }
    : { status: 405, fields: 'Allow: OPTIONS\r\n', body: '' };
}
