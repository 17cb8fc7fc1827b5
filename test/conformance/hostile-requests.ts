/**
 * Requests that must be refused: for each, the bytes, what the client is told, and the rule. Sections without a number before them
 * are of RFC 9112. What stands behind a refused request is never read as one.
 */

export interface HostileRequest {
  readonly name: string;
  /** One character per byte. */
  readonly text: string;
  readonly status: number;
  readonly section: string;
  /** Where the fault is: behind a good head, what came before it may have gone on when it comes in another read. */
  readonly isInBody: boolean;
}

type Row = readonly [name: string, text: string, status: number, section: string];

const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const post = (fields: string, body: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
const line = (requestLine: string): string => `${requestLine}\r\nHost: a\r\n\r\n`;
const host = (fields: string): string => `GET / HTTP/1.1\r\n${fields}\r\n`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);
const LAST = '0\r\n\r\n';

const FRAMING: readonly Row[] = [
  [
    'both lengths, Transfer-Encoding first',
    post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', LAST),
    400,
    '6.3',
  ],
  ['both lengths, Content-Length first', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', LAST), 400, '6.3'],
  ['both, with the coding in capitals', post('Content-Length: 5\r\nTRANSFER-ENCODING: Chunked\r\n', LAST), 400, '6.3'],
  ['both, with a length of zero', post('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', LAST), 400, '6.3'],
  ['chunked is not the last coding', post('Transfer-Encoding: chunked, gzip\r\n', LAST), 400, '6.3'],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', LAST), 400, '6.1'],
  [
    'chunked twice, in two lines',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', LAST),
    400,
    '6.1',
  ],
  ['an unknown coding before chunked', post('Transfer-Encoding: gzip, chunked\r\n', LAST), 501, '6.1'],
  [
    'an unknown coding before chunked, in two lines',
    post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', LAST),
    501,
    '6.1',
  ],
  ['an unknown coding alone', post('Transfer-Encoding: gzip\r\n', LAST), 400, '6.3'],
  ['identity', post('Transfer-Encoding: identity\r\n', LAST), 400, '6.1'],
  ['a coding that is almost chunked', post('Transfer-Encoding: xchunked\r\n', LAST), 400, '6.3'],
  ['chunked with a parameter', post('Transfer-Encoding: chunked;q=1\r\n', LAST), 400, '7'],
  ['a quoted coding', post('Transfer-Encoding: "chunked"\r\n', LAST), 400, '7'],
  ['an empty coding', post('Transfer-Encoding:\r\n', LAST), 400, '6.1'],
  ['chunked behind a no-break space', post('Transfer-Encoding: \xa0chunked\r\n', LAST), 400, '6.1'],
  ['chunked behind a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', LAST), 400, '9110, 5.5'],
  ['a coding in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, '6.1'],
  ['differing lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'), 400, '6.3'],
  ['equal lengths', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400, '6.3'],
  ['a list of lengths', post('Content-Length: 5, 5\r\n', 'hello'), 400, '6.3'],
  ['a length with a plus', post('Content-Length: +5\r\n', 'hello'), 400, '9110, 8.6'],
  ['a negative length', post('Content-Length: -5\r\n', 'hello'), 400, '9110, 8.6'],
  ['a length with a space in it', post('Content-Length: 1 0\r\n', 'hello'), 400, '9110, 8.6'],
  ['a hexadecimal length', post('Content-Length: 0x5\r\n', 'hello'), 400, '9110, 8.6'],
  ['a length with a fraction', post('Content-Length: 5.0\r\n', 'hello'), 400, '9110, 8.6'],
  ['a length with an exponent', post('Content-Length: 1e1\r\n', 'hello'), 400, '9110, 8.6'],
  ['an empty length', post('Content-Length:\r\n', ''), 400, '9110, 8.6'],
  ['a length beyond 2^53', post('Content-Length: 9007199254740993\r\n', 'hello'), 400, '9110, 8.6'],
  ['a length beyond 2^64', post('Content-Length: 18446744073709551621\r\n', 'hello'), 400, '9110, 8.6'],
  ['a length spelt with an underscore', post('Content_Length: 5\r\n', 'hello'), 400, 'RFC 3875, 4.1.18'],
  [
    'a coding spelt with an underscore',
    post('Transfer_Encoding: chunked\r\nContent-Length: 5\r\n', LAST),
    400,
    'RFC 3875, 4.1.18',
  ],
];

