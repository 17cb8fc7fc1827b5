/** Where routes lead, end to end: which pool, with which path, and what is said where there is none. */
import { describe, expect, test } from 'vitest';
import type { ListenerSpec } from '@muster/membership';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import type { ExchangeRecord } from './record/exchange-record.ts';
import { FilterChain } from './filters/filter-chain.ts';
import type { Filter } from './filters/filter.ts';
import { RouteTable } from './routes/route-table.ts';
import { answering, ask, bodyOf, get, ok, statusOf, valuesOf } from '../../testing/http/scripted.ts';

const reasonOf = (answer: string) => valuesOf(answer, 'Muster-Reason')[0];

describe('one path for filter, route, backend and record', () => {
  interface Seen {
    readonly status: number;
    readonly filter?: string;
    readonly backend?: string;
    readonly record?: string;
  }

  /** What everybody saw of a request for `path`, on a listener that leads /public and /admin to pools of their own. */
  async function seenOf(path: string, spec: Partial<ListenerSpec> = {}): Promise<Seen> {
    const seen: { filter?: string; backend?: string; record?: string } = {};
    const filter: Filter = { requestFilter: (request) => void (seen.filter = request.path) };
    const filters = new FilterChain([{ path: './a.ts', filter }]);
    const onExchange = (record: ExchangeRecord) => void (seen.record = record.path);
    await using harness = new ProxyHarness({ filtersOf: () => filters, onExchange });
    const backend = await answering(harness, (request) => ok((seen.backend = request.split(' ', 2)[1]!)));
    for (const pool of ['public', 'admin']) {
      harness.publish(`pool.${pool}`, { type: 'PoolDefined' });
      harness.publish(`backend.${pool}.a`, { type: 'BackendRegistered', target: backend.target });
    }
    const routes = [
      { path: '/public', pool: 'public' },
      { path: '/admin', pool: 'admin' },
      { path: '/admin/v1', pool: 'admin', stripPrefix: true },
    ];
    const port = await harness.listen({ protocol: 'http', filters: ['./a.ts'], routes, ...spec });
    return { status: statusOf(await ask(port, get(path))), ...seen };
  }

  test.each([
    ['/%61dmin', '/admin'],
    ['/x/../admin?a', '/admin?a'],
    ['/public/%2e%2e/admin', '/admin'],
    ['/public//../admin', '/admin'],
    ['//admin', '/admin'],
    ['/public/@scope%2fname', '/public/@scope%2Fname'],
    ['/public/a;v=1/b', '/public/a;v=1/b'],
    ['http://b/x/../admin', '/admin'],
  ])('%s is %s', async (sent, path) => {
    expect(await seenOf(sent)).toEqual({ status: 200, filter: path, backend: path, record: path });
  });

  test('a stripped prefix is taken off the same path', async () => {
    const path = '/admin/v1/a%2Fb';
    expect(await seenOf('/x/../%61dmin//v1/a%2fb')).toEqual({
      status: 200,
      filter: path,
      backend: '/a%2Fb',
      record: path,
    });
  });

  test.each(['/public/..%2fadmin', '/x/..;/admin', '/public/%2e%2e%5cadmin', '/public/%252e%252e/admin', '/admin%00'])(
    '%s is refused before anybody sees it',
    async (sent) => {
      expect(await seenOf(sent)).toEqual({ status: 400 });
    },
  );

  test.each(['/public%2fx', '/admin%2fusers', '/admin;x/users', '/admin%2fv1/x', '/admin%3bx/v1', '/%2561dmin'])(
    '%s is refused, because who decodes it finds another route',
    async (sent) => {
      expect(await seenOf(sent)).toMatchObject({
        status: 400,
        record: sent.replace('%2f', '%2F').replace('%3b', '%3B'),
      });
    },
  );

  test.each<[sent: string, spec: Partial<ListenerSpec>, path: string]>([
    ['/public/..%2fadmin', { escapedSlashes: 'decode' }, '/admin'],
    ['/public/a//b', { emptySegments: 'keep' }, '/public/a//b'],
    ['/public/..;x/admin;y', { pathParameters: 'strip' }, '/admin'],
  ])('%s with %j is %s', async (sent, spec, path) => {
    expect(await seenOf(sent, spec)).toEqual({ status: 200, filter: path, backend: path, record: path });
  });

  test.each<[sent: string, spec: Partial<ListenerSpec>]>([
    ['/public/a%2fb', { escapedSlashes: 'reject' }],
    ['/public/a;b', { pathParameters: 'reject' }],
    ['//admin', { emptySegments: 'keep' }],
  ])('%s with %j is refused', async (sent, spec) => {
    expect(await seenOf(sent, spec)).toMatchObject({ status: 400 });
  });
});

test('a host of very many labels is looked up as far as wildcards go', () => {
  const table = new RouteTable([
    { host: '*.b.example.com', pool: 'b' },
    { host: '*.com', pool: 'com' },
    { pool: 'rest' },
  ]);
  const poolOf = (host: string) => (table.match(host, '/') as { readonly pool: string }).pool;
  expect(['a.b.example.com', 'b.example.com', 'com', 'x.b.example.com:80', 'A.B.Example.COM.'].map(poolOf)).toEqual([
    'b',
    'com',
    'rest',
    'b',
    'b',
  ]);
  // A mebibyte: were each suffix cut out of it, this would take longer than the test may.
  const labels = 'a.'.repeat(524_288);
  expect([`${labels}b.example.com`, `${labels}com`, `${labels}org`, labels].map(poolOf)).toEqual([
    'b',
    'com',
    'rest',
    'rest',
  ]);
});

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
    ['api.example.com', '/v1/../admin', 'host /admin'],
    ['api.example.com', '/%76%31/a%2fb', 'exact /a%2Fb'],
    ['www.example.com', '/', 'wildcard /'],
    ['a.b.example.com', '/v1', 'wildcard /v1'],
    ['a.eu.example.com', '/', 'longer /'],
    ['example.com', '/v1/x', 'prefix /v1/x'],
    ['other', '/v1/./deep/x', 'deep /x'],
    ['other', '/v1/deeper', 'prefix /v1/deeper'],
    ['other', '/x/%2e%2e/v1', 'prefix /v1'],
    ['api.example.com', '//v1//../v1/a', 'exact /a'],
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
