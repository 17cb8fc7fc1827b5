/** Answers that Muster gives itself: refusals, failures, and what a filter says. Whole messages, before anything makes text of them. */

export interface OwnAnswer {
  readonly status: number;
  /** Complete lines with their CRLF; '' for none. Without Content-Length, Connection and Date. */
  readonly fields: string;
  /** Each character is one byte. */
  readonly body: string;
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
