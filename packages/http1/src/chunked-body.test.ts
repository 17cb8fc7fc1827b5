/** Chunked bodies, whole and cut at every byte: what goes on of them, and each rule that refuses one. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHUNKED_LIMITS, ChunkedBody } from './chunked-body.ts';
import type { BodyProblemReason } from './problem.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

interface Followed {
  framed: string;
  data: string;
  tail: string;
  readBytes: number;
  dataBytes: number;
  isComplete: boolean;
  reason: BodyProblemReason | null;
}

/** Follows the pieces of a text that is cut at these indices. */
function follow(text: string, cuts: readonly number[] = [], body = new ChunkedBody()): Followed {
  let framed = '';
  let data = '';
  let readBytes = 0;
  const ends = [...cuts, text.length].sort((a, b) => a - b);
  for (const end of ends) {
    if (body.isComplete || body.problem !== null) break;
    // Each read begins with three bytes of something else, to be passed over.
    const piece = `???${text.slice(readBytes, end)}`;
    const next = body.read(bytesOf(piece), 3);
    const joined = (pairs: readonly number[]): string => {
      let all = '';
      for (let index = 0; index < pairs.length; index += 2) {
        expect(pairs[index]).toBeLessThan(pairs[index + 1]!);
        all += piece.slice(pairs[index], pairs[index + 1]);
      }
      return all;
    };
    framed += joined(body.framed);
    data += joined(body.data);
    readBytes += next - 3;
  }
  const { tail, dataBytes, isComplete, problem } = body;
  return { framed, data, tail, readBytes, dataBytes, isComplete, reason: problem?.reason ?? null };
}

const everyCut = (text: string): number[] => Array.from({ length: text.length }, (_, index) => index);

test('a plain body is one pair, and what follows it is not read', () => {
  const body = new ChunkedBody();
  const text = '5\r\nhello\r\n0\r\n\r\nGET /';
  expect(body.read(bytesOf(text), 0)).toBe(15);
  expect(body).toMatchObject({
    isComplete: true,
    problem: null,
    dataBytes: 5,
    framed: [0, 15],
    data: [3, 8],
    tail: '',
  });
  expect(body.read(bytesOf('more'), 1)).toBe(1);
  expect(body).toMatchObject({ framed: [], data: [] });
});

test('RFC 9112 7.1.1: extensions are cut out, trailers held until they are complete', () => {
  const text = '5;a\r\nhello\r\n1 ; b = "c\\"\\\\d" ;e=f\r\n!\r\n0;last\r\nDigest: x\r\n\r\nrest';
  const expected = {
    framed: '5\r\nhello\r\n1\r\n!\r\n0\r\n',
    data: 'hello!',
    tail: 'Digest: x\r\n\r\n',
    readBytes: text.length - 4,
    dataBytes: 6,
    isComplete: true,
    reason: null,
  };
  expect(follow(text)).toEqual(expected);
  expect(follow(text, everyCut(text))).toEqual(expected);
});

describe('sizes (RFC 9112 7.1)', () => {
  test.each([
    ['0\r\n\r\n', ''],
    ['000\r\n\r\n', ''],
    ['A\r\n0123456789\r\n0\r\n\r\n', '0123456789'],
    ['00000000000000a\r\n0123456789\r\n0\r\n\r\n', '0123456789'],
    ['2\r\n\r\n\r\n0\r\n\r\n', '\r\n'],
  ])('%j is right', (text, data) => {
    expect(follow(text, everyCut(text))).toMatchObject({ data, framed: text, isComplete: true, reason: null });
  });

  test('the largest is waited for', () => {
    expect(follow('1fffffffffffff\r\nabc')).toMatchObject({ dataBytes: 3, isComplete: false, reason: null });
  });
});

