/**
 * A response's head, read once and completely: what is to be forwarded and how its body is framed (RFC 9112, 4 and 6.3).
 *
 *     HTTP/1.1 200 OK\r\n              status 200, reason 'OK'
 *     Date: …\r\n                      hasDate; fields: as sent
 *     Content-Type: text/html\r\n      fields: as sent
 *     Connection: keep-alive\r\n       left out
 *     Content-Length: 5\r\n            framing 'length', contentLength 5; fields: as sent
 *     \r\n
 *
 * A backend is held to the same rules as a client, since two readings of a response's end are as good as two of a request's: the answer
 * is 502, and its connection is done. Faults that leave one reading are mended before (`mended-head.ts`), not here.
 */
import { CR, isAll, VALUE } from './characters.ts';
import { codingProblem, connectionOptions, decimal, NO_NUMBER, upgradeProtocols } from './hop-fields.ts';
import { cursor, KNOWN, REFUSED } from './field-lines.ts';
import { HEAD_PROBLEMS, HeadProblem } from './problem.ts';
import type { HeadLimits } from './head-rules.ts';
import { hasControl } from './head-text.ts';
import { joined, withoutNamed } from './fields.ts';
import { OWN_IN_ANSWERS } from './own-fields.ts';

export class ResponseHead {
  /** 100 to 599. */
  status = 0;
  /** The reason phrase; often ''. */
  reason = '';
  isHttp10 = false;
  /** 0 to 9, as of a request. */
  minorVersion = 1;
  /** 'none' for 1xx, 204, 304 and whatever answers HEAD; 'close' where the body ends with the connection. */
  framing: 'none' | 'length' | 'chunked' | 'close' = 'none';
  /** Bytes; 0 unless `framing` is 'length'. */
  contentLength = 0;
  /**
   * Whether the connection may serve another request, as far as this response says: HTTP/1.1, without `close`, and with a body
   * that ends by itself. Also false where a response that has no body (204) comes with a length: bytes may follow.
   */
  isPersistent = false;
  /** Protocols, without h2c, of an HTTP/1.1 response whose Connection names Upgrade; never null for 101. */
  upgrade: string | null = null;
  /**
   * The end-to-end fields as sent: order, case, repetition, each with its CRLF. Without what is for one hop (RFC 9110, 7.6.1:
   * Connection and what it names, Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Upgrade) what a proxy asks of its own
   * client (Proxy-Authenticate, Proxy-Authentication-Info: 11.7.1), and what only Muster says (`own-fields.ts`). Content-Length is kept, for HEAD and 304 too, save in 1xx and
   * 204, where it must not be (8.6).
   */
  fields = '';
  /** Whether there is a Date among `fields`. */
  hasDate = false;
  /** Whether there is an X-Request-Id among `fields`, where only a filter can have put it. */
  hasRequestId = false;
  /** Further fields, in lower case, that Connection names; they are not in `fields`, and do not belong in trailers either. */
  nominated: ReadonlySet<string> | null = null;
}

const STATUS_LINE = /^HTTP\/1\.([0-9]) ([0-9]{3})(?: (.*))?$/;
const OK_LINE = 'HTTP/1.1 200 OK';

/** What decides about the message, while its lines are being read. One for all heads: reading never waits. */
const deciding = {
  fieldCount: 0,
  length: null as string | null,
  coding: null as string | null,
  connection: null as string | null,
  upgrade: null as string | null,
};

/** Reads the head between `from` and `end`, which `headEnd` has found. What it frames depends on what was asked. */
// oxlint-disable-next-line max-params -- An object around the indices would be made for every response.
export function parseResponseHead(
  text: string,
  from: number,
  end: number,
  limits: HeadLimits,
  requestMethod: string,
): ResponseHead | HeadProblem {
  if (hasControl(text, from, end)) return HEAD_PROBLEMS.control_character;
  if (end - from > limits.maxHeadBytes) return HEAD_PROBLEMS.head_too_large;
  if (!cursor.endLine(text, from)) return cursor.problem;
  const head = new ResponseHead();
  const fieldsFrom = cursor.lineTo;
  const lineProblem = readStatusLine(head, text.slice(from, fieldsFrom - 2));
  if (lineProblem !== null) return lineProblem;
  const problem = readFields(head, text, fieldsFrom);
  if (problem !== null) return problem;
  // A line that begins with a CR alone looks like the empty one.
  if (cursor.lineTo !== end - 2) return HEAD_PROBLEMS.bare_carriage_return;
  if (deciding.fieldCount > limits.maxFields) return HEAD_PROBLEMS.too_many_fields;
  return framingProblem(head, requestMethod) ?? connectionProblem(head) ?? head;
}

