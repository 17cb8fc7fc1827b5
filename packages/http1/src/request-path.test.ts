/** The one form of a path: what becomes of each kind of spelling, and that no reader walks out of it. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeadProblem } from './problem.ts';
import { PATH_RULES, loosePath, normalPath, type PathRules } from './request-path.ts';

const normal = (path: string, rules: Partial<PathRules> = {}): string => {
  const read = normalPath(path, { ...PATH_RULES, ...rules });
  return read instanceof HeadProblem ? `refused: ${read.reason}` : read;
};

test.each([
  ['/', '/'],
  ['/a/b.c', '/a/b.c'],
  ['/%61dmin', '/admin'],
  ['/%41%7e%2D%5f%2e', '/A~-_.'],
  ['/a%2fb%3f%c3%a9', '/a%2Fb%3F%C3%A9'],
  ['/x/../admin', '/admin'],
  ['/x/%2e%2E/admin', '/admin'],
  ['/x/.%2e/admin', '/admin'],
  ['/./a/.', '/a/'],
  ['/a/..', '/'],
  ['/../../etc', '/etc'],
  ['/a/...', '/a/...'],
  ['/.well-known/x', '/.well-known/x'],
  ['/a/.b/..c/d..', '/a/.b/..c/d..'],
  ['//admin', '/admin'],
  ['/public//../admin', '/admin'],
  ['/a//', '/a/'],
  ['/100%', '/100%25'],
  ['/%zz/%4', '/%25zz/%254'],
  ['/%%36%31', '/%2561'],
  ['/@scope%2fname', '/@scope%2Fname'],
  ['/fetch/https%3A%2F%2Fexample.com%2F', '/fetch/https%3A%2F%2Fexample.com%2F'],
  ['/cart;id=7/items;v=1', '/cart;id=7/items;v=1'],
  ['/shop/;jsessionid=1', '/shop/;jsessionid=1'],
  ['/a?b=/../%61//;%2f', '/a?b=/../%61//;%2f'],
  ['/x/..?a/../b', '/?a/../b'],
  ['/a|b[1]^', '/a|b[1]^'],
])('%s becomes %s', (path, expected) => {
  expect(normal(path)).toBe(expected);
});

const HIDDEN = [
  ['/public/..%2fadmin', '/public/..%5Cadmin', '/public/%2e%2e%2fadmin', '/a%2f..%2f..%2fadmin', '/a%2f..', '/a%2F.'],
  [
    '/x/..;/admin',
    '/x/..;a=b/admin',
    '/x/.;/admin',
    '/x/..%3b/admin',
    '/x/..;',
    '/x%2f..;/a',
    '/;/admin',
    '/;a=b/admin',
  ],
  ['/%2fadmin', '/a/%2Fadmin', '/a/%5cadmin', '/%3b/admin', '/%252fadmin'],
  ['/x/%252e%252e/admin', '/x/..%252fadmin', '/x/%25252e./admin', '/x/..%25255cadmin'],
  ['/x/%c0%ae%c0%ae/admin', '/x/..%c0%afadmin', '/x/..%c1%9cadmin', '/x/%e0%80%ae./admin', '/x/..%e0%80%afadmin'],
  ['/x/..%f0%80%80%afadmin', '/%2%65%2%65/a'],
].flat();

test.each(HIDDEN)('%s is refused, whatever is kept', (path) => {
  for (const emptySegments of ['merge', 'keep'] as const)
    expect(normal(path, { emptySegments })).toBe('refused: path_hidden_segment');
});

test.each(['/%00', '/a%0d%0aSet-Cookie:x', '/a%09', '/%1f', '/a%7F'])('%s is refused: a control character', (path) => {
  expect(normal(path)).toBe('refused: path_control_character');
});

describe('with other rules', () => {
  test.each<[path: string, rules: Partial<PathRules>, expected: string]>([
    ['/a%2fb', { escapedSlashes: 'reject' }, 'refused: path_escaped_slash'],
    ['/a%5Cb', { escapedSlashes: 'reject' }, 'refused: path_escaped_slash'],
    ['/a?b=%2f', { escapedSlashes: 'reject' }, '/a?b=%2f'],
    ['/a%2fb%5Cc', { escapedSlashes: 'decode' }, '/a/b/c'],
    ['/public/..%2fadmin', { escapedSlashes: 'decode' }, '/admin'],
    ['/public/%2e%2e%5cadmin', { escapedSlashes: 'decode' }, '/admin'],
    ['/a/%2f%2fb', { escapedSlashes: 'decode' }, '/a/b'],
    ['/a/%252fb', { escapedSlashes: 'decode' }, 'refused: path_hidden_segment'],
    ['/bucket//key', { emptySegments: 'keep' }, '/bucket//key'],
    ['/web/http://a/', { emptySegments: 'keep' }, '/web/http://a/'],
    ['/public//../admin', { emptySegments: 'keep' }, '/public/admin'],
    ['/a;b', { pathParameters: 'reject' }, 'refused: path_parameter'],
    ['/a?b;c', { pathParameters: 'reject' }, '/a?b;c'],
    ['/cart;id=7/items;v=1?a;b', { pathParameters: 'strip' }, '/cart/items?a;b'],
    ['/x/..;/admin', { pathParameters: 'strip' }, '/admin'],
    ['/;/admin', { pathParameters: 'strip' }, '/admin'],
  ])('%s with %j is %s', (path, rules, expected) => {
    expect(normal(path, rules)).toBe(expected);
  });
});

/** Paths out of everything that servers are known to disagree about. */
const PIECES = [
  [
    'a',
    'b',
    'admin',
    'public',
    '.',
    '..',
    '/',
    '/',
    '/',
    '//',
    ';',
    ';x=1',
    '%2e',
    '%2E%2e',
    '%2f',
    '%2F',
    '%5c',
    '%61',
  ],
  ['%', '%2', '%25', '%252e', '%252f', '%25252F', '%3b', '%3B', '%c0%ae', '%c0%af', '%c1%9c', '%20', '%C3%A9', '%zz'],
].flat();
const piece = fc.constantFrom(...PIECES);
const path = fc.array(piece, { maxLength: 9 }).map((pieces) => `/${pieces.join('')}`);
const rules: fc.Arbitrary<PathRules> = fc.record({
  escapedSlashes: fc.constantFrom('reject', 'keep', 'decode'),
  emptySegments: fc.constantFrom('merge', 'keep'),
  pathParameters: fc.constantFrom('reject', 'keep', 'strip'),
});

