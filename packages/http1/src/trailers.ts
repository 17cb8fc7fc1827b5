/**
 * Which trailer fields go on (RFC 9110, 6.5.1 and 6.5.2).
 *
 * They are checked like the fields of a head, and one that is malformed ends the message. Well-formed ones are left out, which
 * the RFC allows, where a receiver that merged them into the head would be told anew how the message is framed, whom it is for,
 * who sent it, what is allowed, or what its content is.
 */
import { fieldNames } from './kept-fields.ts';
import { REFUSED, cursor } from './field-cursor.ts';
import { hasControl } from './head-text.ts';
import { BODY_PROBLEMS, type BodyProblem } from './problem.ts';

const NOT_IN_TRAILERS = fieldNames(`
    transfer-encoding content-length host connection keep-alive proxy-connection te trailer upgrade via forwarded
    x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port x-real-ip x-request-id http2-settings
    cache-control expect max-forwards pragma range if-match if-none-match if-modified-since if-unmodified-since
    if-range authorization proxy-authorization proxy-authenticate proxy-authentication-info www-authenticate cookie
    set-cookie origin age date expires location retry-after vary warning content-encoding content-type content-range
  `);

export interface TrailerRules {
  readonly maxTrailerFields: number;
  /** What the head's Connection named, in lower case. */
  readonly nominated: ReadonlySet<string> | null;
}

/** The trailers that go on, each with its CRLF, of a section that ends with the empty line. */
export function keptTrailers(section: string, rules: TrailerRules): string | BodyProblem {
  if (hasControl(section, 0, section.length)) return BODY_PROBLEMS.trailer;
  let kept = '';
  let count = 0;
  for (let from = 0; from < section.length - 2; from = cursor.lineTo) {
    if (cursor.read(section, from) === REFUSED) return BODY_PROBLEMS.trailer;
    if (++count > rules.maxTrailerFields) return BODY_PROBLEMS.too_many_trailers;
    // Readers that know no `-` see `_` in its place.
    const name = section.slice(from, cursor.nameTo).toLowerCase().replaceAll('_', '-');
    if (!NOT_IN_TRAILERS.has(name) && rules.nominated?.has(name) !== true) kept += section.slice(from, cursor.lineTo);
  }
  return kept;
}
