/** What may stand in the fields of http listeners and pools, and what a listener of either protocol needs. */
import { describe, expect, test } from 'vitest';
import { ejectionPolicyOf } from './ejection-policy.ts';
import { listenerSpecSchema, poolSpecSchema } from './event.ts';
import {
  filterPathSchema,
  hashKeySchema,
  hostFieldSchema,
  hostPatternSchema,
  HTTP_ONLY_FIELDS,
  pathPrefixSchema,
  poolsOf,
} from './http-fields.ts';

const isTaken = (schema: { safeParse(value: unknown): { success: boolean } }) => (text: string) =>
  schema.safeParse(text).success;

test.each(['api.example.com', '*.example.com', 'localhost', 'my_service', 'xn--bcher-kva.example', '10.0.0.1', '*.a'])(
  '%j is a host of a route',
  (text) => expect(isTaken(hostPatternSchema)(text)).toBe(true),
);
test.each([
  '',
  '*',
  '*.',
  'API.example.com',
  'a..b',
  '.a',
  'a.',
  'a:80',
  '-a',
  'a-.b',
  'a.*.b',
  '**.a',
  'a b',
  'ü',
  `${'a.'.repeat(127)}a`,
])('%j is no host of a route', (text) => expect(isTaken(hostPatternSchema)(text)).toBe(false));

test.each(['/', '/v1', '/v1/users', '/a.b/...', '/~me', '/%C3%BC', '/a;b=c', '/@'])('%j is a path prefix', (text) =>
  expect(isTaken(pathPrefixSchema)(text)).toBe(true),
);
test.each([
  '',
  'v1',
  '/v1/',
  '//',
  '/a//b',
  '/.',
  '/a/../b',
  '/a/.',
  '/a?b',
  '/a#b',
  '/a b',
  '/ü',
  '/%c3',
  '/%41',
  '/%7E',
  '/%',
  `/${'a'.repeat(1_024)}`,
])('%j is no path prefix', (text) => expect(isTaken(pathPrefixSchema)(text)).toBe(false));

test.each(['./canary.ts', './filters/canary.mts', './a.js', './..a/b.mjs'])('%j is a filter', (text) =>
  expect(isTaken(filterPathSchema)(text)).toBe(true),
);
test.each([
  'canary.ts',
  '/etc/canary.ts',
  './../canary.ts',
  './a/../b.ts',
  './a.cts',
  './a',
  'http://a/b.ts',
  './a b.ts',
])('%j is no filter', (text) => expect(isTaken(filterPathSchema)(text)).toBe(false));

test.each(['client_address', 'path', 'header:X-User', 'cookie:session'])('%j is a hash key', (text) =>
  expect(isTaken(hashKeySchema)(text)).toBe(true),
);
test.each(['', 'header', 'header:', 'header:a b', 'cookie:a=b', 'query:a', 'Path'])('%j is no hash key', (text) =>
  expect(isTaken(hashKeySchema)(text)).toBe(false),
);

test.each(['keep', 'target', 'api.internal', 'api.internal:8080'])('%j is a Host for backends', (text) =>
  expect(isTaken(hostFieldSchema)(text)).toBe(true),
);
test.each(['', 'a b', 'a:b', 'a:', ':80', 'a\r\nb', 'a/b'])('%j is no Host for backends', (text) =>
  expect(isTaken(hostFieldSchema)(text)).toBe(false),
);

/** Each refusal as `path: message`. */
function refusals(listener: object): string[] {
  const { error } = listenerSpecSchema.safeParse({ bind: '127.0.0.1:80', ...listener });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a listener', () => {
  test.each([
    { pool: 'p' },
    { protocol: 'http', pool: 'p' },
    { protocol: 'http', pool: 'p', filters: ['./a.ts'], trustedProxies: ['10.0.0.0/8'], maxBodyBytes: 0 },
    { protocol: 'http', routes: [{ pool: 'p' }] },
    {
      protocol: 'http',
      routes: [
        { host: 'a.b', pool: 'p' },
        { host: 'a.b', path: '/v1', stripPrefix: true, pool: 'q' },
      ],
    },
  ])('%j is right', (listener) => expect(refusals(listener)).toEqual([]));

  test.each([
    [{}, ['pool: a tcp listener needs the pool that takes its connections']],
    [{ routes: [{ pool: 'p' }] }, ['routes: routes needs protocol = "http"; a tcp listener has a pool and no more']],
    [
      { pool: 'p', accessLog: 'all', maxFields: 5 },
      [
        'accessLog: accessLog needs protocol = "http"; a tcp listener has a pool and no more',
        'maxFields: maxFields needs protocol = "http"; a tcp listener has a pool and no more',
      ],
    ],
    [{ protocol: 'http' }, ['pool: an http listener needs a pool that takes all its requests, or routes']],
    [
      { protocol: 'http', pool: 'p', routes: [{ pool: 'p' }] },
      ['pool: an http listener has a pool or routes, not both; a route without host and path takes what is left'],
    ],
    [
      { protocol: 'http', routes: [{ host: 'a.b', pool: 'p' }, { pool: 'p' }, { host: 'a.b', path: '/', pool: 'q' }] },
      ['routes.2: route 3 has the host and path of route 1; take one of them out'],
    ],
    [
      { protocol: 'http', routes: [{ pool: 'p', stripPrefix: true }] },
      ['routes.0.stripPrefix: stripPrefix needs a path other than "/" to take off'],
    ],
  ])('%j is refused', (listener, expected) => expect(refusals(listener)).toEqual(expected));

  test('every field but the common ones is for http alone', () => {
    const common = ['bind', 'protocol', 'pool', 'idleTimeoutMs', 'halfCloseTimeoutMs', 'nodes'];
    expect(Object.keys(listenerSpecSchema.shape)).toEqual([...common, ...HTTP_ONLY_FIELDS]);
  });

  test('its pools are each named once', () => {
    expect(poolsOf({ pool: 'p' })).toEqual(['p']);
    expect(poolsOf({ routes: [{ pool: 'q' }, { path: '/v1', pool: 'p' }, { path: '/v2', pool: 'q' }] })).toEqual([
      'q',
      'p',
    ]);
  });
});

test('a pool ejects by the default policy, by its own, or not at all', () => {
  const policyOf = (ejection?: unknown) => ejectionPolicyOf(poolSpecSchema.parse({ ejection }));
  expect(policyOf()).toEqual({ consecutiveFailures: 5, baseMs: 30_000, maxMs: 300_000, maxRatio: 0.1 });
  expect(policyOf({ consecutiveFailures: 3 })).toEqual({ ...policyOf(), consecutiveFailures: 3 });
  expect(policyOf(false)).toBeNull();
});

test('what is left out of a spec is not filled in: it would change the hash of every recorded roster', () => {
  expect(Object.keys(poolSpecSchema.parse({}))).toEqual([
    'policy',
    'connectTimeoutMs',
    'connectAttempts',
    'onRemoval',
    'drainTimeoutMs',
    'healthView',
  ]);
  expect(Object.keys(listenerSpecSchema.parse({ bind: '127.0.0.1:80', protocol: 'http', pool: 'p' }))).toEqual([
    'bind',
    'protocol',
    'pool',
    'idleTimeoutMs',
  ]);
});
