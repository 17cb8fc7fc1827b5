/** That the parts are what `JSON.stringify` writes, and that no part of a wide document is large. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { inPieces, jsonParts } from './json-pieces.ts';

test('the parts together are the document', () => {
  const property = fc.property(fc.jsonValue(), (value) => {
    expect([...jsonParts(value)].join('')).toBe(JSON.stringify(value));
  });
  fc.assert(property, { numRuns: 500 });
});

test('what is undefined is left out of objects, and null in lists', () => {
  const value = { a: undefined, b: [undefined, 1], c: {} };
  expect([...jsonParts(value)].join('')).toBe(JSON.stringify(value));
});

test('a wide document has many small parts, and comes in pieces with turns between them', async () => {
  const backends = Array.from({ length: 20_000 }, (_, index) => ({ id: `b-${index}`, mode: 'ready' }));
  const value = { pools: [{ id: 'p', backends }] };
  expect(Math.max(...[...jsonParts(value)].map(({ length }) => length))).toBeLessThan(100);
  let turnsCount = 0;
  let next = setImmediate(function count() {
    turnsCount += 1;
    next = setImmediate(count);
  });
  const pieces: string[] = [];
  for await (const piece of inPieces(jsonParts(value)) as AsyncIterable<Buffer>) pieces.push(piece.toString());
  clearImmediate(next);
  expect(pieces.join('')).toBe(JSON.stringify(value));
  expect(pieces.length).toBeGreaterThan(5);
  expect(turnsCount).toBeGreaterThan(5);
});
