/**
 * A request's head, read once and completely: what is to be forwarded, how its body is framed, and what is for Muster alone.
 *
 *     POST http://shop.example/cart?id=7 HTTP/1.1\r\n    method, target, pathAndQuery '/cart?id=7', authority 'shop.example'
 *     Host: shop.example\r\n                             checked, then left out: it is written anew
 *     Accept: text/html\r\n                              fields: as sent
 *     Connection: close, X-Trace\r\n                     isPersistent false; left out
 *     X-Trace: 1\r\n                                     left out, because Connection names it
 *     Content-Length: 12\r\n                             framing 'length', contentLength 12; fields: as sent
 *     X-Forwarded-For: 192.0.2.7\r\n                     forwardedFor; left out
 *     \r\n
 *
 * Whatever is accepted has one reading: written again with its `pathAndQuery`, a Host and its `fields`, it is accepted again and
 * means the same. The path is in its normal form (`request-path.ts`); fields that nothing here depends on are not interpreted at all.
 */
import { readAuthority } from './authority.ts';
import { CR, elements } from './characters.ts';
import { codingProblem, connectionOptions, decimal, NO_NUMBER, upgradeProtocols } from './hop-fields.ts';
import { cursor, isAlias, KNOWN, REFUSED } from './field-lines.ts';
import { HEAD_PROBLEMS, HeadProblem } from './problem.ts';
import { hasControl } from './head-text.ts';
import { joined, withoutNamed } from './fields.ts';
import { type FieldNames, SAID_BY_PROXIES } from './own-fields.ts';
import { readRequestLine } from './request-line.ts';
import type { RequestRules } from './head-rules.ts';

export class RequestHead {
  /** Case-sensitive, at most 32 characters; never CONNECT. */
  method = '';
  /** The text as it was sent. */
  target = '';
  targetForm: 'origin' | 'absolute' | 'asterisk' = 'origin';
  /** What is forwarded as target: '/cart?id=7' with its path in normal form, or '*' for OPTIONS of the server as a whole. */
  pathAndQuery = '';
  /** The absolute target's, else Host's value, without needless escapes; '' for an HTTP/1.0 request that has neither. */
  authority = '';
  isHttp10 = false;
  /** 0 to 9: of HTTP/1.2 and later, which are read as HTTP/1.1, it is told in Via alone. */
  minorVersion = 1;
  framing: 'none' | 'length' | 'chunked' = 'none';
  /** Bytes; 0 unless `framing` is 'length'. */
  contentLength = 0;
  /** Whether the connection may serve another request, as far as this one says: HTTP/1.1 without `close`, never HTTP/1.0. */
  isPersistent = false;
  /** Protocols, without h2c, that the client would switch to: HTTP/1.1 without a body whose Connection names Upgrade; else null. */
  upgrade: string | null = null;
  /** Whether the client waits for a 100 before it sends the body. The field stays in `fields`, for the backend to answer. */
  expectsContinue = false;
  /** Whether the client takes trailers, by its TE (RFC 9110, 10.1.4); never in HTTP/1.0, which has none. */
  acceptsTrailers = false;
  /** Of TRACE and OPTIONS, left out of `fields`; -1 where there is none or the method is another. */
  maxForwards = -1;
  /**
   * The end-to-end fields as sent: order, case, repetition, each with its CRLF. Without Host, without what is for one hop
   * (RFC 9110, 7.6.1: Connection and what it names, Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Upgrade, HTTP2-Settings,
   * and Proxy-Authorization, which is for a proxy, and Muster asks for none: 11.7.2), and without those below. Trailer stays,
   * since trailers are forwarded. With Content-Length, where it was.
   */
  fields = '';
  /** X-Forwarded-For; several lines as one list, like the next four. */
  forwardedFor: string | null = null;
  forwardedProto: string | null = null;
  forwardedHost: string | null = null;
  forwarded: string | null = null;
  /** X-Request-Id */
  requestId: string | null = null;
  /** Further fields, in lower case, that Connection names; they are not in `fields`, and do not belong in trailers either. */
  nominated: ReadonlySet<string> | null = null;
  /** The other fields that only a trusted proxy may say (`own-fields.ts`), as sent; not in `fields`, to which the caller may add them. */
  said = '';
  /** Which those are. They do not belong in trailers, whoever says them. */
  proxyFields: FieldNames = SAID_BY_PROXIES;
}

