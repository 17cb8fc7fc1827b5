/** Which appends every journal refuses. */
import { expect, test } from 'vitest';
import { refuseAppend } from './append-check.ts';
import type { NewEvent } from './journal.ts';

const event: NewEvent = { id: 'e-1', subject: 'muster.test.pool.p', origin: 'cli:alice', payload: '{}' };

test('every printable ASCII character but the wildcards and the dot may stand in a token', () => {
  for (let code = 0; code < 256; code += 1) {
    const character = String.fromCharCode(code);
    const isAllowed = code > 0x20 && code < 0x7f && !'.*>'.includes(character);
    const outcome = refuseAppend({ ...event, subject: `muster.a${character}b` });
    expect(outcome === null, `code ${code}`).toBe(isAllowed || character === '.');
  }
});

test('the limits are inclusive', () => {
  expect(refuseAppend({ ...event, id: '~'.repeat(128) })).toBeNull();
  expect(refuseAppend({ ...event, subject: `m.${'x'.repeat(398)}` })).toBeNull();
  expect(refuseAppend({ ...event, origin: 'x'.repeat(256) })).toBeNull();
  expect(refuseAppend(event, { expectedRevision: 0 })).toBeNull();
});

test('a refusal says what the rule is', () => {
  expect(refuseAppend({ ...event, subject: 'a..b' })).toMatchObject({
    reason: 'invalid',
    message: expect.stringContaining('without * and >'),
  });
  expect(refuseAppend({ ...event, payload: 'x'.repeat(1_048_577) })).toEqual({
    outcome: 'refused',
    reason: 'too-large',
    message: 'the payload has 1048577 bytes; a journal takes at most 1048576',
  });
});
