/** First lines of requests: what is read of a target, and of a version. */
import { describe, expect, test } from 'vitest';
import { HeadProblem } from './problem.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';
import { REQUEST_RULES } from './head-rules.ts';

function withLine(line: string): string {
  return `${line}\r\nHost: a\r\n\r\n`;
}

function withTarget(target: string): string {
  return withLine(`GET ${target} HTTP/1.1`);
}

function accepted(text: string): RequestHead {
  const head = parseRequestHead(text, 0, text.length, REQUEST_RULES);
  if (head instanceof HeadProblem) throw new Error(`${JSON.stringify(text)} was refused: ${head.reason}`);
  return head;
}

describe('targets (RFC 9112 3.2)', () => {
  test.each([
    '/',
    '/a/b/',
    '/a../.b/c',
    "/-._~!$&'()*+,;=:@%20%2F",
    '/a[0]|^?x={"}'.replace('"', '`'),
    '/?q=a\\b|c^d`e{f}[g]?/',
    '/?',
  ])('%s goes on as it is', (target) => {
    expect(accepted(withTarget(target))).toMatchObject({ target, pathAndQuery: target, targetForm: 'origin' });
  });

  test.each([
    ['//a//b/?//', '/a/b/?//'],
    ['/a/../b/./c', '/b/c'],
    ['/%61?%61', '/a?%61'],
    ['http://b/x/%2e%2E/y', '/y'],
  ])('the path of %s goes on as %s', (target, pathAndQuery) => {
    expect(accepted(withTarget(target))).toMatchObject({ target, pathAndQuery });
  });

  test.each([
    ['http://b.example/c?d', '/c?d', 'b.example'],
    ['HTTP://b.example:8080', '/', 'b.example:8080'],
    ['http://b?x=1', '/?x=1', 'b'],
    ['http://[::1]:80/a', '/a', '[::1]:80'],
  ])('an absolute %s has the last word on the authority', (target, pathAndQuery, authority) => {
    expect(accepted(withTarget(target))).toMatchObject({ target, pathAndQuery, authority, targetForm: 'absolute' });
  });

  test('OPTIONS is of the server as a whole, or of a path', () => {
    expect(accepted(withLine('OPTIONS * HTTP/1.1'))).toMatchObject({
      pathAndQuery: '*',
      targetForm: 'asterisk',
      authority: 'a',
    });
    expect(accepted(withLine('OPTIONS http://b HTTP/1.1'))).toMatchObject({ pathAndQuery: '*', authority: 'b' });
    expect(accepted(withLine('OPTIONS http://b/ HTTP/1.1'))).toMatchObject({ pathAndQuery: '/' });
  });
});

describe('versions (RFC 9110 2.5)', () => {
  test.each([
    ['HTTP/1.0', 0, true],
    ['HTTP/1.1', 1, false],
    ['HTTP/1.2', 2, false],
    ['HTTP/1.9', 9, false],
  ])('%s is read as the highest that is spoken here', (version, minorVersion, isHttp10) => {
    const head = accepted(withLine(`GET /a?b ${version}`));
    expect(head).toMatchObject({
      minorVersion,
      isHttp10,
      isPersistent: !isHttp10,
      target: '/a?b',
      targetForm: 'origin',
    });
    expect(accepted(withLine(`GET http://b/x/../a ${version}`))).toMatchObject({ minorVersion, pathAndQuery: '/a' });
  });
});
