/** Whatever is thrown has a sentence, and asking for it never throws. */
import { anything, assert, property } from 'fast-check';
import { expect, test } from 'vitest';
import { messageOf } from './error-text.ts';

const throwing = (): never => {
  throw new Error('from a getter');
};

test.each([
  [new Error('refused'), 'refused'],
  [new TypeError(''), 'TypeError'],
  [new AggregateError([new Error('a'), new Error('b')]), 'a; b'],
  [Object.assign(new Error('x'), { message: 7 }), 'Error: 7'],
  [Object.assign(new Error('x'), { message: { code: 'E' } }), 'Error: {"code":"E"}'],
  ['text', 'text'],
  ['', 'an empty text was thrown'],
  [undefined, 'undefined'],
  [null, 'null'],
  [Symbol('s'), 'Symbol(s)'],
  [{ message: 'like an error' }, 'like an error'],
  [{ code: 3 }, '{"code":3}'],
  [Object.defineProperty(new Error('x'), 'message', { get: throwing }), 'something was thrown that cannot be read'],
  [new Proxy({}, { get: throwing, getPrototypeOf: throwing }), 'something was thrown that cannot be read'],
])('%#: its sentence', (value, text) => {
  expect(messageOf(value)).toBe(text);
});

test('a message that holds itself, and a very long one', () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  expect(messageOf(circle)).toBe('something was thrown that cannot be read');
  expect(messageOf(new Error('x'.repeat(100_000)))).toHaveLength(1_001);
});

test('any value has a sentence that is not empty and not long', () => {
  assert(
    property(anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true }), (value) => {
      for (const thrown of [value, Object.assign(new Error('x'), { message: value })]) {
        const text = messageOf(thrown);
        expect(typeof text).toBe('string');
        expect(text.length).toBeGreaterThan(0);
        expect(text.length).toBeLessThanOrEqual(1_001);
      }
    }),
  );
});
