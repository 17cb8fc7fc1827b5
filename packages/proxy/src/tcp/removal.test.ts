/** I4: connections to a target that is no longer in its pool are closed at once; drains and their deadlines. */
import { roomFor } from '@muster/transport/testing';
import { describe, expect, test } from 'vitest';
import { Client, ProxyHarness } from '../../testing/proxy-harness.ts';
import { rawTransport, socketTransport } from '@muster/transport';

const HOUR_MS = 3_600_000;

describe.each([rawTransport!, socketTransport])('the connection table on the $name transport', (transport) => {
  const twoBackends = async (harness: ProxyHarness, spec: Parameters<ProxyHarness['pool']>[0] = {}) => {
    const [a, b] = [await harness.named('a'), await harness.named('b')];
    harness.pool(spec);
    harness.register('a', a.target);
    harness.register('b', b.target);
    const port = await harness.listen();
    const clients = [new Client(port), new Client(port)];
    const names = await Promise.all(clients.map((client) => client.read(1)));
    const [onA, onB] = names[0] === 'a' ? clients : clients.toReversed();
    return { a, b, port, onA: onA!, onB: onB! };
  };

  /** 'ping' while the connection to its echoing backend lives. */
  const echo = (client: Client) => {
    client.socket.write('ping');
    return client.read(4);
  };

  test('I4: connections to a removed backend are closed at once, the others live on', async () => {
    await using harness = new ProxyHarness({ transport });
    const { onA, onB } = await twoBackends(harness);
    harness.deregister('a');
    expect(harness.proxy.stats().total).toMatchObject({ open: 1, closed: { target_removed: 1 } });
    await onA.finish();
    expect(await echo(onB)).toBe('ping');
    onB.socket.destroy();
  });

  test('I4: connections to a retargeted backend are closed, and new ones go to the new target', async () => {
    await using harness = new ProxyHarness({ transport });
    const { onA, onB, port } = await twoBackends(harness);
    const moved = await harness.named('m');
    harness.deregister('b');
    harness.register('a', moved.target);
    await Promise.all([onA.finish(), onB.finish()]);
    const client = new Client(port);
    expect(await client.read(1)).toBe('m');
    client.socket.destroy();
  });

  test('I4: a thousand connections are closed in the call that removes their backend', async () => {
    // A client, what the proxy accepted and dialled, and the backend's side.
    const count = roomFor(1_000, 4);
    await using harness = new ProxyHarness({ transport });
    const [a, b] = [await harness.named('a'), await harness.named('b')];
    harness.pool();
    harness.register('a', a.target, 1_000);
    const port = await harness.listen();
    const clients = Array.from({ length: count }, () => new Client(port));
    await Promise.all(clients.map((client) => client.read(1)));
    harness.deregister('a');
    expect(harness.proxy.stats().total).toMatchObject({ open: 0, closed: { target_removed: count } });
    harness.register('b', b.target);
    const next = new Client(port);
    expect(await next.read(1)).toBe('b');
    await Promise.all(clients.map((client) => client.finish()));
    next.socket.destroy();
  });

  test('removing the pool closes what it carried and refuses what comes', async () => {
    await using harness = new ProxyHarness({ transport });
    const { onA, onB, port } = await twoBackends(harness);
    harness.deregister('a');
    harness.deregister('b');
    harness.publish('pool.p', { type: 'PoolRemoved' });
    await Promise.all([onA.finish(), onB.finish()]);
    await new Client(port).finish();
    expect(harness.proxy.stats().total.refused.unknown_pool).toBe(1);
  });

  test('a target that another backend of the pool has too is still a member', async () => {
    await using harness = new ProxyHarness({ transport });
    const { a, onA, onB } = await twoBackends(harness);
    harness.register('a-again', a.target);
    harness.deregister('a');
    expect(await echo(onA)).toBe('ping');
    harness.deregister('a-again');
    await onA.finish();
    onB.socket.destroy();
  });

  test('a drained backend keeps its connections and gets no new ones', async () => {
    await using harness = new ProxyHarness({ transport });
    const { onA, onB, port } = await twoBackends(harness);
    harness.setMode('a', 'drain');
    const more = [new Client(port), new Client(port)];
    expect(await Promise.all(more.map((client) => client.read(1)))).toEqual(['b', 'b']);
    expect(await echo(onA)).toBe('ping');
    for (const { socket } of [onA, onB, ...more]) socket.destroy();
  });

  test('the drain timeout counts from the time of the event', async () => {
    await using harness = new ProxyHarness({ transport });
    harness.journalMs = () => Date.now() - HOUR_MS;
    const { onA, onB } = await twoBackends(harness, { drainTimeoutMs: HOUR_MS });
    harness.setMode('a', 'maint');
    await onA.finish();
    expect(harness.proxy.stats().total.closed.drain_timeout).toBe(1);
    expect(await echo(onB)).toBe('ping');
    onB.socket.destroy();
  });

  test("a journal's clock that runs ahead prolongs no drain", async () => {
    await using harness = new ProxyHarness({ transport });
    harness.journalMs = () => Date.now() + HOUR_MS;
    const { onA, onB } = await twoBackends(harness, { drainTimeoutMs: 1 });
    harness.setMode('a', 'drain');
    await onA.finish();
    expect(harness.proxy.stats().total.closed.drain_timeout).toBe(1);
    onB.socket.destroy();
  });

  test('back to ready calls the drain off', async () => {
    await using harness = new ProxyHarness({ transport });
    const { onA, onB } = await twoBackends(harness, { drainTimeoutMs: 1 });
    harness.setMode('a', 'drain');
    harness.setMode('a', 'ready');
    harness.setMode('b', 'drain');
    await onB.finish();
    expect(await echo(onA)).toBe('ping');
    onA.socket.destroy();
  });

  test('onRemoval drain gives the connections of a removed backend the drain timeout', async () => {
    await using harness = new ProxyHarness({ transport });
    const { onA, onB } = await twoBackends(harness, { onRemoval: 'drain', drainTimeoutMs: 1 });
    harness.deregister('a');
    expect(harness.proxy.stats().total.open).toBe(2);
    await onA.finish();
    expect(harness.proxy.stats().total.closed).toMatchObject({ target_removed: 0, drain_timeout: 1 });
    expect(await echo(onB)).toBe('ping');
    onB.socket.destroy();
  });

  test('registered again before its deadline, a removed backend keeps its connections', async () => {
    await using harness = new ProxyHarness({ transport });
    const { a, onA, onB } = await twoBackends(harness, { onRemoval: 'drain', drainTimeoutMs: 1 });
    harness.deregister('a');
    harness.register('a', a.target);
    harness.setMode('b', 'drain');
    await onB.finish();
    expect(await echo(onA)).toBe('ping');
    onA.socket.destroy();
  });

  test('connections to a backend that turned unhealthy live on, and new ones go elsewhere', async () => {
    await using harness = new ProxyHarness({ transport });
    const { a, b, onA, onB, port } = await twoBackends(harness);
    for (const [id, { target }] of Object.entries({ a, b })) {
      harness.publish(`health.n.p.${id}`, { type: 'BackendTurnedHealthy', target, reason: 'connected' });
    }
    harness.pool({ health: { tcp: true } });
    harness.publish('health.n.p.a', { type: 'BackendTurnedUnhealthy', target: a.target, reason: 'connection refused' });
    const client = new Client(port);
    expect(await client.read(1)).toBe('b');
    expect(await echo(onA)).toBe('ping');
    for (const { socket } of [onA, onB, client]) socket.destroy();
  });

  test('connections of a removed pool are those of the pool that has their target now, and I4 holds for them there', async () => {
    await using harness = new ProxyHarness({ transport });
    const { a, onA, onB } = await twoBackends(harness);
    harness.publish('pool.renamed', { type: 'PoolDefined' });
    harness.publish('backend.renamed.a', { type: 'BackendRegistered', target: a.target });
    harness.publish('pool.p', { type: 'PoolRemoved' });
    await onB.finish();
    expect(await echo(onA)).toBe('ping');
    expect(harness.proxy.stats().pools).toMatchObject({ renamed: { now: { connectionsOpen: 1 } } });
    harness.publish('backend.renamed.a', { type: 'BackendDeregistered' });
    await onA.finish();
    expect(harness.proxy.stats().total).toMatchObject({ open: 0, closed: { target_removed: 2 } });
  });

  test('a removed listener stops accepting, its connections finish, another listener is undisturbed', async () => {
    await using harness = new ProxyHarness({ transport });
    const { onA, onB, port } = await twoBackends(harness);
    const otherPort = await harness.listen({ id: 'other' });
    const other = new Client(otherPort);
    await other.read(1);
    await new Promise<void>((resolve) => harness.proxy.closeListener('web', HOUR_MS, resolve));
    await new Client(port).closed;
    expect(await echo(onA)).toBe('ping');
    harness.proxy.closeListener('unknown', 0);
    onA.socket.end();
    await onA.finish();
    expect(await echo(other)).toBe('ping');
    expect(harness.proxy.stats().listeners).not.toHaveProperty('web');
    expect(harness.proxy.stats().total.accepted).toBe(3);
    for (const { socket } of [onB, other]) socket.destroy();
  });

  test('what a removed listener still has open after its drain timeout is closed', async () => {
    await using harness = new ProxyHarness({ transport });
    const { onA, onB } = await twoBackends(harness);
    harness.proxy.closeListener('web', 1);
    await Promise.all([onA.finish(), onB.finish()]);
    expect(harness.proxy.stats().total).toMatchObject({ open: 0, closed: { listener_removed: 2 } });
  });
});
