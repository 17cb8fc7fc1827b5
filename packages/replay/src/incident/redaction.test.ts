/** Secrets of all kinds that turn up in reasons, paths and addresses are hidden, and ordinary texts are left as they are. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSecretField, redactText } from './redaction.ts';

const SEED = 'SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4';
const JWT = 'eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5In0.eyJqdGkiOiJBQkMifQ.c2lnbmF0dXJl';

test.each([
  ['dial nats://admin:hunter2@10.0.0.5:4222 failed', 'dial nats://***@10.0.0.5:4222 failed'],
  ['nats://s3cr3t@n1', 'nats://***@n1'],
  ['https://a:p@ss@host/x', 'https://***@host/x'],
  ['/healthz?token=abcdef&deep=1', '/healthz?token=***&deep=*'],
  ['/healthz?abcdef', '/healthz?***'],
  ['GET http://h/x?sig=1234 gave 503', 'GET http://h/x?sig=*** gave 503'],
  ['/health/token/ab12cd', '/health/token/***'],
  [`seed ${SEED} expired`, 'seed *** expired'],
  [`signed by ${JWT}`, 'signed by ***'],
  ['Authorization: Bearer abcdef', 'Authorization: *** ***'],
  ['used bearer abcdef.ghi', 'used bearer ***'],
  ['basic dXNlcjpwYXNz0w==', 'basic ***'],
  ['password=hunter2, retry', 'password=***, retry'],
  ['DB_PASSWORD="two words" set', 'DB_PASSWORD=*** set'],
  ['{"apiKey": "ab"}', '{"apiKey": ***}'],
  ['secret: x', 'secret: *'],
  ['key AKIAABCDEFGHIJKLMNOP leaked', 'key *** leaked'],
  [
    '-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----',
  ],
])('%j becomes %j', (text, expected) => {
  expect(redactText(text)).toBe(expected);
});

test.each([
  'connection refused',
  'status 503',
  '2 of 3 nodes: lb-1, lb-2: status 503',
  'cli:alice@host',
  'config:lb-1',
  'lease-expired',
  '10.0.0.5:8001',
  '[::1]:8001',
  '/healthz',
  'consecutive failures: 5, the last: connection reset',
  'answered 401, authentication needed',
])('%j stays', (text) => {
  expect(redactText(text)).toBe(text);
});

test('a field says by its name that it is secret', () => {
  expect(['token', 'adminToken', 'DB_PASSWORD', 'x-api-key', 'secret', 'Cookie'].map(isSecretField)).not.toContain(
    false,
  );
  expect(['hashKey', 'reason', 'target', 'tokens-left', 'http'].map(isSecretField)).not.toContain(true);
});

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom('token=', 'nats://', '@', '/x?', '&', 'Bearer ', '"', SEED, JWT, ' ', 'password: ', '-----BEGIN '),
    fc.string(),
  ),
  { maxLength: 12 },
);

test('no text grows', () => {
  fc.assert(
    fc.property(pieces, (parts) => {
      const text = parts.join('');
      expect(redactText(text).length).toBeLessThanOrEqual(text.length);
    }),
    { numRuns: 1_000 },
  );
});
