/** Connections that rest keep no large buffers from those that move bulk. */
import { ReadBuffers, rawTransportWith } from '@muster/transport';
import { expect, test } from 'vitest';
import { client, get, ok, scripted, until } from '../testing/http/scripted.ts';
import { Client, ProxyHarness } from '../testing/proxy-harness.ts';

const COUNT = 8;
const BULK = 'x'.repeat(2_000_000);

test('kept-alive connections that have moved bulk give their large buffers back', async () => {
  const buffers = new ReadBuffers({ largeMax: COUNT });
  await using harness = new ProxyHarness({ transport: rawTransportWith(buffers)! });
  const backend = await scripted(harness);
  harness.pool();
  harness.register('a', backend.target);
  const port = await harness.listen({ protocol: 'http' });
  const asking = Array.from({ length: COUNT }, () => client(port));
  for (const one of asking) one.write(get());
  const peers = [];
  while (peers.length < COUNT) peers.push(await backend.accepted());
  for (const peer of peers) peer.write(ok(BULK));
  for (const one of asking) await one.message();
  await until(() => harness.proxy.stats().pools['p']!.now.connectionsIdle === COUNT);
  expect(buffers.largeInUseCount).toBeLessThanOrEqual(COUNT / 2);
  for (const one of asking) one.socket.destroy();
});

test('a quiet relay yields its large buffers to one that moves bulk', async () => {
  const buffers = new ReadBuffers({ largeMax: 2 });
  await using harness = new ProxyHarness({ transport: rawTransportWith(buffers)! });
  const backend = await harness.backend((socket) => socket.pipe(socket));
  harness.pool();
  harness.register('a', backend.target);
  const port = await harness.listen();
  const quiet = new Client(port);
  quiet.socket.write(BULK);
  await quiet.read(BULK.length);
  expect(buffers.largeInUseCount).toBeGreaterThan(0);
  const busy = new Client(port);
  for (let round = 0; round < 3; round++) {
    busy.socket.write(BULK);
    expect(await busy.read(BULK.length)).toHaveLength(BULK.length);
  }
  // Whose buffers they are by now is not told; that nothing was cut or mixed on either is.
  quiet.socket.write('still here');
  expect(await quiet.read(10)).toBe('still here');
  quiet.socket.destroy();
  busy.socket.destroy();
});
