/** Where heads end, and what is told of those that have not ended. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HEAD_LIMITS, REQUEST_RULES } from './head-rules.ts';
import { headEnd, lastLineFrom, partialRequestProblem, partialResponseProblem } from './head-text.ts';
import type { HeadProblemReason } from './problem.ts';

const LIMITS = { ...REQUEST_RULES, maxHeadBytes: 100, maxFields: 3, maxTargetBytes: 20 };

test('a head ends with the first empty line at or after an index', () => {
  expect(headEnd('A\r\n\r\nB\r\n\r\n', 0)).toBe(5);
  expect(headEnd('A\r\n\r\nB\r\n\r\n', 5)).toBe(10);
  expect(headEnd('A\r\n\r', 0)).toBe(-1);
});

const REQUESTS: [text: string, reason: HeadProblemReason][] = [
  ['\x16\x03\x01', 'control_character'],
  ['GET / HTTP/1.1\nHost', 'bare_line_feed'],
  ['\nGET', 'bare_line_feed'],
  ['GET / HTTP/1.1\r\nA: b\rc', 'bare_carriage_return'],
  ['GET / HTTP/1.1\r\r', 'bare_carriage_return'],
  ['GET / HTTP/1.1\r\nA: \x7f', 'control_character'],
  ['{"a"', 'method'],
  [' GET', 'method'],
  ['\r\nGET', 'method'],
  ['GE\r', 'method'],
  ['M'.repeat(33), 'method_too_long'],
  [`GET /${'a'.repeat(20)}`, 'target_too_long'],
  [`GET / HTTP/1.1\r\n${'a'.repeat(90)}`, 'head_too_large'],
];

test.each(REQUESTS)('an unfinished request %j is told at once', (text, reason) => {
  expect(partialRequestProblem(text, 0, LIMITS)?.reason).toBe(reason);
  // Also behind another one.
  expect(partialRequestProblem(`A / HTTP/1.1\r\n\r\n${text}`, 16, LIMITS)?.reason).toBe(reason);
});

test.each([
  '',
  '\r',
  'G',
  'GET',
  'GET ',
  'GET /',
  'GET / HTTP/1.1\r',
  'GET / HTTP/1.1\r\n',
  'GET / HTTP/1.1\r\nA:\t\x80\r\n\r',
])('nothing is wrong yet with %j', (text) => {
  expect(partialRequestProblem(text, 0, REQUEST_RULES)).toBeNull();
});

const RESPONSES: [text: string, reason: HeadProblemReason][] = [
  ['HTTP/2', 'status_line'],
  ['SSH-2.0-x', 'status_line'],
  ['\r', 'status_line'],
  ['HTTP/1.1 200 OK\nA: b\r', 'bare_line_feed'],
  ['HTTP/1.1 200 OK\r\nA: b\n', 'bare_line_feed'],
  ['HTTP/1.1 200 OK\nA: \0', 'control_character'],
  ['HTTP/1.1 200 O\rK', 'bare_carriage_return'],
  ['HTTP/1.1 200 O\0', 'control_character'],
  [`HTTP/1.1 200 ${'a'.repeat(90)}`, 'head_too_large'],
];

test.each(RESPONSES)('an unfinished response %j is told at once', (text, reason) => {
  expect(partialResponseProblem(text, 0, LIMITS)?.reason).toBe(reason);
});

test.each(['', 'H', 'HTTP/1.1', 'HTTP/1.1 200 OK\r', 'HTTP/1.0 200\r\nA: b\r\n\r', 'HTTP/1.1 200 OK\nA: b\n'])(
  'nothing is wrong yet with %j',
  (text) => {
    expect(partialResponseProblem(text, 0, HEAD_LIMITS)).toBeNull();
  },
);

/** What is told of a text that comes in pieces of that size, as its readers look at it: only from the last line on. */
function toldOf(text: string, size: number): (string | null)[] {
  const told = (problemOf: typeof partialRequestProblem): string | null => {
    for (let length = size, checkedTo = 0; length < text.length; length += size) {
      const begun = text.slice(0, length);
      const problem = problemOf(begun, 0, REQUEST_RULES, checkedTo);
      if (problem !== null) return problem.reason;
      checkedTo = lastLineFrom(begun);
    }
    return null;
  };
  return [told(partialRequestProblem), told(partialResponseProblem)];
}

test('whoever looks only at what is new finds what whoever looks at all of it finds', () => {
  const part = fc.constantFrom(
    'GET / HTTP/1.1\r\n',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\n',
    'A: b\r\n',
    'A: b\n',
    '\r',
    '\n',
    '\0',
    'a',
  );
  const property = fc.property(fc.array(part, { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
    const text = `${parts.join('')}end of it`;
    const isWrong = toldOf(text, size).map((reason) => reason !== null);
    const [request, response] = [partialRequestProblem, partialResponseProblem].map((problemOf) =>
      Array.from({ length: Math.ceil(text.length / size) - 1 }, (_, index) => text.slice(0, (index + 1) * size)).some(
        (begun) => problemOf(begun, 0, REQUEST_RULES) !== null,
      ),
    );
    expect(isWrong).toEqual([request, response]);
  });
  fc.assert(property, { numRuns: 2_000 });
});

/** Were all of it looked at for each piece, this would take longer than the test may. */
test('a head that comes in small pieces costs its length', () => {
  const rules = { ...REQUEST_RULES, maxHeadBytes: Infinity };
  let checkedTo = 0;
  let text = 'GET / HTTP/1.1\r\n';
  for (let count = 0; count < 40_000; count++) {
    text += 'A:\r\n';
    expect(partialRequestProblem(text, 0, rules, checkedTo)).toBeNull();
    checkedTo = lastLineFrom(text);
  }
});
