/** A listener that stops takes the request that is on its way on each kept-alive connection, and no other. */
import { expect, test } from 'vitest';
import { Client, ProxyHarness } from '../../testing/proxy-harness.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function keptAliveClient(harness: ProxyHarness): Promise<Client> {
  const backend = await harness.backend((socket) => {
    socket.on('data', () => socket.write(ANSWER));
  });
  harness.pool();
  harness.register('b-1', backend.target);
  const client = new Client(await harness.listen({ protocol: 'http' }));
  client.socket.write(GET);
  let answer = '';
  while (!answer.endsWith('\r\n\r\nok')) answer += await client.read(1);
  return client;
}

test('a request that was sent before the stop was noticed is answered, and its answer is the last', async () => {
  await using harness = new ProxyHarness();
  const client = await keptAliveClient(harness);
  // It is in the kernel when the listener stops; nobody has read it.
  client.socket.write(GET);
  const drained = harness.proxy.drain(10_000);
  expect(await client.readAll()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*ok$/);
  client.socket.end();
  await drained;
  expect(harness.proxy.stats().total.closed).toMatchObject({ finished: 1, idle: 0, shutdown: 0 });
});

test('a connection that brings no further request is closed after a moment', async () => {
  await using harness = new ProxyHarness();
  const client = await keptAliveClient(harness);
  const drained = harness.proxy.drain(10_000);
  expect(await client.readAll()).toBe('');
  await drained;
  expect(harness.proxy.stats().total.closed).toMatchObject({ finished: 1, idle: 0, shutdown: 0 });
});
