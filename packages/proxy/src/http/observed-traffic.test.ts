/** What the data plane says of the requests that it served, and what it forgets. */
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Client, ProxyHarness } from '../../testing/proxy-harness.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Answers each request, which comes in one piece. */
function answering(socket: Socket): void {
  socket.on('data', () => socket.write(ANSWER));
}

async function ask(port: number): Promise<string> {
  const client = new Client(port);
  client.socket.write('GET /a?b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  return client.finish();
}

function requestsOf({ proxy }: ProxyHarness): Record<string, number> {
  const { pools } = proxy.stats().http;
  const rows = pools.flatMap(({ listener, pool, backends, requests }) =>
    backends.map((id, at) => [`${listener}/${pool}/${id}`, requests.slice(at * 6, at * 6 + 6).reduce((a, b) => a + b)]),
  );
  return Object.fromEntries(rows) as Record<string, number>;
}

test('removed backends, pools and listeners are no longer counted under', async () => {
  await using harness = new ProxyHarness();
  const backends = [await harness.backend(answering), await harness.backend(answering)];
  harness.pool();
  for (const [index, { target }] of backends.entries()) harness.register(`b-${index}`, target);
  const ports = [await harness.listen({ protocol: 'http' }), await harness.listen({ id: 'api', protocol: 'http' })];
  for (const port of [ports[0]!, ports[0]!, ports[1]!]) expect(await ask(port)).toMatch(/ 200 OK\r\n/);
  expect(requestsOf(harness)).toEqual({ 'web/p/b-0': 1, 'web/p/b-1': 1, 'api/p/b-0': 1 });
  harness.deregister('b-0');
  expect(requestsOf(harness)).toEqual({ 'web/p/b-1': 1 });
  harness.proxy.closeListener('web', 0);
  expect(requestsOf(harness)).toEqual({});
  await ask(ports[1]!);
  expect(requestsOf(harness)).toEqual({ 'api/p/b-1': 1 });
  harness.publish('pool.p', { type: 'PoolRemoved' });
  expect(requestsOf(harness)).toEqual({});
});

test('connections and requests of a pool are told as they are', async () => {
  await using harness = new ProxyHarness();
  const { promise: asked, resolve } = Promise.withResolvers<Socket>();
  const backend = await harness.backend((socket) => socket.once('data', () => resolve(socket)));
  harness.pool({ maxConnectionsPerBackend: 1 });
  harness.register('b', backend.target);
  const port = await harness.listen({ protocol: 'http' });
  const gauges = () => harness.proxy.stats().pools['p']!.now;
  const first = ask(port);
  const socket = await asked;
  expect(gauges()).toEqual({ requestsInFlight: 1, requestsWaiting: 0, connectionsOpen: 1, connectionsIdle: 0 });
  socket.write(ANSWER);
  await first;
  expect(gauges()).toEqual({ requestsInFlight: 0, requestsWaiting: 0, connectionsOpen: 1, connectionsIdle: 1 });
});

test('the newest decisions can be asked for', async () => {
  await using harness = new ProxyHarness({ decisionsKept: 2 });
  const backend = await harness.backend(answering);
  harness.pool();
  harness.register('b', backend.target);
  const port = await harness.listen({ protocol: 'http' });
  for (let count = 0; count < 3; count++) await ask(port);
  const decisions = harness.proxy.decisions({ requestId: null, limit: 10, withCandidates: true });
  expect(decisions).toHaveLength(2);
  const attempts = [{ backend: 'b', revision: 2, policy: 'round_robin', isReused: true, candidates: [{ id: 'b' }] }];
  expect(decisions[0]).toMatchObject({ method: 'GET', path: '/a', queryBytes: 1, pool: 'p', status: 200, attempts });
});
