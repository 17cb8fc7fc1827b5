/** What must hold for all messages, rather than for one rule. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Fields,
  HEAD_LIMITS,
  HeadProblem,
  REQUEST_RULES,
  RequestHead,
  describeProblem,
  headEnd,
  parseRequestHead,
  parseResponseHead,
  partialRequestProblem,
  partialResponseProblem,
} from './index.ts';

const KNOWN =
  /^(?:host|connection|content.length|transfer.encoding|upgrade|expect|keep.alive|te|date|forwarded|proxy.*|x.forwarded.*|x.request.id|http2.settings|max.forwards)$/i;
const letters = "abcXYZ019!#$%&'*+-.^_`|~";
const name = fc
  .string({ minLength: 1, maxLength: 18, unit: fc.constantFrom(...letters.split('')) })
  .filter((text) => !KNOWN.test(text));
const value = fc.string({ maxLength: 20, unit: fc.constantFrom(...' \t:;,="a0\x80\xa0\xff'.split('')) });
const line = fc
  .tuple(name, fc.constantFrom('', ' ', '\t'), value)
  .map(([key, space, text]) => `${key}:${space}${text}\r\n`);
const special = fc.constantFrom(
  'Host: a\r\n',
  'Connection: close\r\n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'X_Forwarded_For: b\r\n',
  'Upgrade: websocket\r\n',
  'Connection: upgrade, b\r\n',
  'Expect: 100-continue\r\n',
  'Max-Forwards: 3\r\n',
  'TE: trailers\r\n',
  'X-Forwarded-For: b\r\n',
  ' folded\r\n',
  'no colon\r\n',
  '\n',
  '\r',
  '\0',
  'a : b\r\n',
  'Content-Length: 6\r\n',
);

function parse(text: string): RequestHead | HeadProblem {
  return parseRequestHead(text, 0, headEnd(text, 0), REQUEST_RULES);
}

/** What a proxy would send on, and nothing added. */
function written(head: RequestHead): string {
  const authority = head.authority === '' ? 'a' : head.authority;
  const coding = head.framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '';
  return `${head.method} ${head.pathAndQuery} HTTP/1.1\r\nHost: ${authority}\r\n${coding}${head.fields}\r\n`;
}

test('end-to-end fields keep their order, case and repetition, whatever is left out between them', () => {
  const dropped = fc.constantFrom(
    '',
    'Keep-Alive: 1\r\n',
    'te: x\r\n',
    'X-Forwarded-For: a\r\n',
    'proxy-connection: b\r\n',
  );
  const property = fc.property(fc.array(fc.tuple(line, dropped), { maxLength: 12 }), dropped, (rows, first) => {
    const sent = rows.map(([kept, other]) => kept + other).join('');
    const kept = rows.map(([text]) => text).join('');
    expect(parse(`GET / HTTP/1.1\r\n${first}Host: a\r\n${sent}\r\n`)).toMatchObject({ fields: kept });
    const response = `HTTP/1.1 204 \r\n${sent.replaceAll('X-Forwarded-For: a\r\n', '')}\r\n`;
    expect(parseResponseHead(response, 0, response.length, HEAD_LIMITS, 'GET')).toMatchObject({ fields: kept });
    expect(new Fields(new Fields(kept).toText()).toText()).toBe(new Fields(kept).toText());
  });
  fc.assert(property, { numRuns: 500 });
});

test('what is accepted is accepted again as it is sent on, and means the same', () => {
  const start = fc.constantFrom(
    'GET / HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'POST http://b:80?c HTTP/1.1',
    'GET /a?b HTTP/1.0',
    'OPTIONS http://b HTTP/1.1',
  );
  let acceptedCount = 0;
  const property = fc.property(start, fc.array(fc.oneof(line, special), { maxLength: 5 }), (startLine, lines) => {
    const text = `${startLine}\r\nHost: a\r\n${lines.join('')}\r\n`;
    const head = parse(text);
    if (head instanceof HeadProblem) return;
    acceptedCount++;
    const again = parse(written(head));
    expect(again).toBeInstanceOf(RequestHead);
    const { method, pathAndQuery, framing, contentLength, fields } = head;
    expect(again).toMatchObject({ method, pathAndQuery, framing, contentLength, fields });
  });
  fc.assert(property, { numRuns: 3000 });
  expect(acceptedCount).toBeGreaterThan(300);
});

describe('whatever comes', () => {
  const piece = fc.oneof(
    line,
    special,
    fc.string({ maxLength: 8, unit: 'binary-ascii' }),
    fc.constantFrom(
      ' ',
      '\r\n',
      'GET ',
      '/',
      ' HTTP/1.1\r\n',
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.0 304\r\n',
      'Host: [::1]:80\r\n',
      '\xff',
    ),
  );
  const message = fc
    .tuple(
      fc.constantFrom('', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n', 'HTTP/1.1 200 OK\r\n'),
      fc.array(piece, { maxLength: 8 }),
    )
    .map(([start, pieces]) => start + pieces.join(''));

  test('nothing is thrown, and a beginning is refused only where the whole would be', () => {
    const property = fc.property(message, fc.nat(100), (begun, cut) => {
      const text = `${begun}\r\n\r\n`;
      const end = headEnd(text, 0);
      const request = parseRequestHead(text, 0, end, REQUEST_RULES);
      const response = parseResponseHead(text, 0, end, HEAD_LIMITS, 'GET');
      const prefix = text.slice(0, Math.min(cut, end - 1));
      const isTold = [partialRequestProblem(prefix, 0, REQUEST_RULES), partialResponseProblem(prefix, 0, HEAD_LIMITS)];
      const isRefused = [request, response].map((head) => head instanceof HeadProblem);
      expect(isTold.every((problem, index) => problem === null || isRefused[index])).toBe(true);
      for (const head of [request, response]) {
        const fields = head instanceof HeadProblem ? '' : head.fields;
        expect(fields).toMatch(/^(?:[^\r\n:]+:[^\r\n]*\r\n)*$/);
      }
    });
    fc.assert(property, { numRuns: 3000 });
  });
});

test('a problem is made once, and cannot be changed', () => {
  const problem = parse('GET / HTTP/1.1\r\n\r\n');
  expect(problem).toBe(parse('HEAD / HTTP/1.1\r\n\r\n'));
  expect(Object.isFrozen(problem)).toBe(true);
  expect(describeProblem('chunk_size')).toBe('a chunk size is not 1 to 16 hexadecimal digits');
});
