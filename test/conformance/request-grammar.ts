/**
 * Requests as fast-check makes them: valid ones, nearly valid ones, several behind each other, and then damaged bytes.
 *
 * Wrong parts are one in a dozen or so, since a request with three faults tests only the one that is found first. Weights are by
 * repetition, which keeps a case cheap to make and quick to shrink: earlier entries are the simpler ones.
 */
import { type Arbitrary, array, nat, tuple } from 'fast-check';
import { mutated, mutationArbitrary, type Mutation } from './byte-mutations.ts';

const METHODS = [
  ['GET', 'GET', 'GET', 'GET', 'POST', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'],
  ['get', 'CONNECT', 'PROPFIND', 'PRI', 'G ET', 'M-SEARCH', 'QUERY', 'GE\tT', '', 'X'.repeat(33), 'G\xc9T', 'GET:'],
].flat();
const TARGETS = [
  ['/', '/', '/a', '/a/b?c=d', '/a?b', '/%2e%2e/', '/a;b', '/a//b', '/a?q=[]|^', '/../etc', '/?'],
  ['/a/%2E%2e/b', '/a/./b/..', '/%61', '/a%2fb', '/@a%2Fb', '/a;b=c/d', '/100%', '/a//../b', '/../../a?/../b', '/%zz'],
  [
    '*',
    'http://a/',
    'http://a',
    'http://b:81/x?y',
    'HTTP://a/x',
    'http://a?x',
    'https://a/',
    'http://u@a/',
    'http:///x',
  ],
  [
    '',
    'a',
    '//a',
    '/a#b',
    '/a b',
    '/"',
    '/<',
    '/\\',
    '/\x00',
    '/\x7f',
    'a:80',
    '/\xff',
    '/é',
    'http://a/ b',
    'http://a\\b/',
    'http://[::1]/',
    '/a/..%2fb',
    '/a/..;/b',
    '/%2e%2e%5cb',
    '/a%00',
    '/a/%252e%252e/b',
    '/;/a',
    '/x/%c0%ae./b',
    'http://a/b/..%2f?c',
  ],
].flat();
/** The first two lists. */
const TAME_TARGETS = 21;
const VERSIONS = [
  ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'],
  [
    'HTTP/1.2',
    'HTTP/2.0',
    'HTTP/0.9',
    'http/1.1',
    'HTTP/1.1 ',
    'HTTP/11',
    'HTTP/1',
    'HTTP/01.1',
    'RTSP/1.0',
    '',
    'ICE/1.0',
    'HTTP/1.1\t',
  ],
].flat();
const LINE_ENDS = [...Array<string>(150).fill('\r\n'), '\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\r\n\r\n', '\r\n ', ''];
const HOSTS = [
  [...Array<string>(120).fill('Host: a\r\n'), 'host:a\r\n', 'HOST:  a:80 \r\n', 'Host: [::1]:80\r\n', 'Host:\ta\t\r\n'],
  ['', '', 'Host: \r\n', 'Host: a, b\r\n', 'Host: a\r\nHost: a\r\n', 'Host: a b\r\n', 'Host: a:\r\n', 'Host: a:b\r\n'],
  [
    'Host: a/b\r\n',
    'Host: u@a\r\n',
    'Host : a\r\n',
    ' Host: a\r\n',
    'Host: a\r\nHost: b\r\n',
    'Host: a\r\n b\r\n',
    'Host: \xe9\r\n',
  ],
].flat();
const FIELDS = [
  ['A: b\r\n', 'A:b\r\n', 'Accept: */*\r\n', 'Cookie: a=b; c=d\r\n', 'A: \r\n', 'A:\r\n', 'A: b\t \r\n', 'A: b  c\r\n'],
  [
    'X-A: 1\r\nx-a: 2\r\n',
    'Cookie: 1\r\nCookie: 2\r\n',
    'A: caf\xe9\r\n',
    "!#$%&'*+-.^_`|~0: x\r\n",
    'Date: now\r\n',
    'Via: 1.0 b\r\n',
  ],
  [
    'X-Real-IP: 1.1.1.1\r\n',
    'X-Original-URL: /b\r\n',
    'X_Client_IP: 1.1.1.1\r\n',
    'X.Forwarded.Port: 1\r\n',
    'X-Custom: 1\r\n',
  ],
  ['X-Forwarded-For: 1.1.1.1\r\n', 'Forwarded: for=a\r\n', 'X-Request-Id: q\r\n', 'TE: trailers\r\n', 'Trailer: T\r\n'],
  [
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
    'Connection: X-A\r\n',
    'Connection: a, ,close\r\n',
    'Connection: ,\r\n',
  ],
  ['Connection: t\r\n', 'Connection: upgrade\r\nUpgrade: websocket\r\n', 'Upgrade: h2c\r\n', 'Connection: Upgrade\r\n'],
  ['Expect: 100-continue\r\n', 'Max-Forwards: 3\r\n', 'Keep-Alive: timeout=5\r\n', 'Proxy-Authorization: x\r\n'],
  [
    'Expect: other\r\n',
    'Max-Forwards: -1\r\n',
    'Connection: host\r\n',
    'Connection: a b\r\n',
    'Connection: content-length\r\n',
  ],
  [
    'Content_Length: 3\r\n',
    'X_Forwarded_For: a\r\n',
    'Content.Length: 3\r\n',
    'A : b\r\n',
    ': b\r\n',
    'A\r\n',
    'A\tB: c\r\n',
    '\xe9: b\r\n',
    'A: b\r\n c\r\n',
  ],
  [
    'A: b\x00c\r\n',
    'A: \x01\r\n',
    'A: b\x7f\r\n',
    'A: b\x0bc\r\n',
    'A: b\rc\r\n',
    'A: b\nC: d\r\n',
    'A(: b\r\n',
    'A;: b\r\n',
    '\r\n',
  ],
].flat();
const TAME_FIELDS = 37;
const BODIES = ['', 'a', 'abc', 'hello world', '0\r\n\r\n', 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n', '\r\n', '\x00\xff\n'];

/** What a body's framing says: of the body's text, lines of fields and what follows the head. */
type Framing = (body: string) => readonly [fields: string, body: string];

const chunkedAs =
  (fields: string, chunks: (body: string) => string): Framing =>
  (body) => [fields, chunks(body)];
const TE = 'Transfer-Encoding: chunked\r\n';
const hex = (body: string) => body.length.toString(16);
const chunk = (body: string) => (body === '' ? '' : `${hex(body)}\r\n${body}\r\n`);
const halves = (body: string) => chunk(body.slice(0, 1)) + chunk(body.slice(1));

const VALID_FRAMINGS: readonly Framing[] = [
  () => ['', ''],
  (body) => [`Content-Length: ${body.length}\r\n`, body],
  (body) => [`content-length:${body.length}\t\r\n`, body],
  (body) => [`Content-Length: 000${body.length}\r\n`, body],
  chunkedAs(TE, (body) => `${chunk(body)}0\r\n\r\n`),
  chunkedAs('transfer-encoding:\tCHUNKED\r\n', (body) => `${halves(body)}0\r\n\r\n`),
  chunkedAs(TE, (body) => `${chunk(body)}0\r\nT: u\r\nV:w\r\n\r\n`),
  chunkedAs(TE, (body) => `${hex(body).toUpperCase()};a=b;c="d;\\"e"\r\n${body}${body === '' ? '' : '\r\n0\r\n'}\r\n`),
  chunkedAs(TE, (body) => `${halves(body)}000;x\r\n\r\n`),
];

const WRONG_LENGTHS = [
  '+1',
  '-1',
  '1,1',
  '1, 1',
  '1 1',
  '0x1',
  '1.0',
  '',
  '18446744073709551617',
  '9007199254740993',
  '1e1',
  '\x0b1',
  '1;',
];
const WRONG_CODINGS = [
  [
    'gzip',
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'identity',
    'xchunked',
    'chunked;q=1',
    '',
    ', chunked',
  ],
  ['chunked,', '"chunked"', 'chunked identity', 'chunk\xe9d', '\x0bchunked', 'identity, chunked', 'chunked\x00'],
].flat();
const WRONG_SIZES = [
  [
    '',
    '0x1',
    '+1',
    '-1',
    ' 1',
    '1 ',
    '1\t',
    'g',
    '1;',
    '1; a',
    '1 ;a',
    '1;a=',
    '1;a="',
    '1;a="\n"',
    '1;=b',
    '1;a b',
    '1,2',
    '\x0b1',
  ],
  ['fffffffffffffffff', 'ffffffffffffffff', '00000000000000001', '1;a\x00', '1;\xe9', '1\n', '1;a=b\n'],
].flat();
const WRONG_CHUNK_ENDS = ['\n', '\r', '', '\r\r\n', ' \r\n', 'x\r\n', '\n\r'];
const WRONG_TRAILERS = [
  [
    'T : u\r\n\r\n',
    ' T: u\r\n\r\n',
    'T\r\n\r\n',
    'T: u\n\r\n',
    'T: u\r\n\n',
    'T: u\r\n v\r\n\r\n',
    ': u\r\n\r\n',
    '\n',
    '\r',
    '\rx',
  ],
  [
    'Content-Length: 5\r\n\r\n',
    'Transfer-Encoding: chunked\r\n\r\n',
    'Host: b\r\n\r\n',
    'T: \x00\r\n\r\n',
    '0\r\n\r\n',
    'T: u\r\n',
  ],
].flat();
const WRONG_FRAMINGS: readonly Framing[] = [
  ...WRONG_LENGTHS.map((value): Framing => (body) => [`Content-Length: ${value}\r\n`, body]),
  ...WRONG_CODINGS.map((value) => chunkedAs(`Transfer-Encoding: ${value}\r\n`, (body) => `${chunk(body)}0\r\n\r\n`)),
  ...WRONG_SIZES.map((size) => chunkedAs(TE, () => `${size}\r\na\r\n0\r\n\r\n`)),
  ...WRONG_CHUNK_ENDS.map((end) => chunkedAs(TE, (body) => `${hex(body)}\r\n${body}${end}0\r\n\r\n`)),
  ...WRONG_CHUNK_ENDS.map((end) => chunkedAs(TE, (body) => `${hex(body)}${end}${body}\r\n0\r\n\r\n`)),
  ...WRONG_TRAILERS.map((trailers) => chunkedAs(TE, (body) => `${chunk(body)}0\r\n${trailers}`)),
  (body) => [`Content-Length: ${body.length + 1}\r\n`, body],
  (body) => [`Content-Length: ${Math.max(0, body.length - 1)}\r\n`, body],
  (body) => [`Content-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n`, body],
  (body) => [`Content-Length: ${body.length}\r\nContent-Length: 1\r\n`, body],
  (body) => [`Content-Length: ${body.length}\r\n${TE}`, `${chunk(body)}0\r\n\r\n`],
  (body) => [`${TE}Content-Length: ${body.length}\r\n`, body],
  (body) => [`${TE}${TE}`, `${chunk(body)}0\r\n\r\n`],
  (body) => [`Transfer-Encoding : chunked\r\n`, `${chunk(body)}0\r\n\r\n`],
  (body) => [`Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n`, `${chunk(body)}0\r\n\r\n`],
  (body) => ['', body],
];
const FRAMINGS = Array.from({ length: 40 }, () => VALID_FRAMINGS)
  .flat()
  .concat(WRONG_FRAMINGS);

/** Chosen by number, which is cheaper to make and to shrink than by a choice for each part. */
const picked = <Part>(parts: readonly Part[], number: number): Part => parts[number % parts.length]!;

const SPACES = [...Array<string>(60).fill(' '), '  ', '\t', '', '\x0b', '\r', ' \t'];
const BEGINNINGS = [...Array<string>(60).fill(''), '\r\n', '\r\n\r\n', '\n', '\r', ' ', '\0'];
const number = nat(0xffff);

const requestArbitrary: Arbitrary<string> = tuple(
  tuple(number, number, number, number),
  array(number, { maxLength: 4 }),
  number,
  number,
  number,
).map(([[method, target, version, shape], fieldNumbers, host, framing, body]) => {
  // Seven in eight request lines come from the harmless ends of their lists, and nine in ten fields.
  const isTame = shape % 8 !== 0;
  const line = [
    isTame ? picked(METHODS.slice(0, 13), method) : picked(METHODS, method),
    isTame ? picked(SPACES.slice(0, 60), shape) : picked(SPACES, shape),
    isTame ? picked(TARGETS.slice(0, TAME_TARGETS), target) : picked(TARGETS, target),
    isTame ? ' ' : picked(SPACES, shape >> 2),
    isTame ? picked(VERSIONS.slice(0, 8), version) : picked(VERSIONS, version),
    picked(LINE_ENDS, shape >> 4),
  ];
  const lines = fieldNumbers.map((one) =>
    picked(FIELDS.slice(0, one % 10 === 0 ? FIELDS.length : TAME_FIELDS), one >> 3),
  );
  const [framingLines, content] = picked(FRAMINGS, framing)(picked(BODIES, body));
  lines.splice(fieldNumbers.length > 0 ? host % (fieldNumbers.length + 1) : 0, 0, picked(HOSTS, host));
  lines.splice(framing % (lines.length + 1), 0, framingLines);
  return `${picked(BEGINNINGS, shape >> 8)}${line.join('')}${lines.join('')}${picked(LINE_ENDS, body >> 4)}${content}`;
});

/** What one client sends. */
export interface RequestStream {
  /** One character per byte. */
  readonly text: string;
  /** Where it is cut into reads, as shares of its length: 0 to 65,535. */
  readonly cuts: readonly number[];
}

export const requestStreamArbitrary: Arbitrary<RequestStream> = tuple(
  tuple(requestArbitrary, array(requestArbitrary, { maxLength: 2 })),
  nat(5),
  array(mutationArbitrary, { maxLength: 2 }),
  array(number, { maxLength: 3 }),
).map(([[first, others], choice, mutations, cuts]) => {
  const text = first + others.join('');
  const damaged = choice > 2 ? text : mutations.reduce((before, one) => applied(before, one, others), text);
  return { text: damaged, cuts };
});

/** The reads that the text arrives in. */
export function piecesOf({ text, cuts }: RequestStream): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const indices = cuts.map((cut) => Math.floor((cut / 0x1_0000) * bytes.length)).sort((a, b) => a - b);
  const ends = [...indices.filter((index) => index > 0), bytes.length];
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)).filter((piece) => piece.length > 0);
}

function applied(text: string, mutation: Mutation, others: readonly string[]): string {
  return mutated(text, mutation, others[0] ?? 'GET /spliced HTTP/1.1\r\nHost: c\r\n\r\n');
}