/** What decides about the message, while its lines are being read. One for all heads: reading never waits. */
const deciding = {
  fieldCount: 0,
  host: null as string | null,
  length: null as string | null,
  coding: null as string | null,
  connection: null as string | null,
  upgrade: null as string | null,
};

/** Reads the head between `from` and `end`, which `headEnd` has found. */
// oxlint-disable-next-line max-params -- An object around the indices would be made for every request.
export function parseRequestHead(
  text: string,
  from: number,
  end: number,
  rules: RequestRules,
): RequestHead | HeadProblem {
  if (hasControl(text, from, end)) return HEAD_PROBLEMS.control_character;
  if (!cursor.endLine(text, from)) return cursor.problem;
  const head = new RequestHead();
  head.proxyFields = rules.proxyFields;
  const fieldsFrom = cursor.lineTo;
  const lineProblem = readRequestLine(head, text, from, fieldsFrom - 2, rules.path);
  if (lineProblem !== null) return lineProblem;
  if (head.target.length > rules.maxTargetBytes) return HEAD_PROBLEMS.target_too_long;
  if (end - from > rules.maxHeadBytes) return HEAD_PROBLEMS.head_too_large;
  const problem = readFields(head, text, fieldsFrom);
  if (problem !== null) return problem;
  // A line that begins with a CR alone looks like the empty one.
  if (cursor.lineTo !== end - 2) return HEAD_PROBLEMS.bare_carriage_return;
  if (deciding.fieldCount > rules.maxFields) return HEAD_PROBLEMS.too_many_fields;
  return hostProblem(head) ?? framingProblem(head) ?? connectionProblem(head) ?? head;
}

/** Reads line after line up to the empty one. */
function readFields(head: RequestHead, text: string, from: number): HeadProblem | null {
  deciding.fieldCount = 0;
  deciding.host = deciding.length = deciding.coding = deciding.connection = deciding.upgrade = null;
  let lineFrom = from;
  let runFrom = from;
  let kept = '';
  while (text.charCodeAt(lineFrom) !== CR) {
    const field = cursor.read(text, lineFrom);
    if (field === REFUSED) return cursor.problem;
    const { lineTo } = cursor;
    if (field !== KNOWN.other) {
      const isKept = take(head, field, cursor.value(text));
      if (isKept instanceof HeadProblem) return isKept;
      if (!isKept) {
        if (runFrom < lineFrom) kept += text.slice(runFrom, lineFrom);
        runFrom = lineTo;
      }
    } else if (cursor.isOdd && isAlias(text.slice(lineFrom, cursor.nameTo))) return HEAD_PROBLEMS.field_alias;
    else if (head.proxyFields.has(text, lineFrom, cursor.nameTo)) {
      if (runFrom < lineFrom) kept += text.slice(runFrom, lineFrom);
      runFrom = lineTo;
      if (!cursor.isOdd) head.said += text.slice(lineFrom, lineTo);
    }
    deciding.fieldCount++;
    lineFrom = lineTo;
  }
  head.fields = runFrom < lineFrom ? kept + text.slice(runFrom, lineFrom) : kept;
  return null;
}

/** Takes note of a known field; returns whether it goes on among `fields`, or why the message is refused. */
function take(head: RequestHead, field: number, value: string): boolean | HeadProblem {
  switch (field) {
    case KNOWN.host:
      if (deciding.host !== null) return HEAD_PROBLEMS.host_repeated;
      deciding.host = value;
      return false;
    case KNOWN.connection:
      deciding.connection = joined(deciding.connection, value);
      return false;
    case KNOWN['content-length']:
      if (deciding.length !== null) return HEAD_PROBLEMS.length_repeated;
      deciding.length = value;
      return true;
    case KNOWN['transfer-encoding']:
      deciding.coding = joined(deciding.coding, value);
      return false;
    case KNOWN.upgrade:
      deciding.upgrade = joined(deciding.upgrade, value);
      return false;
    case KNOWN.expect:
      // RFC 9110, 10.1.1: HTTP/1.0 has no expectations.
      if (head.isHttp10) return false;
      if (value.toLowerCase() !== '100-continue') return HEAD_PROBLEMS.expectation;
      head.expectsContinue = true;
      return true;
    case KNOWN['max-forwards']:
      return takeMaxForwards(head, value);
    default:
      return takeForMuster(head, field, value);
  }
}

