/** Requests: one row for each rule that refuses them, with its section, and what is read of those that are accepted. */
import { describe, expect, test } from 'vitest';
import { headEnd, partialRequestProblem } from './head-text.ts';
import { HeadProblem, type HeadProblemReason } from './problem.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';
import { SAID_BY_PROXIES, saidByProxies } from './own-fields.ts';
import { REQUEST_RULES } from './head-rules.ts';

function parse(text: string, rules = REQUEST_RULES): RequestHead | HeadProblem {
  return parseRequestHead(text, 0, text.length, rules);
}

function accepted(text: string): RequestHead {
  const head = parse(text);
  if (head instanceof HeadProblem) throw new Error(`${JSON.stringify(text)} was refused: ${head.reason}`);
  return head;
}

/** A GET with these further field lines. */
function withFields(...lines: string[]): string {
  return `GET / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

function withLine(line: string): string {
  return `${line}\r\nHost: a\r\n\r\n`;
}

function withTarget(target: string): string {
  return withLine(`GET ${target} HTTP/1.1`);
}

test('what is for Muster is taken out, and the rest goes on as it was sent', () => {
  const head = accepted(
    'POST /cart?id=7 HTTP/1.1\r\nHost: shop.example:8080\r\nACCEPT: text/html\r\nx-forwarded-for: 192.0.2.7\r\n' +
      'Cookie: a=1\r\nConnection: keep-alive, X-Trace\r\nCookie:b=2  \r\nX-Trace: 1\r\nTE: trailers\r\nKeep-Alive: timeout=5\r\n' +
      'Content-Length: 12\r\nX-Forwarded-For: 192.0.2.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: h\r\nForwarded: for=a\r\n' +
      'X-Request-Id: r-1\r\nProxy-Authorization: Basic x\r\nProxy-Connection: keep-alive\r\nHTTP2-Settings: AA\r\nTrailer: Digest\r\n\r\n',
  );
  const { fields, nominated, ...rest } = head;
  expect(fields).toBe('ACCEPT: text/html\r\nCookie: a=1\r\nCookie:b=2  \r\nContent-Length: 12\r\nTrailer: Digest\r\n');
  expect(nominated).toEqual(new Set(['x-trace']));
  expect(rest).toEqual({
    method: 'POST',
    target: '/cart?id=7',
    targetForm: 'origin',
    pathAndQuery: '/cart?id=7',
    authority: 'shop.example:8080',
    isHttp10: false,
    minorVersion: 1,
    framing: 'length',
    contentLength: 12,
    isPersistent: true,
    upgrade: null,
    expectsContinue: false,
    acceptsTrailers: true,
    maxForwards: -1,
    forwardedFor: '192.0.2.7, 192.0.2.8',
    forwardedProto: 'https',
    forwardedHost: 'h',
    forwarded: 'for=a',
    requestId: 'r-1',
    said: '',
    proxyFields: SAID_BY_PROXIES,
  });
});

test('what only a proxy may say is kept apart, and in another spelling goes no further', () => {
  const lines = [
    'A: 1',
    'X-Real-IP: 192.0.2.9',
    'x-original-url: /admin',
    'X_Real_IP: 192.0.2.8',
    'B: 2',
    'Proxy: http://c',
  ];
  expect(accepted(withFields(...lines))).toMatchObject({
    fields: 'A: 1\r\nB: 2\r\n',
    said: 'X-Real-IP: 192.0.2.9\r\nx-original-url: /admin\r\nProxy: http://c\r\n',
  });
  const rules = { ...REQUEST_RULES, proxyFields: saidByProxies(['x-tenant', 'x-internal-*']) };
  const head = parse(withFields('X-Tenant: a', 'X-Tenants: b', 'X-Internal-User: c', 'X-Client-Ip: d'), rules);
  const said = 'X-Tenant: a\r\nX-Internal-User: c\r\nX-Client-Ip: d\r\n';
  expect(head).toMatchObject({ fields: 'X-Tenants: b\r\n', said });
});

test('a head is read where it lies between others', () => {
  const one = withFields('X-A: 1');
  const text = `${one}${withTarget('/two')}`;
  const end = headEnd(text, 0);
  expect(end).toBe(one.length);
  expect(parseRequestHead(text, 0, end, REQUEST_RULES)).toMatchObject({ target: '/', fields: 'X-A: 1\r\n' });
  expect(parseRequestHead(text, end, headEnd(text, end), REQUEST_RULES)).toMatchObject({ target: '/two', fields: '' });
  // What is behind a head is not part of it.
  const withBody = `${one}\x00\x7f\r\n\n`;
  expect(parseRequestHead(withBody, 0, headEnd(withBody, 0), REQUEST_RULES)).toBeInstanceOf(RequestHead);
});

const REFUSED: [section: string, what: string, text: string, reason: HeadProblemReason, status: number][] = [
  ['9112 2.2', 'LF alone after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 'bare_line_feed', 400],
  ['9112 2.2', 'LF alone after a field', 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n', 'bare_line_feed', 400],
  ['9112 2.2', 'LF alone in a name', withFields('X\nA: b'), 'bare_line_feed', 400],
  ['9112 2.2', 'CR alone in a value', withFields('X: a\rb'), 'bare_carriage_return', 400],
  ['9112 2.2', 'CR alone in the request line', withTarget('/\rb'), 'bare_carriage_return', 400],
  ['9112 2.2', 'CR twice before LF', withFields('X: a\r'), 'bare_carriage_return', 400],
  ['9112 2.2', 'CR alone where a line begins', withFields('X: a', '\rContent-Length: 5'), 'bare_carriage_return', 400],
  ['9110 5.5', 'NUL in a value', withFields('X: a\0b'), 'control_character', 400],
  ['9110 5.5', 'DEL in a value', withFields('X: a\x7fb'), 'control_character', 400],
  ['9112 3', 'two spaces after the method', withLine('GET  / HTTP/1.1'), 'request_line', 400],
  ['9112 3', 'two spaces before the version', withLine('GET /  HTTP/1.1'), 'request_line', 400],
  ['9112 3', 'a space in the target', withTarget('/a b'), 'request_line', 400],
  ['9112 3', 'a space after the version', withLine('GET / HTTP/1.1 '), 'request_line', 400],
  ['9112 3', 'a space before the method', withLine(' GET / HTTP/1.1'), 'request_line', 400],
  ['9112 3', 'no version', withLine('GET /'), 'request_line', 400],
  ['9112 3', 'an empty line for a request line', '\r\nHost: a\r\n\r\n', 'request_line', 400],
  ['9112 3', 'a tab for a space', withLine('GET\t/ HTTP/1.1'), 'request_line', 400],
  ['9112 3.1', 'a method that is no token', withLine('G(T / HTTP/1.1'), 'method', 400],
  ['9112 3', 'a method of 33 characters', withLine(`${'M'.repeat(33)} / HTTP/1.1`), 'method_too_long', 501],
  ['9110 9.3.6', 'CONNECT', withLine('CONNECT a:443 HTTP/1.1'), 'connect', 501],
  ['9110 9.3.6', 'CONNECT of a path', withLine('CONNECT /a HTTP/1.1'), 'connect', 501],
  ['9112 2.3', 'HTTP/2.0', withLine('PRI * HTTP/2.0'), 'version_unsupported', 505],
  ['9112 2.3', 'HTTP/0.9', withLine('GET / HTTP/0.9'), 'version_unsupported', 505],
  ['9112 2.3', 'a version in small letters', withLine('GET / http/1.1'), 'version', 400],
  ['9112 2.3', 'a version of two digits', withLine('GET / HTTP/1.10'), 'version', 400],
  ['9112 3.2', 'a target of no form', withTarget('a'), 'target', 400],
  ['9112 3.2', 'a fragment', withTarget('/a#b'), 'target', 400],
  ['9112 3.2', 'a quote', withTarget('/?a="b"'), 'target', 400],
  ['9112 3.2', 'an angle bracket', withTarget('/<a'), 'target', 400],
  ['9112 3.2', 'a backslash in a path', withTarget('/a\\..\\b'), 'target', 400],
  ['9112 3.2', 'a byte above ASCII', withTarget('/\xe9'), 'target', 400],
  ['3986 5.2.4', 'a dot segment behind an escaped slash', withTarget('/a/..%2fb'), 'path_hidden_segment', 400],
  ['3986 5.2.4', 'a dot segment with a parameter', withTarget('http://a/x/..;/b'), 'path_hidden_segment', 400],
  ['3986 7.3', 'an escaped NUL', withTarget('/a%00'), 'path_control_character', 400],
  ['9112 3.2.4', 'an asterisk for GET', withTarget('*'), 'target', 400],
  ['9112 3.2.2', 'an absolute target of https', withTarget('https://a/'), 'target_scheme', 400],
  ['9112 3.2.2', 'an absolute target without a host', withTarget('http:///a'), 'target_authority', 400],
  ['9110 4.2.4', 'user information', withTarget('http://u:p@a/'), 'target_authority', 400],
  ['9112 3.2.2', 'a fragment of an absolute target', withTarget('http://a/#b'), 'target', 400],
  ['9112 3.2.2', 'a fragment next to a host', withTarget('http://a#b'), 'target_authority', 400],
  [
    '9110 7.6.1',
    'Connection that names what a proxy says',
    withFields('Connection: X-Real-IP'),
    'connection_nomination',
    400,
  ],
  ['3875 4.1.18', 'a length spelt with a dot', withFields('Content.Length: 5'), 'field_alias', 400],
  ['3875 4.1.18', 'a host spelt with a mark', withFields('X!Forwarded!Host: b'), 'field_alias', 400],
  ['9112 3.2', 'no Host', 'GET / HTTP/1.1\r\nX: a\r\n\r\n', 'host_missing', 400],
  ['9112 3.2', 'no Host beside an absolute target', 'GET http://a/ HTTP/1.1\r\nX: a\r\n\r\n', 'host_missing', 400],
  ['9112 3.2', 'two Hosts', withFields('host: a'), 'host_repeated', 400],
  ['9112 3.2', 'a wrong Host', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 'host', 400],
  ['9110 4.2.1', 'an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 'host', 400],
  ['9112 3.2', 'a wrong Host beside an absolute target', 'GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n', 'host', 400],
  ['9112 3.2', 'a wrong Host in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a b\r\n\r\n', 'host', 400],
  ['9112 5', 'a line without a colon', withFields('X'), 'field_line', 400],
  ['9112 5', 'an empty name', withFields(': a'), 'field_name', 400],
  ['9112 5', 'a name that is no token', withFields('X(: a'), 'field_name', 400],
  ['9112 5', 'a name above ASCII', withFields('\xc9: a'), 'field_name', 400],
  ['9112 5', 'a space in a name', withFields('X Y: a'), 'space_before_colon', 400],
  ['9112 5.1', 'a space before the colon', withFields('X : a'), 'space_before_colon', 400],
  ['9112 5.1', 'a tab before the colon', withFields('Content-Length\t: 5'), 'space_before_colon', 400],
  ['9112 5.2', 'a folded line', withFields('X: a', ' b'), 'folded_line', 400],
  ['9112 2.2', 'a space before the first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 'folded_line', 400],
  ['CGI', 'a length with an underscore', withFields('Content_Length: 5'), 'field_alias', 400],
  ['CGI', 'an X_Forwarded-For', withFields('X_Forwarded-For: 192.0.2.1'), 'field_alias', 400],
  ['9112 6.1', 'both', withFields('Content-Length: 5', 'Transfer-Encoding: chunked'), 'length_and_coding', 400],
  ['9112 6.1', 'both, turned', withFields('Transfer-Encoding: chunked', 'Content-Length: 0'), 'length_and_coding', 400],
  [
    '9112 6.1',
    'a coding in HTTP/1.0',
    'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n',
    'coding_in_http10',
    400,
  ],
  ['9112 6.3', 'chunked that is not the last', withFields('Transfer-Encoding: chunked, gzip'), 'coding', 400],
  ['9112 6.1', 'chunked twice', withFields('Transfer-Encoding: chunked, chunked'), 'coding', 400],
  [
    '9112 6.1',
    'chunked twice, in two lines',
    withFields('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    'coding',
    400,
  ],
  ['9112 6.1', 'chunked with a parameter', withFields('Transfer-Encoding: chunked;x'), 'coding', 400],
  ['9112 6.1', 'a coding that is not chunked', withFields('Transfer-Encoding: identity'), 'coding', 400],
  ['9112 6.1', 'an empty coding', withFields('Transfer-Encoding:'), 'coding', 400],
  ['9112 6.1', 'chunked after a no-break space', withFields('Transfer-Encoding: \xa0chunked'), 'coding', 400],
  ['9112 6.1', 'another coding before chunked', withFields('Transfer-Encoding: gzip, chunked'), 'coding_unknown', 501],
  [
    '9112 6.1',
    'the same in two lines',
    withFields('Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'),
    'coding_unknown',
    501,
  ],
  ['9112 6.3', 'the same length twice', withFields('Content-Length: 5', 'Content-Length: 5'), 'length_repeated', 400],
  ...['5, 5', '', '+5', '-5', '1 2', '0x5', '5.0', '1e3', '\xa05', '9007199254740992', '99999999999999999999'].map(
    (value): [string, string, string, HeadProblemReason, number] => [
      '9112 6.3',
      `a length of "${value}"`,
      withFields(`Content-Length: ${value}`),
      'length',
      400,
    ],
  ),
  ['9110 7.6.1', 'an option that is no token', withFields('Connection: close, "a"'), 'connection_option', 400],
  ['9110 7.6.1', 'a nominated length', withFields('Connection: Content-Length'), 'connection_nomination', 400],
  ['9110 7.6.1', 'a nominated address', withFields('Connection: close, X-Forwarded-For'), 'connection_nomination', 400],
  ['9110 7.8', 'an Upgrade that is no list', withFields('Connection: upgrade', 'Upgrade: a b'), 'upgrade', 400],
  ['9110 10.1.1', 'another expectation', withFields('Expect: 200-ok'), 'expectation', 417],
  ['9110 10.1.1', 'a list of expectations', withFields('Expect: 100-continue, x'), 'expectation', 417],
  ['9110 7.6.2', 'a wrong Max-Forwards', 'TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: x\r\n\r\n', 'max_forwards', 400],
  [
    '9110 7.6.2',
    'two of them',
    'TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n',
    'max_forwards',
    400,
  ],
];

test.each(REFUSED)('RFC %s: %s is refused', (...row) => {
  const [, , text, reason, status] = row;
  expect(parse(text)).toEqual({ reason, status });
});

test.each(['\x01', '\x08', '\x0b', '\x0c', '\x0e', '\x0f', '\x10', '\x17', '\x18', '\x1f', '\x7f'])(
  'RFC 9110 5.5: %j is refused wherever it stands',
  (character) => {
    for (const text of [withTarget(`/${character}`), withFields(`X${character}: a`), withFields(`X: ${character}a`)]) {
      expect(parse(text)).toMatchObject({ reason: 'control_character' });
    }
  },
);

describe('limits (RFC 6585 5, RFC 9110 15.5.15)', () => {
  const limits = { ...REQUEST_RULES, maxHeadBytes: 100, maxFields: 3, maxTargetBytes: 20 };

  test('a head at a limit is taken, and one above it refused', () => {
    const full = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(68)}\r\n\r\n`;
    expect(full.length).toBe(100);
    expect(parse(full, limits)).toBeInstanceOf(RequestHead);
    expect(parse(full.replace('x', 'xx'), limits)).toMatchObject({ reason: 'head_too_large', status: 431 });
  });

  test('as many fields as there may be', () => {
    expect(parse(withFields('A: 1', 'B: 2'), limits)).toBeInstanceOf(RequestHead);
    expect(parse(withFields('A: 1', 'B: 2', 'C: 3'), limits)).toMatchObject({ reason: 'too_many_fields', status: 431 });
  });

  test('a target as long as it may be, in either form', () => {
    expect(parse(withTarget(`/${'a'.repeat(19)}`), limits)).toBeInstanceOf(RequestHead);
    expect(parse(withTarget(`/${'a'.repeat(20)}`), limits)).toMatchObject({ reason: 'target_too_long', status: 414 });
    expect(parse(withTarget(`http://a/${'a'.repeat(12)}`), limits)).toMatchObject({ reason: 'target_too_long' });
    // Of two limits, the one that says more.
    expect(parse(withTarget(`/${'a'.repeat(200)}`), limits)).toMatchObject({ reason: 'target_too_long' });
  });

  test('a method of 32 characters is one', () => {
    expect(accepted(withLine(`${'M'.repeat(32)} / HTTP/1.1`)).method).toHaveLength(32);
  });
});

