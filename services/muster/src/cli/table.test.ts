/** Columns line up, whatever is in them. */
import { expect, test } from 'vitest';
import { duration } from './plain-text.ts';
import { tableLines } from './table.ts';

test('columns are as wide as their widest cell, and lines do not end in spaces', () => {
  expect(tableLines(['A', 'LONG', ''], [['wide', 'x', ''], ['y']])).toEqual(['A     LONG', 'wide  x', 'y']);
});

test('colours take no room', () => {
  expect(tableLines(['A', 'B'], [['\u001b[32mok\u001b[39m', 'x']])[1]).toBe('\u001b[32mok\u001b[39m  x');
});

test.each([
  [-5, '0.0 s'],
  [3_210, '3.2 s'],
  [42_000, '42 s'],
  [600_000, '10 min'],
  [7_200_000, '2 h'],
  [259_200_000, '3 d'],
])('%d ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