const REFUSED: [section: string, text: string, reason: BodyProblemReason][] = [
  ['9112 7.1', '\r\n', 'chunk_size'],
  ['9112 7.1', ';a\r\n', 'chunk_size'],
  ['9112 7.1', '+5\r\n', 'chunk_size'],
  ['9112 7.1', '-5\r\n', 'chunk_size'],
  ['9112 7.1', ' 5\r\n', 'chunk_size'],
  ['9112 7.1', '0x5\r\n', 'chunk_size'],
  ['9112 7.1', '5_0\r\n', 'chunk_size'],
  ['9112 7.1', 'g\r\n', 'chunk_size'],
  ['9112 7.1', '5,5\r\n', 'chunk_size'],
  ['9112 7.1', '5\xa0\r\n', 'chunk_size'],
  ['9112 7.1', '00000000000000005\r\n', 'chunk_size'],
  ['9112 7.1', '20000000000000\r\n', 'chunk_size_too_large'],
  ['9112 7.1', '1\r\na\r\n1fffffffffffff\r\n', 'chunk_size_too_large'],
  ['9112 7.1', '10000000000000005\r\n', 'chunk_size_too_large'],
  ['9112 2.2', '5\nhello\r\n0\r\n\r\n', 'chunk_size_ending'],
  ['9112 2.2', '5\r\rhello', 'chunk_size_ending'],
  ['9112 7.1', '5 \r\nhello', 'chunk_extension'],
  ['9112 7.1', '5\t\r\nhello', 'chunk_extension'],
  ['9112 7.1', '5 5\r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;\r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;a\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;a\rb\r\nhello', 'chunk_size_ending'],
  ['9112 7.1.1', '5;a=\r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;a \r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;a b\r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;a=b c\r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;a="b\r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;a="b\n"\r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;a="b\\\r"\r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;a="b"c\r\nhello', 'chunk_extension'],
  ['9112 7.1.1', '5;;a\r\nhello', 'chunk_extension'],
  ['9112 7.1', '5\r\nhello\n0\r\n\r\n', 'chunk_data_ending'],
  ['9112 7.1', '5\r\nhello!\r\n', 'chunk_data_ending'],
  ['9112 7.1', '5\r\nhello\r0', 'chunk_data_ending'],
  ['9112 7.1', '5\r\nhello0\r\n\r\n', 'chunk_data_ending'],
  ['9112 7.1.2', '0\r\n\rX', 'trailer'],
  ['9112 7.1.2', '0\r\n\n', 'trailer'],
  ['9112 7.1.2', '0\r\nA: b\n\n', 'trailer'],
  ['9112 7.1.2', '0\r\nA: b\rc\r\n\r\n', 'trailer'],
  ['9112 7.1.2', '0\r\nA: b\r\n\rc: d\r\n\r\n', 'trailer'],
  ['9112 7.1.2', '0\r\nA : b\r\n\r\n', 'trailer'],
  ['9112 7.1.2', '0\r\nA: b\r\n c\r\n\r\n', 'trailer'],
  ['9112 7.1.2', '0\r\nGET / HTTP/1.1\r\n\r\n', 'trailer'],
  ['9112 7.1.2', '0\r\nA: \0\r\n\r\n', 'trailer'],
];

test.each(REFUSED)('RFC %s: %j is refused as %s', (_section, text, reason) => {
  const whole = follow(text);
  expect(whole).toMatchObject({ reason, isComplete: false, tail: '' });
  expect(follow(text, everyCut(text))).toEqual(whole);
});

test('what is refused stays refused', () => {
  const body = new ChunkedBody();
  expect(body.read(bytesOf('5\r\nhellx!'), 0)).toBe(8);
  expect(body).toMatchObject({ problem: { reason: 'chunk_data_ending', status: 400 }, framed: [0, 8], data: [3, 8] });
  expect(body.read(bytesOf('\r\n0\r\n\r\n'), 0)).toBe(0);
  expect(body).toMatchObject({ isComplete: false, framed: [], data: [] });
});

describe('limits', () => {
  const limits = { ...CHUNKED_LIMITS, maxExtensionBytes: 8, maxTrailerBytes: 20, maxTrailerFields: 2 };
  const reasonOf = (text: string) => follow(text, [], new ChunkedBody(limits)).reason;

  test('extensions are counted over the whole body', () => {
    expect(reasonOf('1;a=b\r\nx\r\n0;a=b\r\n\r\n')).toBeNull();
    expect(reasonOf('1;a=b\r\nx\r\n0;a=bc\r\n\r\n')).toBe('chunk_extensions_too_large');
    const body = new ChunkedBody();
    body.read(bytesOf(`1;${'a'.repeat(CHUNKED_LIMITS.maxExtensionBytes)}`), 0);
    expect(body.problem).toEqual({ status: 413, reason: 'chunk_extensions_too_large' });
  });

  test('trailers, in bytes and in lines', () => {
    expect(reasonOf('0\r\nA: b\r\nC: d\r\n\r\n')).toBeNull();
    expect(reasonOf('0\r\nA:b\r\nC:d\r\nE:\r\n\r\n')).toBe('too_many_trailers');
    expect(reasonOf('0\r\nA: 456789012345678901')).toBe('trailers_too_large');
  });
});