/** RFC 9110, 7.6.2: of these two methods only, and one number. */
function takeMaxForwards(head: RequestHead, value: string): boolean | HeadProblem {
  if (head.method !== 'TRACE' && head.method !== 'OPTIONS') return true;
  const number = decimal(value);
  if (number === NO_NUMBER || head.maxForwards !== -1) return HEAD_PROBLEMS.max_forwards;
  head.maxForwards = number;
  return false;
}

function takeForMuster(head: RequestHead, field: number, value: string): boolean {
  switch (field) {
    case KNOWN['x-forwarded-for']:
      head.forwardedFor = joined(head.forwardedFor, value);
      return false;
    case KNOWN['x-forwarded-proto']:
      head.forwardedProto = joined(head.forwardedProto, value);
      return false;
    case KNOWN['x-forwarded-host']:
      head.forwardedHost = joined(head.forwardedHost, value);
      return false;
    case KNOWN.forwarded:
      head.forwarded = joined(head.forwarded, value);
      return false;
    case KNOWN['x-request-id']:
      head.requestId = joined(head.requestId, value);
      return false;
    case KNOWN.te:
      head.acceptsTrailers ||= !head.isHttp10 && elements(value.toLowerCase()).includes('trailers');
      return false;
    // What is for one hop, or for a proxy, goes no further.
    case KNOWN['keep-alive']:
    case KNOWN['proxy-connection']:
    case KNOWN['http2-settings']:
    case KNOWN['proxy-authorization']:
      return false;
    default:
      return true;
  }
}

/** RFC 9112, 3.2: there is one Host, also beside an absolute target, which then has the last word. */
function hostProblem(head: RequestHead): HeadProblem | null {
  const { host } = deciding;
  if (host === null) return head.isHttp10 ? null : HEAD_PROBLEMS.host_missing;
  const authority = readAuthority(host);
  if (authority === null) return HEAD_PROBLEMS.host;
  if (head.targetForm !== 'absolute') head.authority = authority;
  return null;
}

function framingProblem(head: RequestHead): HeadProblem | null {
  const { coding, length } = deciding;
  if (coding !== null) {
    if (length !== null) return HEAD_PROBLEMS.length_and_coding;
    if (head.isHttp10) return HEAD_PROBLEMS.coding_in_http10;
    head.framing = 'chunked';
    return codingProblem(coding);
  }
  if (length === null) return null;
  const bytes = decimal(length);
  if (bytes === NO_NUMBER) return HEAD_PROBLEMS.length;
  head.framing = 'length';
  head.contentLength = bytes;
  return null;
}

function connectionProblem(head: RequestHead): HeadProblem | null {
  const hasBody = head.framing === 'chunked' || head.contentLength > 0;
  if (!hasBody) head.expectsContinue = false;
  const options = connectionOptions(deciding.connection);
  if (options instanceof HeadProblem) return options;
  head.isPersistent = !head.isHttp10 && !options.isClose;
  if (options.nominated !== null) {
    for (const name of options.nominated) {
      if (head.proxyFields.has(name, 0, name.length)) return HEAD_PROBLEMS.connection_nomination;
    }
    head.nominated = options.nominated;
    head.fields = withoutNamed(head.fields, options.nominated);
  }
  if (deciding.upgrade === null || !options.isUpgrade || head.isHttp10) return null;
  const upgrade = upgradeProtocols(deciding.upgrade);
  if (upgrade instanceof HeadProblem) return upgrade;
  if (!hasBody) head.upgrade = upgrade;
  return null;
}
