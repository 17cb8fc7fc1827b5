/** What a relayed connection promises: every byte, half-closes, backpressure, idle timeout. On both transports. */
import { createHash, randomFillSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Client, collect, ProxyHarness } from '../../testing/proxy-harness.ts';
import { rawTransport, socketTransport } from '@muster/transport';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const BULK_BYTES = 24 * 1_024 * 1_024;

test('this Node has the handles that the raw transport knows', () => {
  expect(rawTransport?.name).toBe('raw');
});

describe.each([rawTransport!, socketTransport])('the relay on the $name transport', (transport) => {
  test('connections alternate strictly between two backends', async () => {
    await using harness = new ProxyHarness({ transport });
    const [a, b] = [await harness.named('a'), await harness.named('b')];
    harness.pool();
    harness.register('a', a.target);
    harness.register('b', b.target);
    const port = await harness.listen();
    let names = '';
    for (let turn = 0; turn < 6; turn++) {
      const client = new Client(port);
      names += await client.read(1);
      client.socket.destroy();
    }
    expect(names).toBe('ababab');
  });

  test('a half-close from the client reaches the backend, whose answer still comes back whole', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await harness.backend(async (socket) => {
      const question = await collect(socket);
      socket.end(`heard ${question.toString()}`);
    });
    harness.pool();
    harness.register('a', backend.target);
    const client = new Client(await harness.listen());
    client.socket.end('the question');
    expect(await client.finish()).toBe('heard the question');
    expect(harness.proxy.stats().total).toMatchObject({ open: 0, closed: { finished: 1, reset: 0 } });
  });

  test('a half-close from the backend reaches the client, which may go on sending', async () => {
    await using harness = new ProxyHarness({ transport });
    const heard = Promise.withResolvers<string>();
    const backend = await harness.backend((socket) => {
      socket.end('greeting');
      void collect(socket).then((bytes) => heard.resolve(bytes.toString()));
    });
    harness.pool();
    harness.register('a', backend.target);
    const client = new Client(await harness.listen());
    expect(await client.readAll()).toBe('greeting');
    client.socket.end('sent after the end of the other side');
    expect(await heard.promise).toBe('sent after the end of the other side');
    await client.closed;
  });

  test('bulk in both directions at once arrives unchanged', async () => {
    await using harness = new ProxyHarness({ transport });
    const [down, up] = [randomFillSync(Buffer.alloc(BULK_BYTES)), randomFillSync(Buffer.alloc(BULK_BYTES))];
    const received = Promise.withResolvers<Buffer>();
    const backend = await harness.backend((socket) => {
      socket.end(down);
      void collect(socket).then(received.resolve);
    });
    harness.pool();
    harness.register('a', backend.target);
    const client = new Client(await harness.listen());
    client.socket.removeAllListeners('data');
    client.socket.end(up);
    expect(sha256(await collect(client.socket))).toBe(sha256(down));
    expect(sha256(await received.promise)).toBe(sha256(up));
    await client.closed;
    expect(harness.proxy.stats().total).toMatchObject({
      bytesFromDownstream: BULK_BYTES,
      bytesFromUpstream: BULK_BYTES,
    });
  });

  test('many slow and fast readers at once each get their own bytes', async () => {
    await using harness = new ProxyHarness({ transport });
    const bodies = Array.from({ length: 8 }, () => randomFillSync(Buffer.alloc(4 * 1_024 * 1_024)));
    const backend = await harness.backend((socket) => {
      socket.once('data', (index: Buffer) => socket.end(bodies[Number(index.toString())]!));
    });
    harness.pool();
    harness.register('a', backend.target);
    const port = await harness.listen();
    const clients = bodies.map((_, index) => {
      const client = new Client(port);
      client.socket.removeAllListeners('data').pause();
      client.socket.write(String(index));
      return client;
    });
    // The odd ones start only when the even ones are done: until then they are as slow as a reader can be.
    for (const parity of [0, 1]) {
      const part = clients.map((client, index) => ({ client, index })).filter(({ index }) => index % 2 === parity);
      const digests = await Promise.all(part.map(async ({ client }) => sha256(await collect(client.socket))));
      expect(digests).toEqual(part.map(({ index }) => sha256(bodies[index]!)));
    }
    for (const { socket } of clients) socket.destroy();
  });

  test('a reader that stops reading stops the sender: the proxy holds a bounded part', async () => {
    await using harness = new ProxyHarness({ transport });
    const chunk = Buffer.alloc(1_024 * 1_024);
    const backend = await harness.backend((socket) => {
      const pour = () => {
        while (socket.write(chunk));
        socket.once('drain', pour);
      };
      pour();
    });
    harness.pool();
    harness.register('a', backend.target);
    const client = new Client(await harness.listen());
    client.socket.pause();
    // With both ends' kernel buffers full nothing moves: two looks at the counter a turn of the wheel apart agree.
    let before = 0;
    while (before === 0 || before !== harness.proxy.stats().total.bytesFromUpstream) {
      before = harness.proxy.stats().total.bytesFromUpstream;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(before).toBeLessThan(64 * 1_024 * 1_024);
    client.socket.destroy();
  });

  test.each(['client', 'backend'] as const)('a reset by the %s closes the other side', async (side) => {
    await using harness = new ProxyHarness({ transport });
    const backendClosed = Promise.withResolvers<void>();
    const backend = await harness.backend((socket) => {
      socket.resume().write('a');
      socket.on('end', () => socket.end()).on('close', () => backendClosed.resolve());
    });
    harness.pool();
    harness.register('a', backend.target);
    const client = new Client(await harness.listen());
    await client.read(1);
    if (side === 'client') client.socket.resetAndDestroy();
    else for (const socket of backend.sockets) socket.resetAndDestroy();
    await backendClosed.promise;
    await client.finish();
    expect(harness.proxy.stats().total).toMatchObject({ open: 0, closed: { reset: 1 } });
  });

  test('an answer that a backend sends before it resets the unread request is not cut', async () => {
    await using harness = new ProxyHarness({ transport });
    const body = randomFillSync(Buffer.alloc(512 * 1_024));
    const backend = await harness.backend((socket) => {
      socket.pause();
      socket.end(body);
    });
    harness.pool();
    harness.register('a', backend.target);
    const client = new Client(await harness.listen());
    client.socket.removeAllListeners('data');
    expect(sha256(await collect(client.socket))).toBe(sha256(body));
    client.socket.destroy();
  });

  test('Unix sockets and host names are targets too', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'muster-'));
    await using harness = new ProxyHarness({ transport });
    const unix = await harness.backend((socket) => socket.end('unix'), join(directory, 's'));
    const named = await harness.backend((socket) => socket.end('named'));
    harness.pool();
    harness.register('a', unix.target);
    harness.register('b', named.target.replace('127.0.0.1', 'localhost'));
    const port = await harness.listen();
    expect(await new Client(port).finish()).toBe('unix');
    expect(await new Client(port).finish()).toBe('named');
    await rm(directory, { recursive: true });
  });

  test('a name that does not resolve is a failed dial', async () => {
    await using harness = new ProxyHarness({ transport });
    harness.pool();
    harness.register('a', 'does-not-exist.invalid:80');
    expect(await new Client(await harness.listen()).finish()).toBe('');
    expect(harness.proxy.stats().total.refused.connect_failed).toBe(1);
  });

  test('an idle connection is closed, and so is its other side', async () => {
    await using harness = new ProxyHarness({ transport });
    const ended = Promise.withResolvers<void>();
    const backend = await harness.backend((socket) => void socket.resume().on('end', ended.resolve));
    harness.pool();
    harness.register('a', backend.target);
    const client = new Client(await harness.listen({ idleTimeoutMs: 1 }));
    await client.finish();
    await ended.promise;
    expect(harness.proxy.stats().total).toMatchObject({ open: 0, closed: { idle: 1 } });
  });

  test('draining a worker lets connections finish, then it is done', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await harness.named('a');
    harness.pool();
    harness.register('a', backend.target);
    const port = await harness.listen();
    const client = new Client(port);
    await client.read(1);
    const drained = harness.proxy.drain(60_000);
    const late = new Client(port);
    await late.closed;
    client.socket.end('last words');
    expect(await client.finish()).toBe('last words');
    await drained;
    expect(harness.proxy.stats().total).toMatchObject({ open: 0, closed: { finished: 1 } });
  });
});