test('RFC 9112 3.2: HTTP/1.0 may be without a Host', () => {
  expect(accepted('GET / HTTP/1.0\r\n\r\n')).toMatchObject({ authority: '', isHttp10: true, isPersistent: false });
  expect(accepted('GET / HTTP/1.0\r\nHost: a\r\n\r\n').authority).toBe('a');
});

describe('framing (RFC 9112 6)', () => {
  test.each([
    [[], 'none', 0],
    [['Content-Length: 0'], 'length', 0],
    [['Content-Length:\t 7 \t'], 'length', 7],
    [['content-length: 007'], 'length', 7],
    [['Content-Length: 9007199254740991'], 'length', Number.MAX_SAFE_INTEGER],
    [['Transfer-Encoding: chunked'], 'chunked', 0],
    [['transfer-encoding:\tCHUNKED '], 'chunked', 0],
  ])('%j', (lines, framing, contentLength) => {
    expect(accepted(withFields(...lines))).toMatchObject({ framing, contentLength });
  });
});

describe('the connection (RFC 9110 7.6.1)', () => {
  test.each([
    [[], true],
    [['Connection: keep-alive'], true],
    [['Connection: close'], false],
    [['Connection: Keep-Alive, CLOSE'], false],
    [['Connection: keep-alive', 'Connection: close'], false],
    [['Connection:'], true],
    [['Connection: , ,close,'], false],
    [['Connection: TE, Transfer-Encoding'], true],
  ])('%j: persistent is %s', (lines, isPersistent) => {
    expect(accepted(withFields(...lines))).toMatchObject({ isPersistent, fields: '', nominated: null });
  });

  test('what it names goes no further, in any case and order', () => {
    const head = accepted(withFields('x-one: 1', 'A: a', 'Connection: X-One,x-two', 'X-TWO: 2', 'X-One: 3', 'B: b'));
    expect(head.fields).toBe('A: a\r\nB: b\r\n');
  });

  test('HTTP/1.0 never persists', () => {
    expect(accepted('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').isPersistent).toBe(false);
  });
});

