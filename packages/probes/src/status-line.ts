/**
 * The status of an HTTP/1 answer, from however many of its first bytes have come. Strict about the status line
 * (RFC 9112 §4) and about nothing else: a probe reads no fields and no body.
 */

export type StatusRead =
  | { readonly kind: 'status'; readonly status: number }
  /** So far this may still become an answer. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'not_http' };

const STATUS_LINE = /^HTTP\/1\.[01] ([1-9][0-9]{2})(?: [^\r\n\0]*)?\r?\n/;
const PREFIX = 'HTTP/1.';
const INCOMPLETE: StatusRead = { kind: 'incomplete' };
const NOT_HTTP: StatusRead = { kind: 'not_http' };

/** Reads the final status; interim answers (1xx, RFC 9110 §15.2) are skipped with their fields. `head` is Latin-1. */
export function readStatus(head: string): StatusRead {
  let rest = head;
  for (;;) {
    const length = Math.min(rest.length, PREFIX.length);
    if (rest.slice(0, length) !== PREFIX.slice(0, length)) return NOT_HTTP;
    const match = STATUS_LINE.exec(rest);
    if (match === null) return rest.includes('\n') ? NOT_HTTP : INCOMPLETE;
    const status = Number(match[1]);
    if (status >= 200 || status === 101) return { kind: 'status', status };

    const end = /\r?\n\r?\n/.exec(rest);
    if (end === null) return INCOMPLETE;
    rest = rest.slice(end.index + end[0].length);
  }
}
