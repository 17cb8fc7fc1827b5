/** Where routes lead, end to end: which pool, with which path, and what is said where there is none. */
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../proxy-harness.ts';
import { answering, ask, bodyOf, get, ok, statusOf, valuesOf } from './scripted.test-support.ts';

const reasonOf = (answer: string) => valuesOf(answer, 'Muster-Reason')[0];

describe('routes', () => {
  const ROUTES = [
    { host: 'api.example.com', path: '/v1', pool: 'exact', stripPrefix: true },
    { host: 'api.example.com', pool: 'host' },
    { host: '*.example.com', pool: 'wildcard' },
    { host: '*.eu.example.com', pool: 'longer' },
    { path: '/v1', pool: 'prefix' },
    { path: '/v1/deep', pool: 'deep', stripPrefix: true },
  ];

  test.each([
    ['api.example.com', '/v1/a?b=/v1', 'exact /a?b=/v1'],
    ['API.Example.com:8080', '/v1?x', 'exact /?x'],
    ['api.example.com', '/v10', 'host /v10'],
    ['api.example.com', '/v1/../admin', 'host /v1/../admin'],
    ['api.example.com', '/%76%31/a%2fb', 'exact /a%2Fb'],
    ['www.example.com', '/', 'wildcard /'],
    ['a.b.example.com', '/v1', 'wildcard /v1'],
    ['a.eu.example.com', '/', 'longer /'],
    ['example.com', '/v1/x', 'prefix /v1/x'],
    ['other', '/v1/./deep/x', 'deep /x'],
    ['other', '/v1/deeper', 'prefix /v1/deeper'],
    ['other', '/x/%2e%2e/v1', 'prefix /x/%2e%2e/v1'],
    ['example.com', '/v2', null],
    ['other', '/', null],
  ])('%s%s leads to %s', async (host, path, expected) => {
    await using harness = new ProxyHarness();
    for (const { pool } of ROUTES) {
      const backend = await answering(harness, (request) => ok(`${pool} ${request.split(' ', 2)[1]!}`));
      harness.publish(`pool.${pool}`, { type: 'PoolDefined' });
      harness.publish(`backend.${pool}.a`, { type: 'BackendRegistered', target: backend.target });
    }
    const port = await harness.listen({ protocol: 'http', routes: ROUTES });
    const answer = await ask(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(statusOf(answer) === 404 ? [null, reasonOf(answer)] : [bodyOf(answer), undefined]).toEqual([
      expected,
      expected === null ? 'no_route' : undefined,
    ]);
  });

  test('a backend’s own 404 is told apart, and a pool that does not exist is a 503', async () => {
    await using harness = new ProxyHarness();
    const backend = await answering(harness, () => 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    harness.pool();
    harness.register('a', backend.target);
    const routes = [
      { path: '/p', pool: 'p' },
      { path: '/q', pool: 'gone' },
    ];
    const port = await harness.listen({ protocol: 'http', routes });
    const own = await ask(port, get('/p'));
    expect([statusOf(own), reasonOf(own)]).toEqual([404, undefined]);
    const gone = await ask(port, get('/q'));
    expect([statusOf(gone), reasonOf(gone)]).toEqual([503, 'unknown_pool']);
  });
});
