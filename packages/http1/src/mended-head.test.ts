/** Which faults of an answer's head are mended, into what, and which are refused all the same. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HEAD_LIMITS } from './head-rules.ts';
import { ResponseHeadReader } from './head-readers.ts';
import { HeadProblem, type HeadProblemReason } from './problem.ts';
import { ResponseHead } from './response-head.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const read = (text: string, limits = HEAD_LIMITS) => new ResponseHeadReader().read(text, 0, limits, 'GET');

test.each<[what: string, text: string, fields: string, contentLength: number]>([
  ['LF alone', 'HTTP/1.1 200 OK\nA: b\nContent-Length: 5\n\n', 'A: b\r\nContent-Length: 5\r\n', 5],
  ['a space before the colon', `${OK}A \t: b\r\nContent-Length : 5\r\n\r\n`, 'A: b\r\nContent-Length: 5\r\n', 5],
  [
    'a folded line',
    `${OK}A: b\r\n \tc\r\n  d\r\nContent-Length:\r\n 5\r\n\r\n`,
    'A: b c d\r\nContent-Length: 5\r\n',
    5,
  ],
  [
    'two equal lengths',
    `${OK}Content-Length: 5\r\nA: b\r\ncontent-length: 5\r\n\r\n`,
    'Content-Length: 5\r\nA: b\r\n',
    5,
  ],
  [
    'three equal lengths in a row',
    `${OK}Content-Length: 5\r\nContent-Length: 5\r\nContent-Length:5\r\n\r\n`,
    'Content-Length: 5\r\n',
    5,
  ],
  ['a list of equal lengths', `${OK}A: b\r\nContent-Length: 5, 5\r\n\r\n`, 'A: b\r\nContent-Length: 5\r\n', 5],
  [
    'all of it',
    'HTTP/1.1 200 OK\nA : b\n c\nContent-Length : 5,5\nContent-Length: 5\n\n',
    'A: b c\r\nContent-Length: 5\r\n',
    5,
  ],
])('%s is mended', (...[, text, fields, contentLength]) => {
  expect(read(`${text}hello`)).toMatchObject({
    status: 200,
    fields: fields.replace('Content-Length:5', 'Content-Length: 5'),
    contentLength,
  });
});

test.each<[what: string, text: string, reason: HeadProblemReason]>([
  ['LF alone after some lines', `${OK}A: b\nSet-Cookie: c\r\n\r\n`, 'bare_line_feed'],
  ['LF alone after the status line', 'HTTP/1.1 200 OK\nA: b\r\n\r\n', 'bare_line_feed'],
  ['an answer split by LF alone', `${OK}Location: /\n\nHTTP/1.1 200 OK\r\n\r\n`, 'bare_line_feed'],
  ['CR alone', `${OK}A: b\rc\r\n\r\n`, 'bare_carriage_return'],
  ['an indented line behind the status line', `${OK} A: b\r\n\r\n`, 'folded_line'],
  ['differing lengths', `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 'length_repeated'],
  ['lengths that are equal as numbers', `${OK}Content-Length: 5\r\nContent-Length: 05\r\n\r\n`, 'length_repeated'],
  ['a list of differing lengths', `${OK}Content-Length: 5, 6\r\n\r\n`, 'length'],
  ['a list of lengths that are none', `${OK}Content-Length: +5, +5\r\n\r\n`, 'length'],
  ['a list with an empty element', `${OK}Content-Length: 5,\r\n\r\n`, 'length'],
  ['a folded length', `${OK}Content-Length: 5\r\n 5\r\n\r\n`, 'length'],
  [
    'a coding behind a space, and a length',
    `${OK}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n`,
    'length_and_coding',
  ],
  ['a name with a space in it', `${OK}A B: c\r\n\r\n`, 'space_before_colon'],
  ['a NUL', `${OK}A : \0\r\n\r\n`, 'control_character'],
])('%s is refused', (_what, text, reason) => {
  expect(read(text)).toMatchObject({ reason });
});

test('what ends a head is not looked for in the body, whatever ends its lines', () => {
  const reader = new ResponseHeadReader();
  const text = 'HTTP/1.1 200 OK\nContent-Length: 9\n\na\r\n\r\n\0\n\nb';
  expect(reader.read(text, 0, HEAD_LIMITS, 'GET')).toBeInstanceOf(ResponseHead);
  expect(text.slice(reader.end)).toBe('a\r\n\r\n\0\n\nb');
  expect(reader.read('HTTP/1.1 200 OK\nA: b\n', 0, HEAD_LIMITS, 'GET')).toBeNull();
});

test('the limits are those of the head as it came', () => {
  const text = `HTTP/1.1 200 OK\n${'A:b\n'.repeat(3)}\n`;
  expect(read(text, { maxHeadBytes: text.length, maxFields: 3 })).toBeInstanceOf(ResponseHead);
  expect(read(text, { maxHeadBytes: text.length - 1, maxFields: 3 })).toMatchObject({ reason: 'head_too_large' });
  expect(read(text, { maxHeadBytes: text.length, maxFields: 2 })).toMatchObject({ reason: 'too_many_fields' });
});

test('a reader that remembers goes by other limits anew', () => {
  const reader = new ResponseHeadReader();
  const text = `${OK}A: b\r\nC: d\r\n\r\n`;
  expect(reader.read(text, 0, HEAD_LIMITS, 'GET')).toBeInstanceOf(ResponseHead);
  expect(reader.read(text, 0, { ...HEAD_LIMITS, maxFields: 1 }, 'GET')).toBeInstanceOf(HeadProblem);
});

/** Damages that leave one reading: the head means what it meant before. */
const damages: readonly ((head: string) => string)[] = [
  (head) => head,
  (head) => head.replaceAll(/^([A-Za-z-]+):/gm, '$1 \t:'),
  (head) => head.replaceAll(': ', ':\r\n \t'),
  (head) => head.replaceAll(/(Content-Length: [0-9]+\r\n)/g, '$1X: y\r\n$1'),
  (head) => head.replaceAll(/Content-Length: ([0-9]+)/g, 'Content-Length: $1, $1'),
];

