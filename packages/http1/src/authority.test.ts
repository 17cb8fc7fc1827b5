/** Which texts are a host with an optional port. */
import { describe, expect, test } from 'vitest';
import { isAuthority } from './authority.ts';

describe('a host with an optional port (RFC 9112 3.2, RFC 3986 3.2.2)', () => {
  test.each([
    'a',
    'A-b.example.com',
    'a_b',
    '192.0.2.1:8080',
    'a:0',
    'a:65535',
    '[::1]',
    '[2001:db8::7]:80',
    '[::ffff:192.0.2.1]',
    '[1:2:3:4:5:6:7:8]',
    '[1::]',
  ])('%s is one', (host) => {
    expect(isAuthority(host)).toBe(true);
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
    'a,b',
    'a b',
    'a%41',
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
    expect(isAuthority(host)).toBe(false);
  });
});
