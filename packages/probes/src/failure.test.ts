/** Every system error has words of its own; an unknown one keeps its code. */

import { expect, test } from 'vitest';
import { failureFromError, failureFromTimeout } from './failure.ts';

test.each([
  ['ECONNREFUSED', 'connect_refused', 'connect refused'],
  ['EHOSTUNREACH', 'unreachable', 'host unreachable'],
  ['EMFILE', 'local_fault', 'not tried: this process has no file handle left'],
  ['EWEIRD', 'connect_failed', 'connect failed: EWEIRD'],
])('%s is %s', (errorCode, code, reason) => {
  expect(failureFromError(Object.assign(new Error('x'), { code: errorCode }))).toEqual({ code, reason });
});

test.each([
  [true, 2000, 'no answer in 2 s'],
  [true, 1500, 'no answer in 1.5 s'],
  [false, 400, 'connect timed out after 400 ms'],
])('connected %s, after %i ms: %s', (isConnected, timeoutMs, reason) => {
  expect(failureFromTimeout(isConnected, timeoutMs).reason).toBe(reason);
});
