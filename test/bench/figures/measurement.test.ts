/** What is read from the load generator's words. */
import { expect, test } from 'vitest';
import { errorCountIn } from './measurement.ts';

const REPORT = `Running 1s test @ http://127.0.0.1:8080/
  38214 requests in 1.00s, 8.09MB read
  Socket errors: connect 1, read 20, write 300, timeout 4000
  Non-2xx or 3xx responses: 50000
Requests/sec:  38170.11`;

test('a failed socket and a refused request are both failed requests', () => {
  expect(errorCountIn(REPORT)).toBe(54_321);
});

test('a report without a word on failures has none', () => {
  const lines = REPORT.split('\n').filter((line) => !/Socket|Non/.test(line));
  expect(errorCountIn(lines.join('\n'))).toBe(0);
});