test('what is normal stays as it is', () => {
  const property = fc.property(path, rules, (text, some) => {
    const once = normal(text, some);
    return once.startsWith('refused') || normal(once, some) === once;
  });
  expect(() => fc.assert(property, { numRuns: 10_000 })).not.toThrow();
});

const decoded = (text: string): string =>
  text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
const overlong = (text: string): string =>
  text.replaceAll('\xc0\xae', '.').replaceAll('\xc0\xaf', '/').replaceAll('\xc1\x9c', '\\');
const merged = (text: string): string => text.replaceAll(/\/+/g, '/');
const withoutParameters = (text: string): string => text.replaceAll(/;[^/]*/g, '');
/** Written anew, so that the code under test is not its own oracle. */
function resolved(text: string): string {
  const stack: string[] = [];
  for (const segment of text.split('/').slice(1)) {
    if (segment === '..') stack.pop();
    else if (segment !== '.') stack.push(segment);
  }
  return `/${stack.join('/')}`;
}

/** How backends read a path, each with what makes it permissive. */
const BACKENDS: Readonly<Record<string, (path: string) => string>> = {
  'one that takes it literally': resolved,
  'nginx: decode, merge, resolve': (text) => resolved(merged(decoded(text))),
  'Node: resolve and then decode': (text) => resolved(decoded(resolved(text))),
  'WSGI and PHP: decode, then open a file': (text) => resolved(merged(decoded(text))),
  'Tomcat: parameters off, decode, resolve': (text) => resolved(merged(decoded(withoutParameters(text)))),
  'Jetty: decode, parameters off, resolve': (text) => resolved(merged(withoutParameters(decoded(text)))),
  'IIS: decode, backslashes, resolve': (text) => resolved(merged(decoded(text).replaceAll('\\', '/'))),
  'one that decodes twice': (text) => resolved(merged(decoded(decoded(text)).replaceAll('\\', '/'))),
  'one that decodes three times, and takes overlong UTF-8': (text) =>
    resolved(merged(withoutParameters(overlong(decoded(decoded(decoded(text)))).replaceAll('\\', '/')))),
};

test('no backend reads a path that leads out of the prefix that it begins with', () => {
  const prefixes = ['/public', '/a/b', '/admin'];
  let keptCount = 0;
  const property = fc.property(fc.constantFrom(...prefixes), path, rules, (prefix, rest, some) => {
    const text = normal(prefix + rest, some);
    if (text !== prefix && !text.startsWith(`${prefix}/`)) return;
    keptCount++;
    for (const [name, read] of Object.entries(BACKENDS)) {
      const seen = read(text);
      expect(seen === prefix || seen.startsWith(`${prefix}/`), `${name}: ${text} is ${seen}`).toBe(true);
    }
    const loose = loosePath(text);
    expect(loose === prefix || loose.startsWith(`${prefix}/`), `${text} is ${loose}`).toBe(true);
  });
  fc.assert(property, { numRuns: 20_000 });
  expect(keptCount).toBeGreaterThan(2_000);
});

test('the loose reading is that of every backend together', () => {
  expect(loosePath('/a%2Fb;x/%2561/c%5Cd')).toBe('/a/b/a/c/d');
});

/** A quarter of a mebibyte each: in proportion to the length that takes some milliseconds, and in proportion to its square longer than the test may. */
test('cost grows with the length alone', () => {
  const kinds = ['/..', '%2f', '%25', ';', '/;', '/.', '%', '%2525', '25', '/%2e', '//', '/a;b', '%c0%ae', '%252e'];
  for (const kind of kinds) {
    const text = `/${kind.repeat(Math.ceil(262_144 / kind.length))}`;
    expect(normal(text)).toMatch(/^(?:\/|refused)/);
    expect(loosePath(text)).toMatch(/^\//);
  }
});
