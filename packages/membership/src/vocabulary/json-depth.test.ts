/** What counts as too deep, and that the answer agrees with a parser's. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTooDeep, NESTING_MAX } from './json-depth.ts';
import { parsePayload } from './recorded-event.ts';

const nested = (levels: number, open = '[', close = ']') => open.repeat(levels) + close.repeat(levels);

test('the limit is in, one level more is out, in arrays and in objects', () => {
  expect(isTooDeep(nested(NESTING_MAX))).toBe(false);
  expect(isTooDeep(nested(NESTING_MAX + 1))).toBe(true);
  expect(isTooDeep(`${'{"a":'.repeat(NESTING_MAX)}1${'}'.repeat(NESTING_MAX)}`)).toBe(false);
  expect(isTooDeep(`${'{"a":'.repeat(NESTING_MAX + 1)}1${'}'.repeat(NESTING_MAX + 1)}`)).toBe(true);
});

test('brackets in texts, and side by side, are not depth', () => {
  expect(isTooDeep(JSON.stringify([nested(500), `\\"${'['.repeat(200)}`, '{"'.repeat(200)]))).toBe(false);
  expect(isTooDeep(`[${'[],{},'.repeat(500)}0]`)).toBe(false);
});

test('it agrees with the depth of the parsed value', () => {
  const depthOf = (value: unknown): number => {
    if (typeof value !== 'object' || value === null) return 0;
    return 1 + Math.max(0, ...Object.values(value).map(depthOf));
  };
  const wrapped = fc.tuple(fc.json(), fc.integer({ min: 50, max: 70 })).map(([json, levels]) => {
    return '['.repeat(levels) + json + ']'.repeat(levels);
  });
  const property = fc.property(wrapped, (json) => {
    expect(isTooDeep(json)).toBe(depthOf(JSON.parse(json)) > NESTING_MAX);
  });
  fc.assert(property, { seed: 7, numRuns: 500 });
});

test.for(['type', 'version', 'target', 'reason', 'unknown'])('a deep %s is a rejection in words', (field) => {
  const deep = nested(30_000);
  const parsed = parsePayload(field === 'type' ? `{"type":${deep}}` : `{"type":"PoolRemoved","${field}":${deep}}`);
  expect(parsed).toEqual({ reason: 'invalid-payload', message: 'the payload is nested deeper than 64 levels' });
});
