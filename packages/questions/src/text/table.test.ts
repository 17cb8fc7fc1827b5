/** Columns line up, whatever is in them. */
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { duration } from './plain-text.ts';
import { paint, terminalLine } from './output.ts';
import { setLines, tableLines } from './table.ts';

const ALL = Infinity;

test('columns are as wide as their widest cell, and lines do not end in spaces', () => {
  expect(setLines(tableLines(['A', 'LONG', ''], [['wide', 'x', ''], ['y']]), ALL)).toEqual([
    'A     LONG',
    'wide  x',
    'y',
  ]);
});

test('colours take no room', () => {
  expect(setLines(tableLines(['A', 'B'], [['\u001b[32mok\u001b[39m', 'x']]), ALL)[1]).toBe('\u001b[32mok\u001b[39m  x');
});

test('colours as commands paint them take no room either, and what is cut keeps its colour', () => {
  vi.stubEnv('FORCE_COLOR', '1');
  try {
    const table = tableLines(['A', 'B'], [[paint('green', 'listening'), 'x']]);
    const set = (width: number): string[] => setLines(table, width).map(terminalLine);
    expect(set(80)).toEqual(['A          B', '\u001b[32mlistening\u001b[39m  x']);
    expect(set(12)).toEqual(set(80));
    expect(set(10)).toEqual(['A        B', '\u001b[32mlisten…\u001b[39m  x']);
  } finally {
    vi.unstubAllEnvs();
  }
});

test('what does not fit is cut in the columns that matter least, then in the widest ones, and sentences are left whole', () => {
  const sentence = 'a sentence of any length is for the terminal to wrap';
  const table = tableLines(['NAME', 'REASON', 'LEADS TO'], [['web', 'r'.repeat(30), 'x'.repeat(30)]], ['LEADS TO']);
  expect(setLines([sentence, ...table], 40)).toEqual([
    sentence,
    `NAME  ${'REASON'.padEnd(26)}  LEADS…`,
    `web   ${'r'.repeat(25)}…  xxxxx…`,
  ]);
});

test('no line of a table is wider than the terminal, however narrow, and none is cut where there is room', () => {
  const cell = fc.string({ maxLength: 40, unit: fc.constantFrom('a', 'b', ' ', '-') });
  const tables = fc.tuple(fc.array(cell, { minLength: 1, maxLength: 8 }), fc.array(fc.array(cell, { maxLength: 8 })));
  fc.assert(
    fc.property(tables, fc.integer({ min: 1, max: 120 }), ([head, rows], width) => {
      const narrow = rows.map((row) => row.slice(0, head.length));
      const set = setLines(tableLines(head, narrow, head.slice(-1)), width);
      expect(set.every((line) => line.length <= width)).toBe(true);
      expect(setLines(tableLines(head, narrow), 400)).toEqual(setLines(tableLines(head, narrow), ALL));
    }),
    { seed: 5 },
  );
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
