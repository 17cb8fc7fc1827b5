/** Which texts are a host with an optional port. */
import { describe, expect, test } from 'vitest';
import { readAuthority } from './authority.ts';

describe('a host with an optional port (RFC 9112 3.2, RFC 3986 3.2.2)', () => {
  test.each([
    'a',
    'A-b.example.com',
    'a_b',
    '0.0.0.0=5000',
    '0.0.0.0=5000:80',
    "!$&'()*+,;=",
    'a%2Cb',
    'm%C3%BCnchen.example',
    '192.0.2.1:8080',
    'a:0',
    'a:65535',
    '[::1]',
    '[2001:db8::7]:80',
    '[::ffff:192.0.2.1]',
    '[1:2:3:4:5:6:7:8]',
    '[1::]',
  ])('%s is one', (host) => {
    expect(readAuthority(host)).toBe(host);
  });

  test.each([
    ['ex%61mple.com:80', 'example.com:80'],
    ['%41%2d%5F%7e', 'A-_~'],
    ['m%c3%bcnchen%2c', 'm%C3%BCnchen%2C'],
  ])('%s is %s', (host, normal) => {
    expect(readAuthority(host)).toBe(normal);
    expect(readAuthority(normal)).toBe(normal);
  });

  test.each([
    '',
    'a:',
    'a:65536',
    'a:123456',
    'a:8o',
    ':80',
    'a/b',
    'u@a',
    'a b',
    'a%4',
    'a%2Fb',
    'a%3a80',
    'a%40b',
    'a%00',
    'a%25b',
    'a%5cb',
    'a%20b',
    'a=:x',
    'a;b:65536',
    'a"b',
    'a\\b',
    'a?b',
    'a#b',
    'a\xe9',
    '[::1',
    '::1',
    '[]',
    '[g::]',
    '[1:2:3:4:5:6:7]',
    '[1:2:3:4:5:6:7::8]',
    '[1::2::3]',
    '[::1]a',
    '[::192.0.2.256]',
    '[fe80::1%25en0]',
    '[v1.a]',
    '[:::]',
    '[12345::]',
    '[192.0.2.1::]',
  ])('%s is none', (host) => {
    expect(readAuthority(host)).toBeNull();
  });
});
