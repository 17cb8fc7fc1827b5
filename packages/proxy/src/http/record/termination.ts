/**
 * How an exchange ended, and what its client is told: the one place where a failure becomes a status.
 *
 * A client can tell Muster's own answers from a backend's by their `Muster-Reason` field, whose value is the termination.
 */

/** `null` status: nothing more can be said to this client. */
interface Verdict {
  readonly status: number | null;
  /** The body, for people. */
  readonly text: string;
  readonly source: 'upstream' | 'downstream' | 'internal';
}

const VERDICTS = {
  finished: { status: null, text: 'the answer was relayed', source: 'upstream' },
  tunnel_closed: { status: null, text: 'the tunnel ended', source: 'upstream' },
  bad_request: { status: 400, text: 'the request is not well-formed', source: 'downstream' },
  bad_request_body: { status: 400, text: 'the body of the request is not well-formed', source: 'downstream' },
  request_timeout: { status: 408, text: 'the request did not arrive in time', source: 'downstream' },
  body_too_large: { status: 413, text: 'the body of the request is too large', source: 'downstream' },
  trailers_too_large: { status: 431, text: 'the trailers of the request are too large', source: 'downstream' },
  client_left: { status: null, text: 'the client closed the connection', source: 'downstream' },
  client_stalled: { status: null, text: 'the client did not take its answer in time', source: 'downstream' },
  ambiguous_path: {
    status: 400,
    text: 'the path can be read in two ways, which lead to different routes',
    source: 'downstream',
  },
  no_route: { status: 404, text: 'no route leads from this host and path', source: 'internal' },
  loop_detected: { status: 508, text: 'the request came back to the listener that forwarded it', source: 'internal' },
  unknown_pool: { status: 503, text: 'the route leads to a pool that does not exist', source: 'internal' },
  no_healthy_backend: { status: 503, text: 'no healthy backend', source: 'upstream' },
  backends_full: { status: 503, text: 'every backend is at its limit of connections', source: 'upstream' },
  wait_timeout: { status: 503, text: 'every backend stayed at its limit of connections', source: 'upstream' },
  connect_failed: { status: 502, text: 'no backend could be reached', source: 'upstream' },
  target_refused: { status: 503, text: 'no backend of the pool is one that this node dials', source: 'internal' },
  connect_timeout: { status: 504, text: 'no backend could be reached in time', source: 'upstream' },
  retries_exhausted: { status: 503, text: 'too many requests are being tried again', source: 'upstream' },
  no_answer: { status: 502, text: 'the backend closed the connection without an answer', source: 'upstream' },
  bad_answer: { status: 502, text: 'the answer of the backend is not well-formed', source: 'upstream' },
  answer_timeout: { status: 504, text: 'the backend did not answer in time', source: 'upstream' },
  answer_cut: { status: 502, text: 'the answer of the backend broke off', source: 'upstream' },
  target_removed: { status: 502, text: 'the backend was removed', source: 'internal' },
  drain_timeout: { status: 502, text: 'the time for the backend to drain is over', source: 'internal' },
  answered_here: { status: null, text: 'Muster answered', source: 'internal' },
  filter_failed: { status: 500, text: 'a filter failed', source: 'internal' },
  listener_removed: { status: null, text: 'the listener was removed', source: 'internal' },
  shutdown: { status: null, text: 'the worker was shut down', source: 'internal' },
} as const satisfies Record<string, Verdict>;

export type Termination = keyof typeof VERDICTS;

export const TERMINATIONS = Object.keys(VERDICTS) as readonly Termination[];

/** For people: `no healthy backend`. */
export function describeTermination(termination: Termination): string {
  return VERDICTS[termination].text;
}

export function verdictOf(termination: Termination): Verdict {
  return VERDICTS[termination];
}

/** An answer that Muster gives itself: a refusal, a failure, or what a filter says. A whole message, before anything makes text of it. */
export interface OwnAnswer {
  readonly status: number;
  /** Complete lines with their CRLF; '' for none. Without Content-Length, Connection and Date. */
  readonly fields: string;
  /** Each character is one byte. */
  readonly body: string;
}

/** What a client is told of a failure; null where nothing is. */
export function failureOf(termination: Termination): OwnAnswer | null {
  const { status, text } = VERDICTS[termination];
  return status === null ? null : failureAnswer(status, termination, text);
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
