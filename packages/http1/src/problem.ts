/**
 * Why a message was refused: one literal per rule, each with the status that answers a request which breaks it and a sentence
 * for people. The instances are made once and frozen, so that refusing costs an attacked proxy nothing.
 *
 * For responses the statuses mean nothing: whoever reads a wrong answer from a backend tells its client 502.
 */

/** Section numbers are of RFC 9112 unless they say 9110. */
const HEAD_RULES = {
  /** 9110, 5.4 and RFC 6585, 5 */
  head_too_large: [431, 'the head is larger than the limit'],
  too_many_fields: [431, 'the head has more fields than the limit'],
  /** 2.2 */
  bare_line_feed: [400, 'a line ends in LF without CR'],
  bare_carriage_return: [400, 'a CR is not followed by LF'],
  control_character: [400, 'the head has a control character'],
  /** 3 */
  request_line: [400, 'the request line is not a method, a target and a version with single spaces between them'],
  method: [400, 'the method is not a token'],
  method_too_long: [501, 'the method is longer than 32 characters'],
  connect: [501, 'CONNECT is not served'],
  version: [400, 'the version is not HTTP with one digit, a dot and one digit'],
  version_unsupported: [505, 'only HTTP/1.x is spoken here'],
  /** 3.2 */
  target: [400, 'the target has a character that no URL has there, or is of no known form'],
  target_too_long: [414, 'the target is longer than the limit'],
  /** 3.2 with RFC 3986, 3.3: what backends read in more than one way */
  path_control_character: [400, 'the path has an escaped control character'],
  path_escaped_slash: [400, 'the path has an escaped slash or backslash, which this listener refuses'],
  path_parameter: [400, 'the path has a parameter (";"), which this listener refuses'],
  path_hidden_segment: [400, 'the path has a dot segment or an empty one that only some readers would see'],
  target_scheme: [400, 'the target names another scheme than http'],
  target_authority: [400, "the target's authority is not a host with an optional port"],
  host_missing: [400, 'there is no Host field'],
  host_repeated: [400, 'there is more than one Host field'],
  host: [400, 'the Host field is not a host with an optional port'],
  /** 5 */
  field_line: [400, 'a field line has no colon'],
  field_name: [400, 'a field name is empty or has a character that names do not have'],
  space_before_colon: [400, 'there is a space between a field name and its colon'],
  folded_line: [400, 'a field value goes on in a second line'],
  field_alias: [400, 'a field name differs from one that decides about framing or trust only by an underscore'],
  /** 6 */
  length: [400, 'Content-Length is not one decimal number that can be counted to'],
  length_repeated: [400, 'there is more than one Content-Length'],
  length_and_coding: [400, 'there are both Transfer-Encoding and Content-Length'],
  coding: [400, 'Transfer-Encoding does not end in one chunked, or is not a list of codings'],
  coding_unknown: [501, 'Transfer-Encoding has another coding than chunked'],
  coding_in_http10: [400, 'HTTP/1.0 has no Transfer-Encoding'],
  coding_without_body: [400, 'Transfer-Encoding in a response that has no body'],
  /** 9110, 7.6.1 */
  connection_option: [400, 'Connection is not a list of tokens'],
  connection_nomination: [400, 'Connection names a field that is for every recipient'],
  /** 9110, 7.8 */
  upgrade: [400, 'Upgrade is not a list of protocols'],
  upgrade_missing: [400, 'a response switches protocols and does not name one'],
  /** 9110, 10.1.1 and 7.6.2 */
  expectation: [417, 'the only expectation that can be met is 100-continue'],
  max_forwards: [400, 'Max-Forwards is not one decimal number'],
  /** 4 */
  status_line: [400, 'the status line is not a version, a status of three digits and a reason'],
  status: [400, 'the status is not between 100 and 599'],
} as const;

const BODY_RULES = {
  /** 7.1 */
  chunk_size: [400, 'a chunk size is not 1 to 16 hexadecimal digits'],
  chunk_size_too_large: [413, 'a chunk is larger than can be counted'],
  chunk_size_ending: [400, 'a chunk size line does not end in CRLF'],
  chunk_data_ending: [400, "a chunk's data is not followed by CRLF"],
  /** 7.1.1 */
  chunk_extension: [400, 'a chunk extension is malformed'],
  chunk_extensions_too_large: [413, 'the chunk extensions are larger than the limit'],
  /** 7.1.2 */
  trailer: [400, 'a trailer field is malformed'],
  trailers_too_large: [431, 'the trailers are larger than the limit'],
  too_many_trailers: [431, 'there are more trailer fields than the limit'],
} as const;

export type HeadProblemReason = keyof typeof HEAD_RULES;
export type BodyProblemReason = keyof typeof BODY_RULES;

/** A head that was refused. */
export class HeadProblem {
  /** What to answer a request with. */
  readonly status: 400 | 413 | 414 | 417 | 431 | 501 | 505;
  /** The rule, for example 'bare_line_feed'. */
  readonly reason: HeadProblemReason;

  constructor(status: HeadProblem['status'], reason: HeadProblemReason) {
    this.status = status;
    this.reason = reason;
    Object.freeze(this);
  }
}

/** A chunked body that was refused. */
export class BodyProblem {
  /** What to answer a request with, while that is still possible. */
  readonly status: 400 | 413 | 431;
  /** The rule, for example 'chunk_size'. */
  readonly reason: BodyProblemReason;

  constructor(status: BodyProblem['status'], reason: BodyProblemReason) {
    this.status = status;
    this.reason = reason;
    Object.freeze(this);
  }
}

function instances<Reason extends string, Status extends number, Problem>(
  rules: Readonly<Record<Reason, readonly [Status, string]>>,
  make: (status: Status, reason: Reason) => Problem,
): Readonly<Record<Reason, Problem>> {
  const reasons = Object.keys(rules) as Reason[];
  return Object.fromEntries(reasons.map((reason) => [reason, make(rules[reason][0], reason)])) as Record<
    Reason,
    Problem
  >;
}

/** The instances by reason. */
export const HEAD_PROBLEMS = instances(HEAD_RULES, (status, reason) => new HeadProblem(status, reason));
export const BODY_PROBLEMS = instances(BODY_RULES, (status, reason) => new BodyProblem(status, reason));

const RULES: Readonly<Record<HeadProblemReason | BodyProblemReason, readonly [number, string]>> = {
  ...HEAD_RULES,
  ...BODY_RULES,
};

/** What was wrong, as part of a sentence for people, for example 'a line ends in LF without CR'. */
export function describeProblem(reason: HeadProblemReason | BodyProblemReason): string {
  return RULES[reason][1];
}
