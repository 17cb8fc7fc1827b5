/** The defaults that come from the machine. */
import { expect, test } from 'vitest';
import { isLoopbackHost } from '@muster/membership';
import { hostNodeId } from './node-config.ts';

test.each([
  ['lb-1', 'lb-1'],
  ['LB_1.example.com', 'lb-1-example-com'],
  ['-', 'node'],
  ['ü', 'node'],
  ['x'.repeat(100), 'x'.repeat(64)],
])('host %s gives node %s', (host, id) => {
  expect(hostNodeId(host)).toBe(id);
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.example.com', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});
