/** Every answer that Muster makes itself names its request, as the record, the log and the decision do. */
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import type { ExchangeRecord } from './record/exchange-record.ts';
import { FilterChain } from './filters/filter-chain.ts';
import type { Filter, FilterAnswer } from './filters/filter.ts';
import type { RefusedHead } from './exchange/http-service.ts';
import { answering, ask, client, get, scripted, statusOf, until, valuesOf } from '../../testing/http/scripted.ts';

const MADE = /^[0-9a-f]{12}-[0-9a-z]+$/;
const idsOf = (answer: string) => valuesOf(answer, 'X-Request-Id');

class Observed {
  readonly records: ExchangeRecord[] = [];
  readonly refused: RefusedHead[] = [];
  readonly harness: ProxyHarness;

  constructor(filter: Filter = {}) {
    const filters = new FilterChain([{ path: './a.ts', filter }]);
    this.harness = new ProxyHarness({
      filtersOf: () => filters,
      onExchange: (record) => void this.records.push(record),
      onRefusedHead: (refused) => void this.refused.push(refused),
    });
  }
}

describe('a request that was answered here', () => {
  const LARGE = 'Content-Length: 5\r\n\r\nhello';
  test.each<[what: string, request: string, status: number]>([
    ['no route', get('/nowhere'), 404],
    ['no such pool', get('/gone'), 503],
    ['nobody healthy', get('/empty'), 503],
    ['nobody there', get('/dead'), 502],
    ['an answer that is none', get('/bad'), 502],
    ['a path that two readers part at', get('/dead%2fx'), 400],
    ['the last recipient', 'OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n', 204],
    ['a body that is too large', `POST /dead HTTP/1.1\r\nHost: a\r\n${LARGE}`, 413],
    ['a body that is none', 'POST /dead HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx', 400],
    ['HEAD', 'HEAD /nowhere HTTP/1.1\r\nHost: a\r\n\r\n', 404],
  ])('%s', async (_what, request, status) => {
    const observed = new Observed();
    await using harness = observed.harness;
    const bad = await answering(harness, () => 'hello\r\n\r\n');
    for (const pool of ['empty', 'dead', 'bad']) harness.publish(`pool.${pool}`, { type: 'PoolDefined' });
    harness.publish('backend.dead.a', { type: 'BackendRegistered', target: '127.0.0.1:1' });
    harness.publish('backend.bad.a', { type: 'BackendRegistered', target: bad.target });
    const routes = ['gone', 'empty', 'dead', 'bad'].map((pool) => ({ path: `/${pool}`, pool }));
    const port = await harness.listen({ protocol: 'http', routes, maxBodyBytes: 4 });
    for (const id of [null, 'said-1']) {
      const answer = await ask(
        port,
        id === null ? request : request.replace('Host: a', `Host: a\r\nX-Request-Id: ${id}`),
      );
      expect(statusOf(answer)).toBe(status);
      expect(idsOf(answer)).toHaveLength(1);
      expect(idsOf(answer)[0]).toMatch(id === null ? MADE : /^said-1$/);
      await until(() => observed.records.length > 0);
      expect(observed.records.pop()!.requestId).toBe(idsOf(answer)[0]);
      expect(harness.proxy.decisions({ requestId: idsOf(answer)[0]!, limit: 1, withCandidates: false })).toHaveLength(
        1,
      );
    }
  });

  test('a switch of protocols names its request too', async () => {
    await using harness = new ProxyHarness();
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(get('/', 'Connection: upgrade\r\nUpgrade: websocket\r\nX-Request-Id: said-1\r\n'));
    const peer = await backend.accepted();
    await peer.message();
    peer.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX-Request-Id: own\r\n\r\n',
    );
    expect(idsOf(await asking.message())).toEqual(['said-1']);
    asking.socket.destroy();
  });

  test.each<[what: string, fields: FilterAnswer['fields'], expected: unknown]>([
    ['names its request', {}, expect.stringMatching(MADE)],
    ['has the id that the filter gave it', { 'x-request-id': 'chosen' }, 'chosen'],
  ])('what a filter answers %s', async (_what, fields, expected) => {
    const { harness } = new Observed({
      requestFilter: () => ({ status: 403, ...(fields === undefined ? {} : { fields }) }),
    });
    await using _ = harness;
    harness.pool();
    const answer = await ask(await harness.listen({ protocol: 'http', filters: ['./a.ts'] }));
    expect([statusOf(answer), idsOf(answer)]).toEqual([403, [expected]]);
  });
});

test.each<[what: string, request: string, status: number]>([
  ['no Host', 'GET / HTTP/1.1\r\nX-Request-Id: said-1\r\n\r\n', 400],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['HTTP/2.0', 'PRI * HTTP/2.0\r\n\r\n', 505],
  ['too many fields', get('/', 'A: b\r\n'.repeat(200)), 431],
  ['a path that hides something', get('/a/..%2fb'), 400],
])('a head that was refused for %s is told under an id that the log has', async (_what, request, status) => {
  const observed = new Observed();
  await using harness = observed.harness;
  const answer = await ask(await harness.listen({ protocol: 'http' }), request);
  expect([statusOf(answer), idsOf(answer)]).toEqual([status, [expect.stringMatching(MADE)]]);
  expect(observed.refused).toMatchObject([{ requestId: idsOf(answer)[0], status }]);
});
