/** Connections to backends: which is used again, which is not, how many there may be, and who waits for one. */
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import { rawTransport, socketTransport } from '@muster/transport';
import { answering, ask, bodyOf, client, expectNothingUnderWay, gauges, get } from '../../testing/http/scripted.ts';
import { ok, post, scripted, statusOf, until, valuesOf, type ScriptedBackend } from '../../testing/http/scripted.ts';

type PoolSpec = Parameters<ProxyHarness['pool']>[0];

/** A pool with one backend that a test talks on, and a listener. */
async function oneBackend(
  harness: ProxyHarness,
  spec: PoolSpec = {},
): Promise<{ backend: ScriptedBackend; port: number }> {
  const backend = await scripted(harness);
  harness.pool(spec);
  harness.register('a', backend.target);
  return { backend, port: await harness.listen({ protocol: 'http' }) };
}

/** As many requests at once, each on a connection of its own, all of them answered; the connections in the order of the answers. */
async function openAtOnce(count: number, { backend, port }: { backend: ScriptedBackend; port: number }) {
  const peers = [];
  const clients = [];
  for (let index = 0; index < count; index++) {
    const asking = client(port);
    clients.push(asking);
    asking.write(get());
    const peer = await backend.accepted();
    await peer.message();
    peers.push(peer);
  }
  for (const [index, peer] of peers.entries()) {
    peer.write(ok(''));
    await clients[index]!.message();
    clients[index]!.socket.destroy();
  }
  return peers;
}