const LINES: readonly Row[] = [
  ['a bare LF behind the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 400, '2.2'],
  ['a bare LF behind a field', get('A: b\n'), 400, '2.2'],
  ['bare LFs everywhere', 'GET / HTTP/1.1\nHost: a\n\n', 400, '2.2'],
  ['a bare LF as the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\n', 400, '2.2'],
  ['a bare CR in a value', get('A: b\rContent-Length: 5\r\n'), 400, '2.2'],
  ['a bare CR in the request line', 'GET /\r HTTP/1.1\r\nHost: a\r\n\r\n', 400, '2.2'],
  ['a bare CR behind the request line', 'GET / HTTP/1.1\rHost: a\r\n\r\n', 400, '2.2'],
  ['a bare CR where a field begins', get('\rA: b\r\n'), 400, '2.2'],
  ['a bare CR that ends the head', `GET / HTTP/1.1\r\nHost: a\r\n\r${get('')}`, 400, '2.2'],
  ['two CRs before an LF', get('A: b\r\r\n'), 400, '2.2'],
  ['a folded line', get('A: b\r\n c\r\n'), 400, '5.2'],
  ['a folded line, with a tab', get('A: b\r\n\tc\r\n'), 400, '5.2'],
  ['whitespace before the first field', 'GET / HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n', 400, '2.2'],
  ['a space before the colon', get('A : b\r\n'), 400, '5.1'],
  ['a tab before the colon', get('A\t: b\r\n'), 400, '5.1'],
  ['a space before the colon of a length', post('Content-Length : 5\r\n', 'hello'), 400, '5.1'],
  ['a space before the colon of a coding', post('Transfer-Encoding : chunked\r\n', LAST), 400, '5.1'],
  ['no colon', get('A\r\n'), 400, '5'],
  ['an empty name', get(': b\r\n'), 400, '5'],
  ['a name with a space in it', get('A B: c\r\n'), 400, '5'],
  ['a name with a byte above ASCII', get('A\xe9: b\r\n'), 400, '9110, 5.6.2'],
  ['a name with a delimiter', get('A(: b\r\n'), 400, '9110, 5.6.2'],
  ['a name with a NUL', get('A\x00: b\r\n'), 400, '9110, 5.6.2'],
  ['a NUL in a value', get('A: b\x00c\r\n'), 400, '9110, 5.5'],
  ['a control character in a value', get('A: b\x01c\r\n'), 400, '9110, 5.5'],
  ['an escape in a value', get('A: b\x1bc\r\n'), 400, '9110, 5.5'],
  ['a delete in a value', get('A: b\x7fc\r\n'), 400, '9110, 5.5'],
  ['two empty lines before the request', `\r\n\r\n${get('')}`, 400, '2.2'],
  ['a bare LF before the request', `\n${get('')}`, 400, '2.2'],
  ['Connection with something that is no token', get('Connection: a b\r\n'), 400, '9110, 7.6.1'],
  ['Connection that names Host', get('Connection: host\r\n'), 400, '9110, 7.6.1'],
  [
    'Connection that names a length',
    post('Connection: content-length\r\nContent-Length: 5\r\n', 'hello'),
    400,
    '9110, 7.6.1',
  ],
  ['Connection that names X-Forwarded-For', get('Connection: close, X-Forwarded-For\r\n'), 400, '9110, 7.6.1'],
  ['X-Forwarded-For spelt with underscores', get('X_Forwarded_For: 127.0.0.1\r\n'), 400, 'RFC 3875, 4.1.18'],
  ['an expectation that nobody can meet', get('Expect: a-miracle\r\n'), 417, '9110, 10.1.1'],
  ['Max-Forwards that is no number', 'TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: -1\r\n\r\n', 400, '9110, 7.6.2'],
];

const REQUEST_LINES: readonly Row[] = [
  ['no Host', host(''), 400, '3.2'],
  ['two Hosts', host('Host: a\r\nHost: b\r\n'), 400, '3.2'],
  ['two equal Hosts', host('Host: a\r\nHost: a\r\n'), 400, '3.2'],
  ['an empty Host', host('Host:\r\n'), 400, '9110, 4.2.1'],
  ['a Host that is a list', host('Host: a, b\r\n'), 400, '3.2'],
  ['a Host with an escaped slash', host('Host: a%2Fb\r\n'), 400, 'RFC 3986, 3.2.2'],
  ['a Host with an escaped control character', host('Host: a%00\r\n'), 400, 'RFC 3986, 7.3'],
  ['a Host with a zone', host('Host: [fe80::1%25eth0]\r\n'), 400, '9110, 4.2.1'],
  ['a Host with a path', host('Host: a/b\r\n'), 400, '3.2'],
  ['a Host with a user', host('Host: u@a\r\n'), 400, '3.2'],
  ['a Host with a space', host('Host: a b\r\n'), 400, '3.2'],
  ['a Host with a port that is none', host('Host: a:b\r\n'), 400, '3.2'],
  ['a Host with a port too high', host('Host: a:65536\r\n'), 400, '3.2'],
  ['a Host with half an address', host('Host: [::1\r\n'), 400, '3.2'],
  ['no Host beside an absolute target', 'GET http://a/ HTTP/1.1\r\n\r\n', 400, '3.2'],
  ['a malformed Host beside an absolute target', 'GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n', 400, '3.2'],
  ['a method that is no token', line('G(T / HTTP/1.1'), 400, '9110, 9.1'],
  ['an empty method', line(' / HTTP/1.1'), 400, '3'],
  ['a method of 33 letters', line(`${'M'.repeat(33)} / HTTP/1.1`), 501, '3'],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 501, '9110, 9.3.6'],
  ['CONNECT to a path', line('CONNECT / HTTP/1.1'), 501, '9110, 9.3.6'],
  ['no target', line('GET HTTP/1.1'), 400, '3'],
  ['a target that is no path', line('GET a HTTP/1.1'), 400, '3.2'],
  ['an asterisk for GET', line('GET * HTTP/1.1'), 400, '3.2.4'],
  ['a fragment', line('GET /#a HTTP/1.1'), 400, '3.2'],
  ['a backslash in the path', line('GET /a\\..\\b HTTP/1.1'), 400, 'RFC 3986, 3.3'],
  ['a quote in the path', line('GET /" HTTP/1.1'), 400, 'RFC 3986, 3.3'],
  ['a byte above ASCII in the path', line('GET /\xe9 HTTP/1.1'), 400, 'RFC 3986, 3.3'],
  ['a NUL in the path', line('GET /\x00 HTTP/1.1'), 400, 'RFC 3986, 3.3'],
  ['a dot segment behind an escaped slash', line('GET /a/..%2fb HTTP/1.1'), 400, 'RFC 3986, 5.2.4'],
  ['an escaped dot segment behind an escaped backslash', line('GET /a/%2e%2e%5Cb HTTP/1.1'), 400, 'RFC 3986, 5.2.4'],
  ['a dot segment with a parameter', line('GET /a/..;x=1/b HTTP/1.1'), 400, 'RFC 3986, 3.3'],
  ['a dot segment escaped twice', line('GET /a/%252e%252e/b HTTP/1.1'), 400, 'RFC 3986, 2.4'],
  ['a dot segment in overlong UTF-8', line('GET /a/%c0%ae%c0%ae/b HTTP/1.1'), 400, 'RFC 3629, 3'],
  ['an escaped slash behind a slash', line('GET /%2fa HTTP/1.1'), 400, 'RFC 3986, 3.3'],
  ['an escaped NUL in the path', line('GET /a%00.png HTTP/1.1'), 400, 'RFC 3986, 7.3'],
  ['an escaped line end in the path', line('GET /a%0d%0aB:c HTTP/1.1'), 400, 'RFC 3986, 7.3'],
  ['an https target', line('GET https://a/ HTTP/1.1'), 400, '9110, 7.4'],
  ['another scheme', line('GET ftp://a/ HTTP/1.1'), 400, '9110, 7.4'],
  ['a target with a user', line('GET http://u:p@a/ HTTP/1.1'), 400, '9110, 4.2.4'],
  ['a target without a host', line('GET http:///a HTTP/1.1'), 400, '9110, 4.2.1'],
  ['two spaces before the target', line('GET  / HTTP/1.1'), 400, '3'],
  ['two spaces before the version', line('GET /  HTTP/1.1'), 400, '3'],
  ['a space behind the version', line('GET / HTTP/1.1 '), 400, '3'],
  ['a space before the method', line(' GET / HTTP/1.1'), 400, '3'],
  ['a tab for a space', line('GET\t/ HTTP/1.1'), 400, '3'],
  ['a space in the target', line('GET /a b HTTP/1.1'), 400, '3.2'],
  ['no version', line('GET /'), 400, '2.3'],
  ['HTTP/0.9', 'GET /\r\n\r\n', 400, '2.3'],
  ['HTTP/0.9, named', line('GET / HTTP/0.9'), 505, '2.3'],
  ['HTTP/2.0', line('GET / HTTP/2.0'), 505, '2.3'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, 'RFC 9113, 3.4'],
  ['a version in small letters', line('GET / http/1.1'), 400, '2.3'],
  ['a version of two digits', line('GET / HTTP/1.10'), 400, '2.3'],
  ['another protocol', line('GET / RTSP/1.0'), 400, '2.3'],
  ['a target of 9,000 bytes', line(`GET /${'a'.repeat(9_000)} HTTP/1.1`), 414, '3'],
  ['a head of 17,000 bytes', get(`A: ${'b'.repeat(17_000)}\r\n`), 431, 'RFC 6585, 5'],
  ['101 fields', get('A: b\r\n'.repeat(100)), 431, 'RFC 6585, 5'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, '3'],
  ['garbage', '\x00\x01\x02\x03\r\n\r\n', 400, '3'],
];