describe('Upgrade (RFC 9110 7.8)', () => {
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];

  test('is passed on where Connection names it', () => {
    expect(accepted(withFields(...upgrade))).toMatchObject({ upgrade: 'websocket', fields: '' });
    expect(accepted(withFields('Connection: keep-alive, Upgrade', 'Upgrade: a/1', 'Upgrade: b')).upgrade).toBe(
      'a/1, b',
    );
  });

  test('is not, where it is not named, in HTTP/1.0, or with a body', () => {
    expect(accepted(withFields('Upgrade: websocket'))).toMatchObject({ upgrade: null, fields: '' });
    expect(accepted('GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n').upgrade).toBeNull();
    expect(accepted(withFields(...upgrade, 'Content-Length: 1')).upgrade).toBeNull();
    expect(accepted(withFields(...upgrade, 'Transfer-Encoding: chunked')).upgrade).toBeNull();
    expect(accepted(withFields(...upgrade, 'Content-Length: 0')).upgrade).toBe('websocket');
  });

  test('h2c is never asked for', () => {
    const head = accepted(
      withFields('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
    );
    expect(head).toMatchObject({ upgrade: null, fields: '', nominated: null });
    expect(accepted(withFields('Connection: upgrade', 'Upgrade: H2C, websocket')).upgrade).toBe('websocket');
  });
});

