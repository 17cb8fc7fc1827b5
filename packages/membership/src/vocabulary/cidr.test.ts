/** Address ranges, against Node's own as the oracle. */
import { BlockList, isIP } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCidr, isInAny, parseCidr } from './cidr.ts';

const isIn = (range: string, address: string) => isInAny([parseCidr(range)!], address);

test.each([
  '10.0.0.0/8',
  '0.0.0.0/0',
  '127.0.0.1',
  '127.0.0.1/32',
  '::/0',
  'fd00::/8',
  '::1',
  '2001:db8::1/128',
  '::ffff:10.0.0.0/104',
])('%j is a range', (text) => expect(isCidr(text)).toBe(true));
test.each([
  '',
  '/8',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/08',
  '10.0.0/8',
  '10.0.0.256',
  '010.0.0.1',
  'fd00::/129',
  'fe80::1%eth0',
  '1.2.3.4::',
  '1::2::3',
  ':::',
  '::1/-1',
  '10.0.0.0/8/8',
  'localhost',
])('%j is no range', (text) => expect(isCidr(text)).toBe(false));

test.each([
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.1.2.3/8', '10.9.9.9', true],
  ['10.0.0.0/8', '::ffff:10.0.0.1', true],
  ['0.0.0.0/0', '::1', false],
  ['::/0', '10.0.0.1', true],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['10.0.0.1', '10.0.0.1', true],
  ['10.0.0.0/8', 'unix:/run/app.sock', false],
  ['::/0', '', false],
])('of %s, %s is in: %s', (range, address, expected) => expect(isIn(range, address)).toBe(expected));

/** Few groups, so that prefixes often match; written in all the ways that there are. */
const ipv4 = fc
  .array(fc.constantFrom(0, 10, 127, 128, 255), { minLength: 4, maxLength: 4 })
  .map((parts) => parts.join('.'));
const group = fc.constantFrom('0', '1', 'fd00', 'FFFF', '80', '0001');
const ipv6 = fc
  .tuple(fc.array(group, { maxLength: 8 }), fc.nat({ max: 8 }), fc.option(ipv4), fc.boolean())
  .map(([groups, cut, tail, isShort]) => {
    const parts = [...groups, ...(tail === null ? [] : [tail])];
    return isShort ? `${parts.slice(0, cut).join(':')}::${parts.slice(cut).join(':')}` : parts.join(':');
  });
const address = fc.oneof(ipv4, ipv6, ipv6);

test('what is an address is what Node takes for one', () => {
  let addressCount = 0;
  fc.assert(
    fc.property(address, (text) => {
      expect(`${text} ${isCidr(text)}`).toBe(`${text} ${isIP(text) !== 0}`);
      if (isIP(text) !== 0) addressCount += 1;
    }),
    { numRuns: 3_000 },
  );
  expect(addressCount).toBeGreaterThan(1_000);
});

test('who is in a range of its own family is whom Node finds there', () => {
  const sameFamily = fc.oneof(
    fc.tuple(ipv4, ipv4),
    fc.tuple(ipv6, ipv6).filter((pair) => pair.every((text) => isIP(text) === 6)),
  );
  fc.assert(
    fc.property(sameFamily, fc.nat(), ([network, other], seed) => {
      const family = isIP(network) === 4 ? 'ipv4' : 'ipv6';
      const bits = seed % (family === 'ipv4' ? 33 : 129);
      const oracle = new BlockList();
      oracle.addSubnet(network, bits, family);
      expect(isIn(`${network}/${bits}`, other)).toBe(oracle.check(other, family));
    }),
    { numRuns: 2_000 },
  );
});
