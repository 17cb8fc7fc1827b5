/** Status lines, whole, in pieces and wrong. */

import { expect, test } from 'vitest';
import { readStatus } from './status-line.ts';

test.each([
  ['HTTP/1.1 200 OK\r\n', 200],
  ['HTTP/1.0 503 Service Unavailable\r\nA: b\r\n', 503],
  ['HTTP/1.1 204\r\n', 204],
  ['HTTP/1.1 200 \n', 200],
  ['HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\n', 404],
  ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n', 200],
  ['HTTP/1.1 101 Switching Protocols\r\n', 101],
])('%j has status %i, and no shorter prefix of it has one', (head, status) => {
  const end = head.lastIndexOf('HTTP/1.');
  const statusLineEnd = head.indexOf('\n', end) + 1;
  for (let length = 0; length < statusLineEnd; length++) {
    expect(readStatus(head.slice(0, length))).toEqual({ kind: 'incomplete' });
  }
  expect(readStatus(head)).toEqual({ kind: 'status', status });
});

test.each([
  'SSH-2.0-OpenSSH\r\n',
  'HTTP/2 200 OK\r\n',
  'HTTP/1.1  200 OK\r\n',
  'HTTP/1.1 20 OK\r\n',
  'HTTP/1.1 2000\r\n',
  'HTTP/1.1 099 Low\r\n',
  'http/1.1 200 OK\r\n',
  '\r\nHTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nnonsense',
])('%j is not HTTP', (head) => {
  expect(readStatus(head)).toEqual({ kind: 'not_http' });
});
