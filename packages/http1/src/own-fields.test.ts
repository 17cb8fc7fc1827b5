/** Which names are the proxies' own, in every spelling, and which are not. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OWN_IN_ANSWERS, SAID_BY_PROXIES, foldedName, saidByProxies, type FieldNames } from './own-fields.ts';

const isIn = (names: FieldNames, name: string): boolean => names.has(`>${name}:`, 1, name.length + 1);

const SAID = [
  [
    'X-Real-IP',
    'True-Client-IP',
    'Client-IP',
    'X-Client-IP',
    'X-Cluster-Client-IP',
    'CF-Connecting-IP',
    'Fastly-Client-IP',
  ],
  [
    'X-Forwarded',
    'X-Forwarded-Port',
    'X-Forwarded-Prefix',
    'X-Forwarded-Ssl',
    'X-Forwarded-Server',
    'X-Forwarded-User',
  ],
  [
    'X-Forwarded-Scheme',
    'X-Forwarded-By',
    'X-Forwarded-Client-Cert',
    'X-Original-URL',
    'X-Original-Host',
    'X-Rewrite-URL',
  ],
  ['X-Original-Forwarded-For', 'X-Envoy-External-Address', 'X-SSL-Client-Cert', 'SSL-Client-Verify', 'X-Client-Cert'],
  [
    'X-Client-Verify',
    'X-Client-DN',
    'Remote-User',
    'Proxy',
    'Muster-Reason',
    'X-Amzn-Oidc-Identity',
    'X-Auth-Request-Email',
  ],
].flat();
const NOT_SAID = [
  ['Accept', 'Cookie', 'User-Agent', 'Referer', 'Origin', 'Pragma', 'Priority', 'DNT', 'X-Requested-With', 'X-Api-Key'],
  [
    'X-CSRF-Token',
    'X-Request-Id',
    'X-HTTP-Method-Override',
    'X-Custom',
    'X-R',
    'X',
    'Sec-Fetch-Site',
    'Traceparent',
    'X-Realm',
  ],
  [
    'X-Clients',
    'Proxying',
    'Muster',
    'Forwarded',
    'Client-IPs',
    'SSL',
    'Authorization',
    'If-None-Match',
    'X-B3-TraceId',
  ],
].flat();

test.each(SAID)('%s is said by proxies', (name) => expect(isIn(SAID_BY_PROXIES, name)).toBe(true));
test.each(NOT_SAID)('%s is not', (name) => expect(isIn(SAID_BY_PROXIES, name)).toBe(false));

test('in an answer only Muster says its reason and the id of the request', () => {
  for (const name of ['Muster-Reason', 'muster-x', 'X-Request-Id', 'x_request_id'])
    expect(isIn(OWN_IN_ANSWERS, name)).toBe(true);
  for (const name of ['Server', 'X-Real-IP', 'X-Request-Ids', 'Must']) expect(isIn(OWN_IN_ANSWERS, name)).toBe(false);
});

test('a listener adds names and beginnings', () => {
  const names = saidByProxies(['x-tenant', 'x-internal-*']);
  expect(
    ['X-Tenant', 'X_TENANT', 'X-Internal-', 'x-internal-user', 'X-Real-IP'].every((name) => isIn(names, name)),
  ).toBe(true);
  expect(['X-Tenants', 'X-Internal', 'X-Tenan'].some((name) => isIn(names, name))).toBe(false);
  expect(saidByProxies([])).toBe(SAID_BY_PROXIES);
});

describe('however it is spelt', () => {
  const odd = fc.constantFrom(..."-_.!#$%&'*+^`|~".split(''));
  const spelling = fc
    .tuple(fc.constantFrom(...SAID), fc.infiniteStream(odd), fc.infiniteStream(fc.boolean()))
    .map(([name, odds, cases]) =>
      name.replaceAll(/./g, (character) => {
        if (character === '-') return odds.next().value as string;
        return (cases.next().value as boolean) ? character.toUpperCase() : character.toLowerCase();
      }),
    );

  test('a name that CGI reads as one of them is one', () => {
    fc.assert(
      fc.property(spelling, (name) => {
        expect(isIn(SAID_BY_PROXIES, name)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a name is folded as CGI does it: letters and digits stay, in small letters', () => {
    expect(foldedName("X_Real.IP!v4'")).toBe('x-real-ip-v4-');
  });
});
