/**
 * Answers of a backend that is broken or means harm: for each, the bytes, and what the client may get of them. Sections without a
 * number before them are of RFC 9112. Whatever it is, no other request goes out on that connection.
 */

/** `refused`: 502. `cut`: a beginning, and a visible break. A text: the whole body that the client may be given. */
export type ClientGets = 'refused' | 'cut' | { readonly body: string };

export interface HostileAnswer {
  readonly name: string;
  /** One character per byte. */
  readonly text: string;
  /** What the backend does after it. */
  readonly then: 'end' | 'reset' | 'stay';
  readonly clientGets: ClientGets;
  readonly section: string;
  readonly method: 'GET' | 'HEAD';
}

type Row = readonly [name: string, text: string, clientGets: ClientGets, section: string, then?: HostileAnswer['then']];

const ok = (fields: string, body = ''): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
const TE = 'Transfer-Encoding: chunked\r\n';
const SMUGGLED = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged';

const FRAMING: readonly Row[] = [
  ['both lengths', ok(`${TE}Content-Length: 5\r\n`, '0\r\n\r\n'), 'refused', '6.3'],
  ['differing lengths', ok('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'), 'refused', '6.3'],
  ['equal lengths', ok('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), { body: 'hello' }, '6.3'],
  ['a list of equal lengths', ok('Content-Length: 5, 5\r\n', 'hello'), { body: 'hello' }, '6.3'],
  ['equal lengths with an answer behind', ok('Content-Length: 5, 5\r\n', `hello${SMUGGLED}`), { body: 'hello' }, '6.3'],
  ['lengths that are equal as numbers', ok('Content-Length: 5\r\nContent-Length: 05\r\n', 'hello'), 'refused', '6.3'],
  ['a list of differing lengths', ok('Content-Length: 5, 6\r\n', 'hello'), 'refused', '6.3'],
  ['both lengths, one behind a space', ok(`${TE}Content-Length : 5\r\n`, '0\r\n\r\n'), 'refused', '6.3'],
  ['a length with a plus', ok('Content-Length: +5\r\n', 'hello'), 'refused', '9110, 8.6'],
  ['a negative length', ok('Content-Length: -5\r\n', 'hello'), 'refused', '9110, 8.6'],
  ['a length that is no number', ok('Content-Length: five\r\n', 'hello'), 'refused', '9110, 8.6'],
  ['an empty length', ok('Content-Length:\r\n', 'hello'), 'refused', '9110, 8.6'],
  ['a length beyond counting', ok('Content-Length: 18446744073709551616\r\n', 'hello'), 'refused', '9110, 8.6'],
  ['an unknown coding', ok('Transfer-Encoding: gzip\r\n', 'hello'), 'refused', '6.1'],
  ['an unknown coding before chunked', ok('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 'refused', '6.1'],
  ['chunked twice', ok(TE + TE, '0\r\n\r\n'), 'refused', '6.1'],
  ['a coding in HTTP/1.0', `HTTP/1.0 200 OK\r\n${TE}\r\n0\r\n\r\n`, 'refused', '6.1'],
  ['a coding in 204', `HTTP/1.1 204 No Content\r\n${TE}\r\n0\r\n\r\n`, 'refused', '6.1'],
  ['a coding in an interim answer', `HTTP/1.1 103 A\r\n${TE}\r\n${ok('Content-Length: 0\r\n')}`, 'refused', '6.1'],
];

const HEADS: readonly Row[] = [
  ['garbage', '\x00\x01\x02\x03', 'refused', '4'],
  ['text', 'hello\r\n\r\n', 'refused', '4'],
  ['HTTP/0.9', '<html>hello</html>', 'refused', '2.3', 'end'],
  ['nothing', '', 'refused', '9110, 15.6.3', 'end'],
  ['a reset', '', 'refused', '9110, 15.6.3', 'reset'],
  ['half a head', 'HTTP/1.1 200 OK\r\nA: b\r\n', 'refused', '8', 'end'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n', 'refused', '2.3'],
  ['another protocol', 'ICY 200 OK\r\nContent-Length: 0\r\n\r\n', 'refused', '4'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n', 'refused', '4'],
  ['a status of 999', 'HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n', 'refused', '9110, 15'],
  ['a status of 099', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n', 'refused', '9110, 15'],
  ['a bare LF behind the status line', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n', 'refused', '2.2'],
  ['bare LFs', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', { body: '' }, '2.2'],
  ['bare LFs with a body', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello', { body: 'hello' }, '2.2'],
  ['bare LFs and a CR', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\n', 'refused', '2.2'],
  ['a bare CR in the reason', 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n', 'refused', '2.2'],
  ['a NUL in the reason', 'HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n', 'refused', '4'],
  [
    'a bare CR that would split the answer',
    ok('Location: /\rSet-Cookie: a=b\r\nContent-Length: 0\r\n'),
    'refused',
    '2.2',
  ],
  [
    'a bare LF that would split the answer',
    ok('Location: /\nSet-Cookie: a=b\r\nContent-Length: 0\r\n'),
    'refused',
    '2.2',
  ],
  ['LFs that would split the answer', ok(`Location: /\n\n${SMUGGLED}\r\nContent-Length: 0\r\n`), 'refused', '2.2'],
  ['a NUL in a value', ok('A: b\x00c\r\nContent-Length: 0\r\n'), 'refused', '9110, 5.5'],
  ['a control character in a value', ok('A: b\x08c\r\nContent-Length: 0\r\n'), 'refused', '9110, 5.5'],
  ['a folded line', ok('A: b\r\n c\r\nContent-Length: 0\r\n'), { body: '' }, '5.2'],
  ['a folded line behind the status line', ok(' A: b\r\nContent-Length: 0\r\n'), 'refused', '2.2'],
  ['a space before a colon', ok('Content-Length : 0\r\n'), { body: '' }, '5.1'],
  ['an empty name', ok(': b\r\nContent-Length: 0\r\n'), 'refused', '5'],
  ['no colon', ok('A\r\nContent-Length: 0\r\n'), 'refused', '5'],
  [
    'Connection that names a length',
    ok('Connection: content-length\r\nContent-Length: 0\r\n'),
    'refused',
    '9110, 7.6.1',
  ],
  ['a head of 17,000 bytes', ok(`A: ${'b'.repeat(17_000)}\r\nContent-Length: 0\r\n`), 'refused', '9110, 5.4'],
  ['a head that never ends', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(10_000)}`, 'refused', '9110, 5.4'],
  ['101 fields', ok(`${'A: b\r\n'.repeat(101)}Content-Length: 0\r\n`), 'refused', '9110, 5.4'],
  ['1,000 interim answers', 'HTTP/1.1 103 A\r\n\r\n'.repeat(1_000), 'refused', '9110, 15.2'],
  [
    'another protocol, unasked',
    'HTTP/1.1 101 A\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    'refused',
    '9110, 15.2.2',
  ],
  ['another protocol, without its name', 'HTTP/1.1 101 A\r\n\r\n', 'refused', '9110, 15.2.2'],
];

const BODIES: readonly Row[] = [
  ['a body cut off', ok('Content-Length: 10\r\n', 'hello'), 'cut', '8', 'end'],
  ['a body reset', ok('Content-Length: 10\r\n', 'hello'), 'cut', '8', 'reset'],
  ['chunks cut off', ok(TE, '5\r\nhello\r\n'), 'cut', '8', 'end'],
  ['chunks cut off within one', ok(TE, '5\r\nhel'), 'cut', '8', 'end'],
  ['chunks cut off before the end of the trailers', ok(TE, '5\r\nhello\r\n0\r\n'), 'cut', '8', 'end'],
  ['a body without a length, reset', ok('', 'hello'), 'cut', '8', 'reset'],
  ['a chunk size that is none', ok(TE, 'g\r\na\r\n0\r\n\r\n'), 'refused', '7.1'],
  ['a chunk size with 0x', ok(TE, '0x1\r\na\r\n0\r\n\r\n'), 'refused', '7.1'],
  ['a chunk size beyond counting', ok(TE, 'ffffffffffffffffff\r\na\r\n0\r\n\r\n'), 'refused', '7.1'],
  ['a chunk longer than said', ok(TE, '1\r\nab\r\n0\r\n\r\n'), 'refused', '7.1'],
  ['a chunk size line that ends in LF', ok(TE, '1\na\r\n0\r\n\r\n'), 'refused', '7.1'],
  ['a trailer without a colon', ok(TE, '0\r\nT\r\n\r\n'), 'refused', '7.1.2'],
  ['a NUL in a trailer', ok(TE, '0\r\nT: \x00\r\n\r\n'), 'refused', '7.1.2'],
  ['a whole answer behind the answer', ok('Content-Length: 5\r\n', `hello${SMUGGLED}`), { body: 'hello' }, '9.2'],
  ['a byte behind the answer', ok('Content-Length: 5\r\n', 'hello!'), { body: 'hello' }, '9.2'],
  ['an answer behind the last chunk', ok(TE, `5\r\nhello\r\n0\r\n\r\n${SMUGGLED}`), { body: 'hello' }, '9.2'],
  ['a body in 204', `HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello`, { body: '' }, '6.3'],
  ['a body in 204 that is an answer', `HTTP/1.1 204 No Content\r\n\r\n${SMUGGLED}`, { body: '' }, '6.3'],
  [
    'a body in 304 that is an answer',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n${SMUGGLED}`,
    { body: '' },
    '6.3',
  ],
];

const FOR_HEAD: readonly Row[] = [
  ['a body for HEAD', ok('Content-Length: 5\r\n', 'hello'), { body: '' }, '6.3'],
  ['a body for HEAD that is an answer', ok('Content-Length: 44\r\n', SMUGGLED), { body: '' }, '6.3'],
  ['chunks for HEAD', ok(TE, '5\r\nhello\r\n0\r\n\r\n'), { body: '' }, '6.3'],
];

const rowsOf = (rows: readonly Row[], method: 'GET' | 'HEAD'): HostileAnswer[] =>
  rows.map(([name, text, clientGets, section, then = 'stay']) => ({ name, text, clientGets, section, then, method }));

export const HOSTILE_ANSWERS: readonly HostileAnswer[] = [
  ...rowsOf([...FRAMING, ...HEADS, ...BODIES], 'GET'),
  ...rowsOf(FOR_HEAD, 'HEAD'),
];
