/** Whom a chain of proxies names, in all the ways in which nodes are written. */
import { describe, expect, test } from 'vitest';
import { parseCidr } from '@muster/membership';
import { clientOf, forwardedNodes, listedNodes } from './client-chain.ts';

const TRUSTED = ['10.0.0.0/8', 'fd00::/8'].map((text) => parseCidr(text)!);
const client = (nodes: string[]): string => clientOf(nodes, '10.0.0.2', TRUSTED);

describe('X-Forwarded-For', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['198.51.100.9, 203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, 10.0.0.3', '203.0.113.7'],
    ['203.0.113.7:4711, 10.0.0.3:80', '203.0.113.7'],
    ['[2001:db8::7]:443, [fd00::1]:80', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['2001:db8::7', '2001:db8::7'],
    ['"[2001:db8::7]:443"', '2001:db8::7'],
    ['::ffff:203.0.113.7, ::ffff:10.0.0.3', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:4711', '203.0.113.7'],
    ['fe80::1%eth0', 'fe80::1'],
    // All of them are trusted: the farthest.
    ['10.0.0.4, 10.0.0.3', '10.0.0.4'],
    // Nobody knows what stands there, or what it stands for.
    ['unknown', '10.0.0.2'],
    ['203.0.113.7, _hidden, 10.0.0.3', '10.0.0.3'],
    ['203.0.113.7, , 10.0.0.3', '10.0.0.3'],
    ['', '10.0.0.2'],
    ['203.0.113.7:port', '10.0.0.2'],
    ['203.0.113.7/8', '10.0.0.2'],
    ['[2001:db8::7', '10.0.0.2'],
    ['[2001:db8::7]x', '10.0.0.2'],
    ['2001:db8::7:44444', '10.0.0.2'],
  ])('%j names %s', (said, expected) => {
    expect(client(listedNodes(said))).toBe(expected);
  });
});

describe('Forwarded', () => {
  test.each([
    ['for=203.0.113.7', '203.0.113.7'],
    ['For="203.0.113.7:4711";proto=https, for=10.0.0.3', '203.0.113.7'],
    ['for=198.51.100.9, proto=http;for="[2001:db8::7]:443";host="a,b;c=d"', '2001:db8::7'],
    ['for="\\"203.0.113.7"', '10.0.0.2'],
    ['for="[2001:db8\\::7]"', '2001:db8::7'],
    ['for=203.0.113.7, proto=https', '10.0.0.2'],
    ['for=unknown', '10.0.0.2'],
    ['host="for=203.0.113.7"', '10.0.0.2'],
    ['for="203.0.113.7', '10.0.0.2'],
  ])('%j names %s', (said, expected) => {
    expect(client(forwardedNodes(said))).toBe(expected);
  });

  test('is read in one go, however many quotes are left open', () => {
    for (const part of ['"', '"\\"', '\\', ',', ';', 'for="', '"a\\']) {
      expect(forwardedNodes(part.repeat(200_000)).length).toBeGreaterThan(0);
    }
  });
});
