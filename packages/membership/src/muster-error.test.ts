/** The family of failures: what each carries, and what a broken invariant does. */
import { expect, test } from 'vitest';
import { BrokenInvariant, invariant, MusterError, present } from './muster-error.ts';

class LookupError extends MusterError<'gone'> {}

test('a failure has its code, its source, its cause and the name of its class', () => {
  const cause = new Error('refused');
  const error = new LookupError({ code: 'gone', message: 'it is gone', source: 'upstream', isRetryable: true, cause });
  expect(error).toMatchObject({ name: 'LookupError', code: 'gone', source: 'upstream', isRetryable: true, cause });
  expect(error).toBeInstanceOf(Error);
});

test('a broken invariant is thrown with its message, and one that holds costs nothing', () => {
  expect(() => invariant(false, 'a is below b')).toThrow(BrokenInvariant);
  expect(() => invariant(true, 'a is below b')).not.toThrow();
  expect(present(0, 'count')).toBe(0);
  expect(() => present(null, 'count')).toThrow('there is no count');
});