test('a mended head means what it would have meant without its faults', () => {
  const line = fc.constantFrom(
    'A: b',
    'Set-Cookie: c=d',
    'Connection: close',
    'Date: now',
    'Transfer-Encoding: chunked',
    'Content-Length: 5',
  );
  const property = fc.property(
    fc.uniqueArray(line, { maxLength: 5 }),
    fc.array(fc.constantFrom(...damages), { maxLength: 4 }),
    fc.boolean(),
    (lines, applied, isBare) => {
      const head = `${OK}${lines.map((one) => `${one}\r\n`).join('')}\r\n`;
      const spoilt = applied.reduce((before, damage) => damage(before), head);
      const [intact, mended] = [read(head), read(isBare ? spoilt.replaceAll('\r\n', '\n') : spoilt)];
      if (!(intact instanceof ResponseHead)) return mended instanceof HeadProblem;
      if (!(mended instanceof ResponseHead)) return false;
      const { fields, ...rest } = mended;
      const { fields: _, ...expected } = intact;
      const isIntact = spoilt === head && !isBare;
      expect(rest).toEqual({ ...expected, isPersistent: isIntact && expected.isPersistent });
      return fields.replaceAll('X: y\r\n', '').replaceAll(/: +/g, ': ') === intact.fields;
    },
  );
  expect(() => fc.assert(property, { numRuns: 2_000 })).not.toThrow();
});

test('mending costs the length of the head', () => {
  const limits = { maxHeadBytes: Infinity, maxFields: Infinity };
  for (const part of [
    'A : b\r\n',
    'A: b\r\n c\r\n',
    'Content-Length: 5\r\n',
    'A:\r\n \r\n',
    `A${' '.repeat(500)}b\r\n`,
    '\r\n \t',
  ]) {
    const head = read(`${OK}A : b\r\n${part.repeat(Math.ceil(500_000 / part.length))}\r\n`, limits);
    expect(head).not.toBeNull();
  }
});
