/** Responses: one row for each rule that refuses them, with its section, and how the accepted ones are framed. */
import { describe, expect, test } from 'vitest';
import { HEAD_LIMITS } from './head-rules.ts';
import { headEnd, partialResponseProblem } from './head-text.ts';
import { HeadProblem, type HeadProblemReason } from './problem.ts';
import { ResponseHead, parseResponseHead } from './response-head.ts';

function parse(text: string, requestMethod = 'GET', limits = HEAD_LIMITS): ResponseHead | HeadProblem {
  return parseResponseHead(text, 0, text.length, limits, requestMethod);
}

function accepted(text: string, requestMethod = 'GET'): ResponseHead {
  const head = parse(text, requestMethod);
  if (head instanceof HeadProblem) throw new Error(`${JSON.stringify(text)} was refused: ${head.reason}`);
  return head;
}

function withFields(status: string, ...lines: string[]): string {
  return `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

test('what is for one hop is taken out, and the rest goes on as it was sent', () => {
  const { nominated, ...rest } = accepted(
    withFields(
      '200 Fine \xe9',
      'DATE: now',
      'Set-Cookie: a=1',
      'Connection: X-Hop, keep-alive',
      'Set-Cookie:b=2 ',
      'Keep-Alive: timeout=5',
      'X-Hop: 1',
      'Upgrade: h3',
      'Proxy-Connection: x',
      'Proxy-Authenticate: Basic',
      'Proxy-Authentication-Info: y',
      'TE: x',
      'x-request-id: r-1',
      'Muster-Reason: no_route',
      'muster_reason: no_route',
      'Content-Length: 5',
      'Trailer: Digest',
      'Content_Length: 6',
    ),
  );
  expect(nominated).toEqual(new Set(['x-hop']));
  expect(rest).toEqual({
    status: 200,
    reason: 'Fine \xe9',
    isHttp10: false,
    minorVersion: 1,
    framing: 'length',
    contentLength: 5,
    isPersistent: true,
    upgrade: null,
    fields:
      'DATE: now\r\nSet-Cookie: a=1\r\nSet-Cookie:b=2 \r\nContent-Length: 5\r\nTrailer: Digest\r\n' +
      'Content_Length: 6\r\n',
    hasDate: true,
    hasRequestId: false,
  });
});

const REFUSED: [section: string, what: string, text: string, reason: HeadProblemReason][] = [
  ['9112 4', 'another protocol', 'ICY 200 OK\r\n\r\n', 'status_line'],
  ['9112 4', 'another version', 'HTTP/2.0 200 OK\r\n\r\n', 'status_line'],
  ['9112 4', 'a status of two digits', withFields('20 OK'), 'status_line'],
  ['9112 4', 'a status of four digits', withFields('2000 OK'), 'status_line'],
  ['9112 4', 'two spaces before the status', withFields(' 200 OK'), 'status_line'],
  ['9112 4', 'an empty line', '\r\n\r\n', 'status_line'],
  ['9110 15', 'a status below 100', withFields('099 X'), 'status'],
  ['9110 15', 'a status above 599', withFields('600 X'), 'status'],
  ['9112 2.2', 'LF alone', withFields('200 OK', 'A: b\nSet-Cookie: c'), 'bare_line_feed'],
  ['9112 2.2', 'LF alone after the status line', 'HTTP/1.1 200 OK\nA: b\r\n\r\n', 'bare_line_feed'],
  ['9112 2.2', 'CR alone', withFields('200 OK', 'A: b\rSet-Cookie: c'), 'bare_carriage_return'],
  ['9112 2.2', 'CR alone where a line begins', withFields('200 OK', '\rContent-Length: 5'), 'bare_carriage_return'],
  ['9110 5.5', 'NUL', withFields('200 OK', 'A: b\0'), 'control_character'],
  ['9112 4', 'a control character in the reason', withFields('200 O\x1bK'), 'control_character'],
  ['9112 5.2', 'a folded line', withFields('200 OK', 'A: b', '\tc'), 'folded_line'],
  ['9112 5.1', 'a space before the colon', withFields('200 OK', 'Content-Length : 5'), 'space_before_colon'],
  ['9112 5', 'a name that is no token', withFields('200 OK', 'A[: b'), 'field_name'],
  ['9112 5', 'a line without a colon', withFields('200 OK', 'A'), 'field_line'],
  ['9112 6.1', 'both', withFields('200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked'), 'length_and_coding'],
  ['9112 6.3', 'two lengths', withFields('200 OK', 'Content-Length: 5', 'Content-Length: 5'), 'length_repeated'],
  ['9112 6.3', 'a list of lengths', withFields('200 OK', 'Content-Length: 5, 6'), 'length'],
  ['9112 6.3', 'a length with a sign', withFields('304 X', 'Content-Length: +5'), 'length'],
  ['9112 6.1', 'an unknown coding', withFields('200 OK', 'Transfer-Encoding: gzip, chunked'), 'coding_unknown'],
  ['9112 6.3', 'no chunked at the end', withFields('200 OK', 'Transfer-Encoding: gzip'), 'coding'],
  ['9112 6.1', 'a coding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'coding_in_http10'],
  ['9112 6.1', 'a coding of 204', withFields('204 X', 'Transfer-Encoding: chunked'), 'coding_without_body'],
  ['9112 6.1', 'a coding of 1xx', withFields('103 X', 'Transfer-Encoding: chunked'), 'coding_without_body'],
  ['9110 7.6.1', 'a wrong option', withFields('200 OK', 'Connection: a b'), 'connection_option'],
  ['9110 7.6.1', 'a nominated length', withFields('200 OK', 'Connection: content-length'), 'connection_nomination'],
  ['9110 15.2.2', '101 without a protocol', withFields('101 X', 'Connection: upgrade'), 'upgrade_missing'],
  ['9110 15.2.2', '101 that Connection does not name', withFields('101 X', 'Upgrade: websocket'), 'upgrade_missing'],
  ['9110 7.8', '101 to h2c', withFields('101 X', 'Connection: upgrade', 'Upgrade: h2c'), 'upgrade_missing'],
  ['9110 7.8', 'a wrong Upgrade', withFields('101 X', 'Connection: upgrade', 'Upgrade: a/b/c'), 'upgrade'],
];

test.each(REFUSED)('RFC %s: %s is refused', (...row) => {
  const [, , text, reason] = row;
  expect(parse(text)).toMatchObject({ reason });
});

test('limits', () => {
  const limits = { maxHeadBytes: 40, maxFields: 2 };
  expect(parse(withFields('200 OK', 'A: 1', 'B: 2'), 'GET', limits)).toBeInstanceOf(ResponseHead);
  expect(parse(withFields('200 OK', 'A: 1', 'B: 2', 'C: 3'), 'GET', limits)).toMatchObject({
    reason: 'too_many_fields',
  });
  expect(parse(withFields('200 OK', `A: ${'b'.repeat(30)}`), 'GET', limits)).toMatchObject({
    reason: 'head_too_large',
  });
});

describe('framing (RFC 9112 6.3)', () => {
  const rows: [what: string, text: string, method: string, expected: Partial<ResponseHead>][] = [
    [
      'a length',
      withFields('200 OK', 'Content-Length: 5'),
      'GET',
      { framing: 'length', contentLength: 5, isPersistent: true },
    ],
    [
      'no body',
      withFields('200 OK', 'Content-Length: 0'),
      'GET',
      { framing: 'length', contentLength: 0, isPersistent: true },
    ],
    [
      'chunks',
      withFields('200 OK', 'Transfer-Encoding: Chunked'),
      'GET',
      { framing: 'chunked', isPersistent: true, fields: '' },
    ],
    ['neither', withFields('200 OK'), 'GET', { framing: 'close', isPersistent: false }],
    ['neither, of 204', withFields('204 No Content'), 'GET', { framing: 'none', isPersistent: true }],
    ['HEAD', withFields('200 OK'), 'HEAD', { framing: 'none', isPersistent: true }],
    [
      'HEAD with a length',
      withFields('200 OK', 'Content-Length: 5'),
      'HEAD',
      { framing: 'none', contentLength: 0, fields: 'Content-Length: 5\r\n' },
    ],
    [
      'HEAD with chunks',
      withFields('200 OK', 'Transfer-Encoding: chunked'),
      'HEAD',
      { framing: 'none', isPersistent: true },
    ],
    [
      '304 with a length',
      withFields('304 X', 'Content-Length: 5'),
      'GET',
      { framing: 'none', fields: 'Content-Length: 5\r\n', isPersistent: true },
    ],
    [
      '204 with a length',
      withFields('204 X', 'Content-Length: 5'),
      'GET',
      { framing: 'none', fields: '', isPersistent: false },
    ],
    [
      '204 with none to speak of',
      withFields('204 X', 'Content-Length: 0'),
      'GET',
      { framing: 'none', fields: '', isPersistent: true },
    ],
    [
      '1xx with a length',
      withFields('103 X', 'Link: a', 'Content-Length: 5'),
      'GET',
      { framing: 'none', fields: 'Link: a\r\n', isPersistent: false },
    ],
    [
      'HTTP/1.0',
      'HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n',
      'GET',
      { framing: 'length', isHttp10: true, isPersistent: false },
    ],
    [
      'close',
      withFields('200 OK', 'Content-Length: 5', 'Connection: close'),
      'GET',
      { framing: 'length', isPersistent: false },
    ],
  ];
  test.each(rows)('%s', (...row) => {
    const [, text, method, expected] = row;
    expect(accepted(text, method)).toMatchObject(expected);
  });
});

test('RFC 9112 4: the reason may be empty, or missing with its space', () => {
  expect(accepted(withFields('200 '))).toMatchObject({ status: 200, reason: '' });
  expect(accepted(withFields('599'))).toMatchObject({ status: 599, reason: '' });
  expect(accepted(withFields('404 a  b'))).toMatchObject({ status: 404, reason: 'a  b' });
});

test('RFC 9110 7.8: a switch names its protocol, and another answer may ask for one', () => {
  expect(accepted(withFields('101 X', 'Connection: Upgrade', 'Upgrade: websocket'))).toMatchObject({
    upgrade: 'websocket',
    framing: 'none',
  });
  expect(accepted(withFields('426 X', 'Connection: upgrade', 'Upgrade: a', 'Upgrade: b')).upgrade).toBe('a, b');
});

test('a response is no problem wherever it is cut', () => {
  const text = withFields('200 OK', 'Date: now', 'Content-Length: 5');
  for (let length = 0; length < text.length; length++) {
    expect(headEnd(text.slice(0, length), 0)).toBe(-1);
    expect(partialResponseProblem(text.slice(0, length), 0, HEAD_LIMITS)).toBeNull();
  }
  accepted(text);
});
