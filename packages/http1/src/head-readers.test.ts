/** A reader with a memory reads what one without any reads: for every sequence of heads on a connection. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HEAD_LIMITS, REQUEST_RULES, type RequestRules } from './head-rules.ts';
import { RequestHeadReader, ResponseHeadReader } from './head-readers.ts';
import { headEnd } from './head-text.ts';
import { HeadProblem } from './problem.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';
import { ResponseHead } from './response-head.ts';

const NARROW: RequestRules = { ...REQUEST_RULES, maxHeadBytes: 80, maxFields: 2, maxTargetBytes: 8 };

const requestLine = fc.constantFrom(
  'GET / HTTP/1.1',
  'GET /a?b=c HTTP/1.1',
  'GET /%61/../b HTTP/1.1',
  'GET /a%2fb HTTP/1.1',
  'GET /a/..%2fb HTTP/1.1',
  'GET http://b/x/../a HTTP/1.1',
  'GET /a-target-of-some-length HTTP/1.1',
  'GET / HTTP/1.0',
  'HEAD / HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'OPTIONS / HTTP/1.1',
  'TRACE / HTTP/1.1',
  'POST / HTTP/1.1',
  'GET http://b/ HTTP/1.1',
  'CONNECT / HTTP/1.1',
  'GET /\x00 HTTP/1.1',
  'GET /\r HTTP/1.1',
  'GET / HTTP/1.1\r',
  'GET  / HTTP/1.1',
);
const requestFields = fc.constantFrom(
  '',
  'Host: a\r\n',
  'Host: b\r\n',
  'Host: a\r\nCookie: a=1\r\n',
  'Host: a\r\nContent-Length: 5\r\n',
  'Host: a\r\nMax-Forwards: 3\r\n',
  'Host: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n',
  'Host: a\r\nConnection: close, X-Trace\r\nX-Trace: 1\r\n',
  'Host: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n',
  'Host: a\r\nX-Forwarded-For: 192.0.2.7\r\nX-Request-Id: r\r\n',
  'Host: a\r\nX-Real-IP: 192.0.2.7\r\n',
  'Host: a\r\nTransfer-Encoding: chunked\r\n',
  'Host: a\r\nbroken\r\n',
  `Host: a\r\nCookie: ${'c'.repeat(3_000)}\r\n`,
);
const request = fc
  .tuple(requestLine, requestFields, fc.constantFrom('', 'body', '\r\n\r\n'))
  .map(([line, fields, rest]) => ({ head: `${line}\r\n${fields}\r\n`, rest }));
const step = fc.record({
  message: request,
  before: fc.constantFrom('', '\r\n'),
  limits: fc.constantFrom(REQUEST_RULES, REQUEST_RULES, NARROW),
  cutBytes: fc.constantFrom(0, 0, 0, 1, 20),
});

test('a request means what it means to a reader that has seen no other', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 12 }), (steps) => {
      const reader = new RequestHeadReader();
      for (const { message, before, limits, cutBytes } of steps) {
        const whole = before + message.head + message.rest;
        const text = whole.slice(0, whole.length - cutBytes);
        const end = headEnd(text, before.length);
        const expected = end < 0 ? null : parseRequestHead(text, before.length, end, limits);
        const head = reader.read(text, before.length, limits);
        expect(head).toEqual(expected);
        expect(reader.end).toBe(end);
        if (head instanceof RequestHead) spoil(head);
      }
    }),
    { numRuns: 2_000 },
  );
});

const response = fc
  .tuple(
    fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.1 204 No Content', 'HTTP/1.0 200 OK', 'HTTP/1.1 304', 'HTTP/2 200'),
    fc.constantFrom(
      '',
      'Content-Length: 5\r\n',
      'Date: x\r\nContent-Length: 5\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: close, X-Trace\r\nX-Trace: 1\r\n',
      'X-Request-Id: r\r\nContent-Length: 0\r\n',
      `Set-Cookie: ${'c'.repeat(3_000)}\r\n`,
      'a : b\r\n',
    ),
  )
  .map(([line, fields]) => `${line}\r\n${fields}\r\n`);

test('an answer means what it means to a reader that has seen no other', () => {
  const answer = fc.tuple(response, fc.constantFrom('GET', 'GET', 'HEAD'), fc.constantFrom('', 'hello', '\r\n\r\n'));
  fc.assert(
    fc.property(fc.array(answer, { minLength: 2, maxLength: 12 }), (answers) => {
      const reader = new ResponseHeadReader();
      for (const [text, method, rest] of answers) {
        const end = headEnd(text + rest, 0);
        const expected = new ResponseHeadReader().read((text + rest).slice(0, end), 0, HEAD_LIMITS, method);
        const head = reader.read(text + rest, 0, HEAD_LIMITS, method);
        expect(head).toEqual(expected);
        expect(reader.end).toBe(end);
        if (head instanceof ResponseHead) spoil(head);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('an answer that is not all there is none', () => {
  const reader = new ResponseHeadReader();
  const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';
  expect(reader.read(text, 0, HEAD_LIMITS, 'GET')).toBeInstanceOf(ResponseHead);
  expect(reader.read(text.slice(0, -1), 0, HEAD_LIMITS, 'GET')).toBeNull();
});

test('a refused head is neither remembered nor makes the reader forget', () => {
  const reader = new RequestHeadReader();
  const read = (target: string) =>
    reader.read(`GET ${target} HTTP/1.1\r\nHost: a\r\nCookie: b\r\n\r\n`, 0, REQUEST_RULES);
  const [first, second] = [read('/1'), read('/2')];
  if (!(first instanceof RequestHead) || !(second instanceof RequestHead)) throw new Error('They are well-formed.');
  expect([first.target, second.target]).toEqual(['/1', '/2']);
  expect(first).not.toBe(second);
  expect(reader.read('GET / HTTP/1.1\r\n\r\n', 0, REQUEST_RULES)).toBeInstanceOf(HeadProblem);
  expect(read('/3')).toMatchObject({ target: '/3', authority: 'a', fields: 'Cookie: b\r\n' });
});

/** Limits that count how often a head was taken apart: only then is the number of its fields looked at. */
function countingLimits(): RequestRules & { readonly parsedCount: () => number } {
  let parsedCount = 0;
  const counted = {
    ...REQUEST_RULES,
    get maxFields() {
      parsedCount += 1;
      return REQUEST_RULES.maxFields;
    },
  };
  return Object.assign(counted, { parsedCount: () => parsedCount });
}

test('what repeats is not taken apart again, and what does not is', () => {
  const [requests, answers] = [countingLimits(), countingLimits()];
  const [requestReader, answerReader] = [new RequestHeadReader(), new ResponseHeadReader()];
  const ask = (target: string, field: string) =>
    requestReader.read(`GET ${target} HTTP/1.1\r\nHost: a\r\nCookie: ${field}\r\n\r\n`, 0, requests);
  const answered = (length: number) =>
    answerReader.read(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`, 0, answers, 'GET');
  for (const target of ['/1', '/2', '/another']) ask(target, 'b');
  for (const length of [5, 5, 5]) answered(length);
  expect([requests.parsedCount(), answers.parsedCount()]).toEqual([1, 1]);
  ask('/1', 'c');
  answered(6);
  expect([requests.parsedCount(), answers.parsedCount()]).toEqual([2, 2]);
});

/** What a filter may do to a head that it was given. */
function spoil(head: RequestHead | ResponseHead): void {
  head.fields = 'Spoilt: 1\r\n';
  head.isPersistent = !head.isPersistent;
  if (head instanceof RequestHead) head.requestId = 'spoilt';
  else head.hasRequestId = true;
}
