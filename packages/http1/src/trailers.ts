/**
 * Which trailer fields go on (RFC 9110, 6.5.1 and 6.5.2).
 *
 * They are checked like the fields of a head, and one that is malformed ends the message. Well-formed ones are left out, which
 * the RFC allows, where a receiver that merged them into the head would be told anew how the message is framed, whom it is for,
 * who sent it, what is allowed, or what its content is; and so is what only a proxy, or only Muster, may say (`own-fields.ts`).
 */
import { fieldNames } from './fields.ts';
import { cursor, REFUSED } from './field-lines.ts';
import { hasControl } from './head-text.ts';
import { type FieldNames, foldedName, OWN_IN_ANSWERS } from './own-fields.ts';
import { BODY_PROBLEMS, type BodyProblem } from './problem.ts';

const NOT_IN_TRAILERS = fieldNames(`
    transfer-encoding content-length host connection keep-alive proxy-connection te trailer upgrade via forwarded
    http2-settings
    cache-control expect max-forwards pragma range if-match if-none-match if-modified-since if-unmodified-since
    if-range authorization proxy-authorization proxy-authenticate proxy-authentication-info www-authenticate cookie
    set-cookie origin age date expires location retry-after vary warning content-encoding content-type content-range
  `);

export interface TrailerRules {
  readonly maxTrailerFields: number;
  /** What the head's Connection named, in lower case. */
  readonly nominated: ReadonlySet<string> | null;
  /** What only a trusted proxy may say, and nobody in trailers. */
  readonly proxyFields: FieldNames;
}

/** The trailers that go on, each with its CRLF, of a section that ends with the empty line. */
export function keptTrailers(section: string, rules: TrailerRules): string | BodyProblem {
  if (hasControl(section, 0, section.length)) return BODY_PROBLEMS.trailer;
  let kept = '';
  let count = 0;
  for (let from = 0; from < section.length - 2; from = cursor.lineTo) {
    if (cursor.read(section, from) === REFUSED) return BODY_PROBLEMS.trailer;
    if (++count > rules.maxTrailerFields) return BODY_PROBLEMS.too_many_trailers;
    if (mayGoOn(section.slice(from, cursor.nameTo), rules)) kept += section.slice(from, cursor.lineTo);
  }
  return kept;
}

function mayGoOn(name: string, { nominated, proxyFields }: TrailerRules): boolean {
  // Readers that know no `-` see another character in its place.
  if (NOT_IN_TRAILERS.has(foldedName(name)) || nominated?.has(name.toLowerCase()) === true) return false;
  return !proxyFields.has(name, 0, name.length) && !OWN_IN_ANSWERS.has(name, 0, name.length);
}