const BODIES: readonly Row[] = [
  ['a chunk size that is none', chunked(`g\r\na\r\n${LAST}`), 400, '7.1'],
  ['an empty chunk size', chunked(`\r\na\r\n${LAST}`), 400, '7.1'],
  ['a chunk size with 0x', chunked(`0x1\r\na\r\n${LAST}`), 400, '7.1'],
  ['a chunk size with a sign', chunked(`+1\r\na\r\n${LAST}`), 400, '7.1'],
  ['a negative chunk size', chunked(`-1\r\na\r\n${LAST}`), 400, '7.1'],
  ['a chunk size behind a space', chunked(` 1\r\na\r\n${LAST}`), 400, '7.1'],
  ['a chunk size before a space', chunked(`1 \r\na\r\n${LAST}`), 400, '7.1'],
  ['a chunk size of 17 digits', chunked(`00000000000000001\r\na\r\n${LAST}`), 400, '7.1'],
  ['a chunk size beyond counting', chunked(`ffffffffffffffff\r\na\r\n${LAST}`), 413, '7.1'],
  ['a chunk size line that ends in LF', chunked(`1\na\r\n${LAST}`), 400, '7.1'],
  ['a chunk size line that ends in CR', chunked(`1\ra\r\n${LAST}`), 400, '7.1'],
  ['chunk data longer than said', chunked(`1\r\nab\r\n${LAST}`), 400, '7.1'],
  ['chunk data that ends in LF', chunked(`1\r\na\n${LAST}`), 400, '7.1'],
  ['chunk data that ends in CR', chunked(`1\r\na\r${LAST}`), 400, '7.1'],
  ['chunk data without an end', chunked(`1\r\na${LAST}`), 400, '7.1'],
  ['an LF in a chunk extension', chunked(`1;a\nb\r\na\r\n${LAST}`), 400, '7.1.1'],
  ['a CR in a chunk extension', chunked(`1;a\rb\r\na\r\n${LAST}`), 400, '7.1.1'],
  ['a NUL in a chunk extension', chunked(`1;a=\x00\r\na\r\n${LAST}`), 400, '7.1.1'],
  ['a line end in a quoted extension', chunked(`1;a="\r\n"\r\na\r\n${LAST}`), 400, '7.1.1'],
  ['a chunk extension without a name', chunked(`1;\r\na\r\n${LAST}`), 400, '7.1.1'],
  ['17,000 bytes of chunk extensions', chunked(`1;${'a'.repeat(17_000)}\r\na\r\n${LAST}`), 413, '7.1.1'],
  ['a trailer without a colon', chunked('0\r\nT\r\n\r\n'), 400, '7.1.2'],
  ['a trailer with a space before the colon', chunked('0\r\nT : u\r\n\r\n'), 400, '7.1.2'],
  ['a trailer that ends in LF', chunked('0\r\nT: u\n\r\n'), 400, '7.1.2'],
  ['a folded trailer', chunked('0\r\nT: u\r\n v\r\n\r\n'), 400, '7.1.2'],
  ['a NUL in a trailer', chunked('0\r\nT: \x00\r\n\r\n'), 400, '7.1.2'],
  ['17,000 bytes of trailers', chunked(`0\r\nT: ${'u'.repeat(17_000)}\r\n\r\n`), 431, 'RFC 6585, 5'],
  ['an LF for the end of the trailers', chunked('0\r\n\n'), 400, '7.1'],
  ['something else than the end', chunked('0\r\n\rx'), 400, '7.1'],
];

const rowsOf = (rows: readonly Row[], isInBody: boolean): HostileRequest[] =>
  rows.map(([name, text, status, section]) => ({ name, text, status, section, isInBody }));

export const HOSTILE_REQUESTS: readonly HostileRequest[] = [
  ...rowsOf([...FRAMING, ...LINES, ...REQUEST_LINES], false),
  ...rowsOf(BODIES, true),
];