describe('expectations (RFC 9110 10.1.1)', () => {
  test('100-continue, in any case, of a request that has a body', () => {
    const head = accepted(withFields('Expect: 100-Continue', 'Content-Length: 5'));
    expect(head).toMatchObject({ expectsContinue: true, fields: 'Expect: 100-Continue\r\nContent-Length: 5\r\n' });
    expect(accepted(withFields('Expect: 100-continue')).expectsContinue).toBe(false);
  });

  test('HTTP/1.0 has none', () => {
    const head = accepted('POST / HTTP/1.0\r\nExpect: anything\r\nContent-Length: 5\r\n\r\n');
    expect(head).toMatchObject({ expectsContinue: false, fields: 'Content-Length: 5\r\n' });
  });
});

test('RFC 9110 7.6.2: Max-Forwards is of TRACE and OPTIONS', () => {
  expect(accepted('OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n')).toMatchObject({
    maxForwards: 3,
    fields: '',
  });
  expect(accepted(withFields('Max-Forwards: x'))).toMatchObject({ maxForwards: -1, fields: 'Max-Forwards: x\r\n' });
});

const GOLDEN = [
  withTarget('/a?b=c'),
  withFields('Content-Length: 5', 'X-A:\tb \xe9', 'Connection: close'),
  'OPTIONS * HTTP/1.0\r\n\r\n',
  'GET http://[::1]:8080/ HTTP/1.1\r\nHost: [::1]:8080\r\nAccept: */*\r\n\r\n',
];

test.each(GOLDEN)('%j is no problem wherever it is cut', (text) => {
  for (let length = 0; length < text.length; length++) {
    expect(headEnd(text.slice(0, length), 0)).toBe(-1);
    expect(partialRequestProblem(text.slice(0, length), 0, REQUEST_RULES)).toBeNull();
  }
  expect(headEnd(text, 0)).toBe(text.length);
  accepted(text);
});