describe.each([rawTransport!, socketTransport])('kept-alive connections on the $name transport', (transport) => {
  test('the one that was used last is used next', async () => {
    await using harness = new ProxyHarness({ transport });
    const place = await oneBackend(harness);
    const [, second, third] = await openAtOnce(3, place);
    const asking = [client(place.port), client(place.port)];
    asking[0]!.write(get('/1'));
    expect(await third!.message()).toContain('GET /1 ');
    asking[1]!.write(get('/2'));
    expect(await second!.message()).toContain('GET /2 ');
    expect(place.backend.peers.length).toBe(3);
    for (const one of asking) one.socket.destroy();
  });

  test('no more than maxIdleConnectionsPerBackend wait', async () => {
    await using harness = new ProxyHarness({ transport });
    const place = await oneBackend(harness, { maxIdleConnectionsPerBackend: 2 });
    const [, , third] = await openAtOnce(3, place);
    expect(await third!.rest()).toBe('');
    expect(gauges(harness)).toMatchObject({ connectionsOpen: 2, connectionsIdle: 2 });
  });

  test('one that has waited for upstreamIdleTimeoutMs is closed', async () => {
    await using harness = new ProxyHarness({ transport });
    const place = await oneBackend(harness, { upstreamIdleTimeoutMs: 1 });
    const [peer] = await openAtOnce(1, place);
    expect(await peer!.rest()).toBe('');
    expect(gauges(harness).connectionsOpen).toBe(0);
  });

  test('one that has reached upstreamMaxAgeMs waits no longer', async () => {
    await using harness = new ProxyHarness({ transport });
    const place = await oneBackend(harness, { upstreamMaxAgeMs: 150, upstreamIdleTimeoutMs: 60_000 });
    const [peer] = await openAtOnce(1, place);
    expect(await peer!.rest()).toBe('');
    expect(gauges(harness).connectionsOpen).toBe(0);
  });

  test('one whose end came while it waited is not used', async () => {
    await using harness = new ProxyHarness({ transport });
    const place = await oneBackend(harness);
    const [peer] = await openAtOnce(1, place);
    peer!.socket.end();
    await until(() => gauges(harness).connectionsOpen === 0);
    const asking = client(place.port);
    asking.write(post('once'));
    expect(await (await place.backend.accepted()).message()).toContain('once');
    asking.socket.destroy();
  });

  test('one on which something comes unasked is closed', async () => {
    await using harness = new ProxyHarness({ transport });
    const place = await oneBackend(harness);
    const [peer] = await openAtOnce(1, place);
    peer!.write('HTTP/1.1 408 Request Timeout\r\n\r\n');
    expect(await peer!.rest()).toBe('');
    expect(gauges(harness).connectionsOpen).toBe(0);
  });

  test.each([
    ['in the same piece', ok('') + ok('not yours')],
    ['behind chunks', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${ok('not yours')}`],
    ['behind an answer that has no body', 'HTTP/1.1 204 No Content\r\n\r\nx'],
    ['where a length announces it', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'],
  ])('what a backend says besides its answer reaches nobody: %s', async (_, answer) => {
    await using harness = new ProxyHarness({ transport });
    const { backend, port } = await oneBackend(harness);
    const asking = client(port);
    asking.write(get());
    const peer = await backend.accepted();
    await peer.message();
    peer.write(answer);
    expect(statusOf(await asking.message())).toBe(
      answer === ok('') + ok('not yours') ? 200 : Number(answer.slice(9, 12)),
    );
    expect(await peer.rest()).toBe('');
    asking.write(get('/2'));
    const second = await backend.accepted();
    await second.message();
    second.write(ok('yours'));
    expect(await asking.takeTo('yours')).not.toContain('not yours');
    asking.socket.destroy();
  });

  test.each(['Connection: close\r\n', 'Connection: x, CLOSE\r\n'])('%j ends it', async (fields) => {
    await using harness = new ProxyHarness({ transport });
    const { backend, port } = await oneBackend(harness);
    const asking = client(port);
    asking.write(get());
    const peer = await backend.accepted();
    await peer.message();
    peer.write(ok('', fields));
    expect(valuesOf(await asking.message(), 'Connection')).toEqual([]);
    expect(await peer.rest()).toBe('');
    asking.socket.destroy();
  });
});

describe('maxConnectionsPerBackend', () => {
  test('who finds all full waits, first come, first served', async () => {
    await using harness = new ProxyHarness();
    const { backend, port } = await oneBackend(harness, { maxConnectionsPerBackend: 1 });
    const clients = [];
    for (let index = 0; index < 5; index++) {
      const asking = client(port);
      clients.push(asking);
      asking.write(get(`/${index}`));
      await until(() => gauges(harness).requestsInFlight === index + 1);
    }
    expect(gauges(harness)).toMatchObject({ requestsWaiting: 4, connectionsOpen: 1 });
    const peer = await backend.accepted();
    for (const [index, asking] of clients.entries()) {
      expect(await peer.message()).toContain(`GET /${index} `);
      peer.write(ok(''));
      await asking.message();
      asking.socket.destroy();
    }
    expect(backend.peers.length).toBe(1);
    await expectNothingUnderWay(harness);
  });

  test('one more than maxWaitingRequests is told to come again', async () => {
    await using harness = new ProxyHarness();
    const { port } = await oneBackend(harness, { maxConnectionsPerBackend: 1, maxWaitingRequests: 1 });
    const clients = [client(port), client(port)];
    for (const asking of clients) asking.write(get());
    await until(() => gauges(harness).requestsWaiting === 1);
    const answer = await ask(port);
    expect(statusOf(answer)).toBe(503);
    expect(valuesOf(answer, 'Muster-Reason')).toEqual(['backends_full']);
    expect(valuesOf(answer, 'Retry-After')).toEqual(['1']);
    for (const asking of clients) asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('who has waited for waitTimeoutMs is told so, and the next request on its connection is served', async () => {
    await using harness = new ProxyHarness();
    const { backend, port } = await oneBackend(harness, { maxConnectionsPerBackend: 1, waitTimeoutMs: 1 });
    const [first, second] = [client(port), client(port)];
    first.write(get());
    const peer = await backend.accepted();
    await peer.message();
    second.write(get());
    expect(valuesOf(await second.message(), 'Muster-Reason')).toEqual(['wait_timeout']);
    peer.write(ok(''));
    await first.message();
    second.write(get('/again'));
    expect(await peer.message()).toContain('/again');
    for (const asking of [first, second]) asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('a client that leaves while it waits leaves the line', async () => {
    await using harness = new ProxyHarness();
    const { backend, port } = await oneBackend(harness, { maxConnectionsPerBackend: 1 });
    const [first, leaving, third] = [client(port), client(port), client(port)];
    first.write(get('/1'));
    const peer = await backend.accepted();
    await peer.message();
    leaving.write(get('/2'));
    await until(() => gauges(harness).requestsWaiting === 1);
    third.write(get('/3'));
    await until(() => gauges(harness).requestsWaiting === 2);
    leaving.socket.resetAndDestroy();
    await until(() => gauges(harness).requestsWaiting === 1);
    peer.write(ok(''));
    expect(await peer.message()).toContain('GET /3 ');
    for (const asking of [first, third]) asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('a tunnel holds its place until it ends', async () => {
    await using harness = new ProxyHarness();
    const { backend, port } = await oneBackend(harness, { maxConnectionsPerBackend: 1 });
    const tunnel = client(port);
    tunnel.write(get('/ws', 'Connection: upgrade\r\nUpgrade: x\r\n'));
    const peer = await backend.accepted();
    await peer.message();
    peer.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    await tunnel.message();
    const waiting = client(port);
    waiting.write(get('/next'));
    await until(() => gauges(harness).requestsWaiting === 1);
    tunnel.socket.destroy();
    peer.socket.end();
    expect(await (await backend.accepted()).message()).toContain('/next');
    waiting.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('a backend that is full is passed over, and one that came meanwhile is found by who waits', async () => {
    await using harness = new ProxyHarness();
    const { port } = await oneBackend(harness, { maxConnectionsPerBackend: 1 });
    const other = await answering(harness, () => ok('other'));
    const [first, second] = [client(port), client(port)];
    first.write(get());
    await until(() => gauges(harness).requestsInFlight === 1);
    second.write(get());
    await until(() => gauges(harness).requestsWaiting === 1);
    harness.register('b', other.target);
    expect(bodyOf(await second.message())).toBe('other');
    expect(bodyOf(await ask(port))).toBe('other');
    for (const asking of [first, second]) asking.socket.destroy();
  });
});
