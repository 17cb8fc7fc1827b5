/** The edges of the vocabulary: names, addresses, subjects, status ranges, JSON Schemas. */
import { expect, test } from 'vitest';
import { eventJsonSchemas, eventSchemas } from './event.ts';
import { fastIntervalMs, healthPolicySchema, statusRanges } from './health-policy.ts';
import { type Entity, formatSubject, isName, parseSubject } from './subject.ts';
import { nearestName } from './nearest-name.ts';
import { formatAddress, parseBind, parseTarget } from './target.ts';

test.each(['a', 'spells-1', '0', '-', 'x'.repeat(64)])('%j is a name', (name) => expect(isName(name)).toBe(true));
test.each(['', 'A', 'a.b', 'a b', 'ü', 'a\n', 'x'.repeat(65)])('%j is no name', (name) =>
  expect(isName(name)).toBe(false),
);

test('the nearest name is within two edits or none', () => {
  expect(nearestName('spels', ['web', 'spells'])).toBe('spells');
  expect(nearestName('xyz', ['web', 'spells'])).toBeNull();
});

test.each([
  ['127.0.0.1:8001', { kind: 'tcp', host: '127.0.0.1', port: 8001 }],
  ['[::1]:80', { kind: 'tcp', host: '::1', port: 80 }],
  ['my-host.internal:65535', { kind: 'tcp', host: 'my-host.internal', port: 65535 }],
  ['unix:/run/app.sock', { kind: 'unix', path: '/run/app.sock' }],
])('%j is a target', (text, address) => {
  expect(parseTarget(text)).toEqual(address);
  expect(formatAddress(parseTarget(text)!)).toBe(text);
});

test.each([
  '',
  ':80',
  'host',
  'host:',
  'host:0',
  'host:65536',
  'host:080',
  'host:8o',
  '::1:80',
  '[host]:80',
  'a b:80',
  'http://a:80',
  'unix:relative',
  'unix:/',
  `unix:/${'x'.repeat(107)}`,
])('%j is no target', (text) => expect(parseTarget(text)).toBeNull());

test('a bind address may leave the port to the kernel', () => expect(parseBind('127.0.0.1:0')).not.toBeNull());

test.each<Entity>([
  { kind: 'listener', listener: 'web' },
  { kind: 'pool', pool: 'spells' },
  { kind: 'backend', pool: 'spells', backend: 's-1' },
  { kind: 'health', node: 'lb-1', pool: 'spells', backend: 's-1' },
  { kind: 'node', node: 'lb-1' },
])('the subject of %j reads back', (entity) => {
  expect(parseSubject(formatSubject('demo', entity))).toEqual({ cluster: 'demo', entity });
});

test.each([
  'muster.demo.backend.spells',
  'muster.demo.health.a.b',
  'muster.demo.pool.a.b',
  'muster..pool.a',
  'x.demo.pool.a',
  'muster.demo.pool.a.',
])('%j is no subject', (subject) => expect(parseSubject(subject)).toBeNull());

test('statuses are single or ranges', () => {
  expect(statusRanges(['200-399', 418])).toEqual([
    { from: 200, to: 399 },
    { from: 418, to: 418 },
  ]);
});

test('the fast interval is a fifth of the interval, and never longer than it', () => {
  expect(fastIntervalMs(healthPolicySchema.parse({ tcp: true }))).toBe(1_000);
  expect(fastIntervalMs(healthPolicySchema.parse({ tcp: true, intervalMs: 60 }))).toBe(50);
  expect(fastIntervalMs(healthPolicySchema.parse({ tcp: true, intervalMs: 1_000, fastIntervalMs: 4_000 }))).toBe(1_000);
});

test('every event has a JSON Schema that names its type and requires what it must', () => {
  const schemas = eventJsonSchemas();
  expect(Object.keys(schemas)).toEqual(Object.keys(eventSchemas));
  expect(schemas.BackendRegistered).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: ['target', 'type'],
    properties: { type: { const: 'BackendRegistered' }, weight: { default: 1 } },
  });
  expect(schemas.BackendRegistered).toMatchObject({
    properties: { leaseMs: { type: 'integer', minimum: 1_000, maximum: 86_400_000 } },
  });
  expect(schemas.NodeStarted).toMatchObject({ required: ['type'], properties: { leaseMs: { type: 'integer' } } });
  expect(schemas.PoolDefined).toMatchObject({
    properties: { healthView: { enum: ['own', 'quorum'], default: 'own' } },
  });
  expect(schemas.ListenerDefined).toMatchObject({
    properties: {
      nodes: { type: 'array', minItems: 1, maxItems: 64 },
      routes: { items: { required: ['pool'], dependentRequired: { stripPrefix: ['path'] } } },
    },
    required: ['bind', 'type'],
    then: { oneOf: [{ required: ['pool'] }, { required: ['routes'] }] },
    else: { required: ['pool'], properties: { routes: false, maxBodyBytes: false } },
  });
});
