/** Answers as backends should not send them, and as they should: valid, nearly valid, damaged. Built as `request-grammar.ts`. */
import { type Arbitrary, array, nat, tuple } from 'fast-check';
import { mutated, mutationArbitrary } from './byte-mutations.ts';

const TAME_LINES = 9;
const STATUS_LINES = [
  [
    'HTTP/1.1 200 OK',
    'HTTP/1.1 200 OK',
    'HTTP/1.1 404 Not Found',
    'HTTP/1.1 204 No Content',
    'HTTP/1.1 304 Not Modified',
  ],
  ['HTTP/1.1 200 ', 'HTTP/1.0 200 OK', 'HTTP/1.1 500 \xe9', 'HTTP/1.1 299 a\tb'],
  [
    'HTTP/1.1 200',
    'HTTP/1.1 099 A',
    'HTTP/1.1 600 A',
    'HTTP/1.1 1000 A',
    'HTTP/1.1 20 A',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
  ],
  ['HTTP/2.0 200 OK', 'HTTP/1.2 200 OK', 'http/1.1 200 OK', 'ICY 200 OK', 'RTSP/1.0 200 OK', '', 'HTTP/1.1 200 O\x00K'],
  [
    'HTTP/1.1 101 Switching Protocols',
    'HTTP/1.1 +20 OK',
    'HTTP/1.1 200 O\rK',
    ' HTTP/1.1 200 OK',
    'HTTP/1.1 200OK',
    'garbage',
  ],
].flat();
const INTERIM = [
  [...Array<string>(14).fill(''), 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  [
    'HTTP/1.1 100 \r\nContent-Length: 3\r\n\r\n',
    'HTTP/1.1 102 A\r\n\r\nHTTP/1.1 103 B\r\n\r\n',
    'HTTP/1.1 100 C\r\n',
    '\r\n',
  ],
  ['HTTP/1.1 103 A\r\nTransfer-Encoding: chunked\r\n\r\n', 'HTTP/1.1 101 A\r\n\r\n'],
].flat();
const TAME_FIELDS = 15;
const FIELDS = [
  [
    'A: b\r\n',
    'Server: x\r\n',
    'Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n',
    'Date: then\r\n',
    'ETag: "a"\r\n',
    'A:b\t\r\n',
    'A:\r\n',
  ],
  [
    'Connection: close\r\n',
    'Connection: keep-alive\r\nKeep-Alive: timeout=1\r\n',
    'Connection: X-A\r\nX-A: 1\r\n',
    'Via: 1.1 b\r\n',
  ],
  ['Trailer: T\r\n', 'X-Request-Id: q\r\n', 'Proxy-Authenticate: Basic\r\n', 'Muster-Reason: no_route\r\n'],
  [
    'Upgrade: h2c\r\n',
    'Connection: upgrade\r\nUpgrade: websocket\r\n',
    'A : b\r\n',
    ': b\r\n',
    'A\r\n',
    'A: b\r\n c\r\n',
    'A: b\nC: d\r\n',
  ],
  [
    'A: b\rSet-Cookie: c\r\n',
    'A: \x00\r\n',
    'A: \x7f\r\n',
    'A\xe9: b\r\n',
    '\tA: b\r\n',
    'Connection: content-length\r\n',
    'Connection: a b\r\n',
  ],
].flat();
const BODIES = ['', 'a', 'hello world', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '\r\n', '\x00\xff'];

type Framing = (body: string) => readonly [fields: string, body: string];
const TE = 'Transfer-Encoding: chunked\r\n';
const chunk = (body: string) => (body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`);
const VALID: readonly Framing[] = [
  (body) => [`Content-Length: ${body.length}\r\n`, body],
  (body) => [TE, `${chunk(body)}0\r\n\r\n`],
  (body) => [TE, `${chunk(body.slice(0, 1))}${chunk(body.slice(1))}00;a=b\r\nT: u\r\n\r\n`],
  (body) => ['', body],
];
const WRONG: readonly Framing[] = [
  ...['+1', '-1', '1,1', '1 1', '0x1', '', '9007199254740993', '18446744073709551617', '1.0', 'a'].map(
    (length): Framing =>
      (body) => [`Content-Length: ${length}\r\n`, body],
  ),
  ...['gzip', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'identity', '\x0bchunked', 'chunked,', ''].map(
    (coding): Framing =>
      (body) => [`Transfer-Encoding: ${coding}\r\n`, `${chunk(body)}0\r\n\r\n`],
  ),
  ...['', '0x1', '+1', ' 1', '1 ', 'g', '1;', 'ffffffffffffffffff', '1\n', '1;a="', '1;a\x00'].map(
    (size): Framing =>
      () => [TE, `${size}\r\na\r\n0\r\n\r\n`],
  ),
  ...['\n', '', 'x\r\n', '\r'].map((end): Framing => (body) => [TE, `1\r\na${end}${chunk(body)}0\r\n\r\n`]),
  ...['T : u\r\n\r\n', 'T\r\n\r\n', 'T: u\n\r\n', 'T: \x00\r\n\r\n', '\n', 'Content-Length: 1\r\n\r\n'].map(
    (trailers): Framing =>
      (body) => [TE, `${chunk(body)}0\r\n${trailers}`],
  ),
  (body) => [`Content-Length: ${body.length + 1}\r\n`, body],
  (body) => [`Content-Length: ${Math.max(0, body.length - 1)}\r\n`, body],
  (body) => [`Content-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n`, body],
  (body) => [`Content-Length: ${body.length}\r\nContent-Length: 1\r\n`, body],
  (body) => [`Content-Length: ${body.length}\r\n${TE}`, `${chunk(body)}0\r\n\r\n`],
  (body) => [TE, chunk(body)],
];
const FRAMINGS = Array.from({ length: 25 }, () => VALID)
  .flat()
  .concat(WRONG);
const LINE_ENDS = [...Array<string>(60).fill('\r\n'), '\n', '\r', '\r\r\n', '\r\n '];
const picked = <Part>(parts: readonly Part[], number: number): Part => parts[number % parts.length]!;
const number = nat(0xffff);

/** A request's method, and what a backend answers. */
export interface AnswerStream {
  readonly method: 'GET' | 'HEAD';
  /** One character per byte. */
  readonly text: string;
}

export const answerStreamArbitrary: Arbitrary<AnswerStream> = tuple(
  tuple(number, number, number, number),
  array(number, { maxLength: 3 }),
  array(mutationArbitrary, { maxLength: 2 }),
).map(([[shape, line, framing, body], fieldNumbers, mutations]) => {
  const [framingLines, content] = picked(FRAMINGS, framing)(picked(BODIES, body));
  const lines = fieldNumbers.map((one) => picked(one % 8 === 0 ? FIELDS : FIELDS.slice(0, TAME_FIELDS), one >> 3));
  lines.splice(framing % (lines.length + 1), 0, framingLines);
  const statusLine = picked(shape % 6 === 0 ? STATUS_LINES : STATUS_LINES.slice(0, TAME_LINES), line);
  const text = `${picked(INTERIM, shape >> 3)}${statusLine}${picked(LINE_ENDS, line >> 5)}${lines.join('')}\r\n${content}`;
  const isDamaged = body % 2 === 0;
  const damaged = isDamaged
    ? mutations.reduce((before, one) => mutated(before, one, 'HTTP/1.1 200 OK\r\n\r\n'), text)
    : text;
  return { method: shape % 7 === 0 ? 'HEAD' : 'GET', text: damaged };
});
