/** The limits of the data plane, and what happens at each of them. */
import { expect, test } from 'vitest';
import { Client, ProxyHarness } from '../../testing/proxy-harness.ts';
import type { RefusalLine } from '../listener/refusal-log.ts';

test('at the limit of connections the newest is closed at once, and there is room again when one ends', async () => {
  await using harness = new ProxyHarness({ maxConnections: 1 });
  const backend = await harness.named('a');
  harness.pool();
  harness.register('a', backend.target);
  const port = await harness.listen();
  const first = new Client(port);
  await first.read(1);
  expect(await new Client(port).finish()).toBe('');
  expect(harness.proxy.stats().total).toMatchObject({ accepted: 2, open: 1, refused: { connection_limit: 1 } });
  first.socket.end();
  await first.finish();
  const next = new Client(port);
  expect(await next.read(1)).toBe('a');
  next.socket.destroy();
});

test('a backend at its limit is passed over; when all are, the connection is closed', async () => {
  await using harness = new ProxyHarness();
  const [a, b] = [await harness.named('a'), await harness.named('b')];
  harness.pool({ maxConnectionsPerBackend: 2 });
  harness.register('a', a.target, 9);
  harness.register('b', b.target);
  const port = await harness.listen();
  const clients: Client[] = [];
  let names = '';
  for (let index = 0; index < 4; index++) {
    const client = new Client(port);
    names += await client.read(1);
    clients.push(client);
  }
  expect(names.split('').toSorted().join('')).toBe('aabb');
  expect(await new Client(port).finish()).toBe('');
  expect(harness.proxy.stats().total.refused.backends_full).toBe(1);
  for (const { socket } of clients) socket.destroy();
});

test('an empty set and an unknown pool are told apart, counted, and logged once at first', async () => {
  const lines: RefusalLine[] = [];
  await using harness = new ProxyHarness({ onRefusal: (line) => lines.push(line) });
  harness.pool();
  const empty = await harness.listen({ id: 'empty' });
  const unknown = await harness.listen({ id: 'unknown', pool: 'nobody' });
  for (const port of [empty, empty, empty, unknown]) await new Client(port).finish();
  expect(harness.proxy.stats().total.refused).toMatchObject({ empty_set: 3, unknown_pool: 1 });
  expect(lines).toEqual([
    { listener: 'empty', pool: 'p', reason: 'empty_set', suppressedCount: 0 },
    { listener: 'unknown', pool: 'nobody', reason: 'unknown_pool', suppressedCount: 0 },
  ]);
});

test('a pending fact takes a backend out of the rotation before the journal has it', async () => {
  await using harness = new ProxyHarness();
  const [a, b] = [await harness.named('a'), await harness.named('b')];
  harness.pool();
  harness.register('a', a.target);
  harness.register('b', b.target);
  const port = await harness.listen();
  harness.pending.set('p/a', {
    ejection: {
      id: 'f',
      pool: 'p',
      backend: 'a',
      timeMs: 0,
      event: { type: 'BackendEjected', target: a.target, reason: '5 failures' },
    },
  });
  harness.proxy.update(harness.view, ['p']);
  for (let turn = 0; turn < 3; turn++) {
    const client = new Client(port);
    expect(await client.read(1)).toBe('b');
    client.socket.destroy();
  }
});

test('every accepted connection is open, refused or closed, exactly once', async () => {
  await using harness = new ProxyHarness({ maxConnections: 4 });
  const backend = await harness.named('a');
  harness.pool({ maxConnectionsPerBackend: 3 });
  harness.register('a', backend.target);
  const port = await harness.listen();
  const clients = Array.from({ length: 12 }, () => new Client(port));
  await Promise.all(clients.map((client) => client.read(1)));
  const { accepted, open, refused, closed } = harness.proxy.stats().total;
  const sum = (counts: object) => Object.values(counts).reduce((total: number, count: number) => total + count, 0);
  expect({ accepted, open }).toEqual({ accepted: 12, open: 3 });
  expect(open + sum(refused) + sum(closed)).toBe(accepted);
  for (const { socket } of clients) socket.destroy();
});
