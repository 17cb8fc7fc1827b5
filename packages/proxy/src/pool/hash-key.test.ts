/** What a pool hashes on, from its text. */
import { expect, test } from 'vitest';
import { parseHashKey } from './hash-key.ts';

test.each([
  [undefined, { on: 'client_address', name: '' }],
  ['client_address', { on: 'client_address', name: '' }],
  ['path', { on: 'path', name: '' }],
  ['header:X-User', { on: 'header', name: 'x-user' }],
  ['cookie:User', { on: 'cookie', name: 'User' }],
] as const)('%s', (text, expected) => {
  expect(parseHashKey(text)).toEqual(expected);
});