/** A status line without the space before an empty reason is common, and has no second reading, so it is taken. */
function readStatusLine(head: ResponseHead, line: string): HeadProblem | null {
  if (line === OK_LINE) {
    head.status = 200;
    head.reason = 'OK';
    return null;
  }
  const parts = STATUS_LINE.exec(line);
  if (parts === null) return HEAD_PROBLEMS.status_line;
  head.minorVersion = Number(parts[1]);
  head.isHttp10 = parts[1] === '0';
  head.status = Number(parts[2]);
  head.reason = parts[3] ?? '';
  if (head.status < 100 || head.status > 599) return HEAD_PROBLEMS.status;
  return isAll(head.reason, VALUE) ? null : HEAD_PROBLEMS.status_line;
}

/** Reads line after line up to the empty one. */
function readFields(head: ResponseHead, text: string, from: number): HeadProblem | null {
  deciding.fieldCount = 0;
  deciding.length = deciding.coding = deciding.connection = deciding.upgrade = null;
  let lineFrom = from;
  let runFrom = from;
  let kept = '';
  while (text.charCodeAt(lineFrom) !== CR) {
    const field = cursor.read(text, lineFrom);
    if (field === REFUSED) return cursor.problem;
    const { lineTo } = cursor;
    if (field !== KNOWN.other) {
      const isKept = take(head, field, text);
      if (isKept instanceof HeadProblem) return isKept;
      if (!isKept) {
        if (runFrom < lineFrom) kept += text.slice(runFrom, lineFrom);
        runFrom = lineTo;
      }
    } else if (OWN_IN_ANSWERS.has(text, lineFrom, cursor.nameTo)) {
      if (runFrom < lineFrom) kept += text.slice(runFrom, lineFrom);
      runFrom = lineTo;
    }
    deciding.fieldCount++;
    lineFrom = lineTo;
  }
  head.fields = runFrom < lineFrom ? kept + text.slice(runFrom, lineFrom) : kept;
  return null;
}

/** Takes note of a known field; returns whether it goes on among `fields`, or why the message is refused. */
function take(head: ResponseHead, field: number, text: string): boolean | HeadProblem {
  switch (field) {
    case KNOWN.date:
      head.hasDate = true;
      return true;
    case KNOWN['content-length']:
      if (deciding.length !== null) return HEAD_PROBLEMS.length_repeated;
      deciding.length = cursor.value(text);
      return head.status >= 200 && head.status !== 204;
    case KNOWN.connection:
      deciding.connection = joined(deciding.connection, cursor.value(text));
      return false;
    case KNOWN['transfer-encoding']:
      deciding.coding = joined(deciding.coding, cursor.value(text));
      return false;
    case KNOWN.upgrade:
      deciding.upgrade = joined(deciding.upgrade, cursor.value(text));
      return false;
    case KNOWN['x-request-id']:
    case KNOWN['keep-alive']:
    case KNOWN['proxy-connection']:
    case KNOWN.te:
    case KNOWN['proxy-authenticate']:
    case KNOWN['proxy-authentication-info']:
      return false;
    default:
      return true;
  }
}

/** RFC 9112, 6.3, in its order. */
function framingProblem(head: ResponseHead, requestMethod: string): HeadProblem | null {
  const { coding, length } = deciding;
  const { status } = head;
  const mayHaveCoding = status >= 200 && status !== 204;
  const hasBody = mayHaveCoding && status !== 304 && requestMethod !== 'HEAD';
  head.isPersistent = !head.isHttp10;
  if (coding !== null) {
    if (length !== null) return HEAD_PROBLEMS.length_and_coding;
    if (head.isHttp10) return HEAD_PROBLEMS.coding_in_http10;
    if (!mayHaveCoding) return HEAD_PROBLEMS.coding_without_body;
    if (hasBody) head.framing = 'chunked';
    return codingProblem(coding);
  }
  if (length !== null) {
    const bytes = decimal(length);
    if (bytes === NO_NUMBER) return HEAD_PROBLEMS.length;
    if (!hasBody) {
      if (!mayHaveCoding && bytes > 0) head.isPersistent = false;
      return null;
    }
    head.framing = 'length';
    head.contentLength = bytes;
  } else if (hasBody) {
    head.framing = 'close';
    head.isPersistent = false;
  }
  return null;
}

function connectionProblem(head: ResponseHead): HeadProblem | null {
  const options = connectionOptions(deciding.connection);
  if (options instanceof HeadProblem) return options;
  if (options.isClose) head.isPersistent = false;
  if (options.nominated !== null) {
    head.nominated = options.nominated;
    head.fields = withoutNamed(head.fields, options.nominated);
  }
  if (deciding.upgrade !== null && options.isUpgrade && !head.isHttp10) {
    const upgrade = upgradeProtocols(deciding.upgrade);
    if (upgrade instanceof HeadProblem) return upgrade;
    head.upgrade = upgrade;
  }
  return head.status === 101 && head.upgrade === null ? HEAD_PROBLEMS.upgrade_missing : null;
}