describe('trailers (RFC 9110 6.5.1)', () => {
  test.each([
    'Transfer-Encoding: chunked',
    'Content-Length: 5',
    'Content_Length: 5',
    'host: a',
    'Connection: close',
    'Authorization: Basic x',
    'Set-Cookie: a=1',
    'X-Forwarded-For: a',
    'Content-Type: a/b',
    'Trailer: a',
    'x-named: 1',
  ])('%s is left out', (line) => {
    const body = new ChunkedBody(CHUNKED_LIMITS, new Set(['x-named']));
    const text = `0\r\nA: 1\r\n${line}\r\na:2\r\n\r\n`;
    expect(follow(text, [7], body)).toMatchObject({ framed: '0\r\n', tail: 'A: 1\r\na:2\r\n\r\n', isComplete: true });
  });

  test('none may be left of them', () => {
    expect(follow('0\r\nHost: a\r\n\r\n')).toMatchObject({ framed: '0\r\n', tail: '\r\n', isComplete: true });
  });
});

const extension = fc.constantFrom('', ';a', ' ; a', ';a=b', ';a="b;\\"\t\xe9"', ';a = b;c');
const chunk = fc.tuple(fc.string({ minLength: 1, maxLength: 20, unit: 'binary-ascii' }), extension, fc.boolean());
const trailers = fc.constantFrom('', 'Digest: x\r\n', 'A:\r\nb: c\r\n');

test('any body gives the same however it is cut', () => {
  const bodies = fc.record({
    chunks: fc.array(chunk, { maxLength: 6 }),
    lastExtension: extension,
    trailer: trailers,
    cuts: fc.array(fc.nat(300)),
  });
  const property = fc.property(bodies, ({ chunks, lastExtension, trailer, cuts }) => {
    let text = '';
    let framed = '';
    for (const [data, ext, isUpper] of chunks) {
      const digits = data.length.toString(16);
      const size = isUpper ? digits.toUpperCase() : `0${digits}`;
      text += `${size}${ext}\r\n${data}\r\n`;
      framed += `${size}\r\n${data}\r\n`;
    }
    const data = chunks.map(([piece]) => piece).join('');
    const end = `${trailer}\r\n`;
    text += `0${lastExtension}\r\n${end}`;
    const within = cuts.map((cut) => Math.min(cut, text.length));
    expect(follow(`${text}NEXT`, within)).toEqual({
      framed: `${framed}0\r\n${trailer === '' ? end : ''}`,
      tail: trailer === '' ? '' : end,
      data,
      dataBytes: data.length,
      readBytes: text.length,
      isComplete: true,
      reason: null,
    });
  });
  fc.assert(property, { numRuns: 500 });
});

test('whatever comes, nothing is thrown, and what goes on is followed to the same end', () => {
  const piece = fc.constantFrom(
    '0',
    '1',
    '5',
    'a',
    ';',
    '"',
    '\\',
    ' ',
    '\r\n',
    '\r',
    '\n',
    '\r\n\r\n',
    ':',
    'hello',
    '\0',
    '\xff',
  );
  const property = fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(60)), (pieces, cuts) => {
    const text = pieces.join('');
    const whole = follow(text);
    const cut = follow(
      text,
      cuts.map((index) => Math.min(index, text.length)),
    );
    expect(cut).toEqual(whole);
    // What was let through is the beginning of a body that is right, and has nothing left to cut out.
    const again = follow(whole.framed + whole.tail);
    expect(again).toMatchObject({ reason: null, isComplete: whole.isComplete, data: whole.data });
    expect(again.framed + again.tail).toBe(whole.framed + whole.tail);
  });
  fc.assert(property, { numRuns: 2000 });
});

/** Were all that is held looked at for each line, this would take longer than the test may. */
test('trailers cost their length, however short their lines', () => {
  const limits = { maxExtensionBytes: 0, maxTrailerBytes: Infinity, maxTrailerFields: Infinity };
  const body = new ChunkedBody(limits);
  const trailers = 'A:\r\n'.repeat(200_000);
  const bytes = Buffer.from(`0\r\n${trailers}\r\n`, 'latin1');
  expect(body.read(bytes, 0)).toBe(bytes.length);
  expect([body.isComplete, body.tail.length]).toEqual([true, trailers.length + 2]);
});
