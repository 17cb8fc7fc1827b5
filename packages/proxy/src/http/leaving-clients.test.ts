/** A client that leaves is noticed in every state, and one that only half-closes gets its answer. */
import { rawTransport } from '@muster/transport';
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import type { ExchangeRecord } from './record/exchange-record.ts';
import { Filtered, Gate } from '../../testing/http/filtered.ts';
import {
  bodyOf,
  client,
  expectNothingUnderWay,
  gauges,
  get,
  ok,
  post,
  scripted,
  until,
} from '../../testing/http/scripted.ts';

const STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

async function scene(listener: object = {}, pool: object = {}) {
  const records: ExchangeRecord[] = [];
  const harness = new ProxyHarness({ transport: rawTransport!, onExchange: (record) => void records.push(record) });
  const backend = await scripted(harness);
  harness.pool(pool);
  harness.register('a', backend.target);
  const port = await harness.listen({ protocol: 'http', ...listener });
  return { harness, backend, port, records };
}

test('a client that closes a silent event stream is cut after halfCloseTimeoutMs', async () => {
  const { harness, backend, port, records } = await scene({ halfCloseTimeoutMs: 100 });
  await using _ = harness;
  const asking = client(port);
  asking.write(get());
  const peer = await backend.accepted();
  await peer.message();
  peer.write(STREAM);
  await asking.takeTo('\r\n\r\n');
  asking.socket.end();
  await until(() => records.length === 1);
  expect(records[0]!.termination).toBe('client_left');
  await until(() => peer.hasEnded);
  asking.socket.destroy();
  await expectNothingUnderWay(harness);
});

test('a client that half-closes is served as long as its answer moves', async () => {
  const { harness, backend, port } = await scene({ halfCloseTimeoutMs: 300 });
  await using _ = harness;
  const asking = client(port);
  asking.write(get());
  asking.socket.end();
  const peer = await backend.accepted();
  await peer.message();
  const startedMs = performance.now();
  peer.write(STREAM);
  while (performance.now() - startedMs < 900) {
    peer.write('1\r\nx\r\n');
    await until(() => asking.text.endsWith('x\r\n'));
    asking.text = '';
  }
  peer.write('0\r\n\r\n');
  expect(await asking.rest()).toContain('0\r\n\r\n');
  await expectNothingUnderWay(harness);
});

describe('a client that half-closes while its request waits for room', () => {
  /** The only place is taken; the second request waits, and its client has ended its side. */
  async function waiting(halfCloseTimeoutMs: number) {
    const pool = { maxConnectionsPerBackend: 1, waitTimeoutMs: 60_000 };
    const { harness, backend, port, records } = await scene({ halfCloseTimeoutMs }, pool);
    const first = client(port);
    first.write(get('/first'));
    const peer = await backend.accepted();
    await peer.message();
    const second = client(port);
    second.write(get('/second'));
    await until(() => gauges(harness).requestsWaiting === 1);
    second.socket.end();
    return { harness, peer, records, first, second };
  }

  test('is served when there is room', async () => {
    const { harness, peer, first, second } = await waiting(60_000);
    await using _ = harness;
    peer.write(ok('1'));
    expect(bodyOf(await first.message())).toBe('1');
    expect(await peer.message()).toContain('GET /second');
    peer.write(ok('2'));
    expect(await second.rest()).toContain('2');
    first.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('is taken to be gone after halfCloseTimeoutMs, and its request is never sent', async () => {
    const { harness, peer, records, first } = await waiting(100);
    await using _ = harness;
    await until(() => gauges(harness).requestsWaiting === 0);
    expect(records.map(({ termination }) => termination)).toEqual(['client_left']);
    peer.write(ok('1'));
    await first.message();
    expect(peer.text).toBe('');
    first.socket.destroy();
    await expectNothingUnderWay(harness);
  });
});

describe.each([
  ['with a body that is still to come', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf'],
  ['with all of its body', post('whole')],
  ['with another behind it', get() + get('/next')],
])('a request %s whose client resets', (_what, request) => {
  test('while it waits for room is never sent', async () => {
    const { harness, backend, port, records } = await scene({}, { maxConnectionsPerBackend: 1, waitTimeoutMs: 60_000 });
    await using _ = harness;
    const first = client(port);
    first.write(get('/first'));
    const peer = await backend.accepted();
    await peer.message();
    const second = client(port);
    second.write(request);
    await until(() => gauges(harness).requestsWaiting === 1);
    second.socket.resetAndDestroy();
    await until(() => gauges(harness).requestsWaiting === 0);
    peer.write(ok(''));
    await first.message();
    expect(records.map(({ termination }) => termination).sort()).toEqual(['client_left', 'finished']);
    expect(peer.text).toBe('');
    first.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('while a filter is asked is never sent', async () => {
    const gate = new Gate();
    await using filtered = await Filtered.by([{ requestFilter: () => gate.pass() }]);
    const backend = await scripted(filtered.harness);
    filtered.harness.register('b', backend.target);
    const asking = client(filtered.port);
    asking.write(request);
    await gate.reached;
    asking.socket.resetAndDestroy();
    await until(() => filtered.records.length === 1);
    expect(filtered.last.termination).toBe('client_left');
    gate.open();
    await filtered.expectNothingUnderWay();
    expect(backend.peers).toEqual([]);
  });
});

test('a client that resets while its backend does not take its body is noticed', async () => {
  const { harness, backend, port, records } = await scene();
  await using _ = harness;
  const asking = client(port);
  asking.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n');
  asking.pour();
  const peer = await backend.accepted();
  peer.socket.pause();
  await until(() => asking.socket.writableLength > 0);
  asking.socket.resetAndDestroy();
  await until(() => records.length === 1);
  expect(records[0]!.termination).toBe('client_left');
  peer.socket.destroy();
  await expectNothingUnderWay(harness);
});

test.each(['tcp', 'tunnel'] as const)(
  'a %s client that resets while its backend takes nothing is noticed',
  async (kind) => {
    const { harness, backend, port } = await scene(kind === 'tcp' ? { protocol: 'tcp' } : {});
    await using _ = harness;
    const asking = client(port);
    asking.write(kind === 'tcp' ? 'hello' : get('/', 'Connection: upgrade\r\nUpgrade: x\r\n'));
    const peer = await backend.accepted();
    if (kind === 'tunnel') {
      await peer.message();
      peer.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
      await asking.takeTo('\r\n\r\n');
    }
    peer.socket.pause();
    asking.pour();
    let before = -1;
    // Nothing more is taken when the kernel's buffers are full on the whole way.
    for (let still = 0; still < 50;) {
      await until(() => true);
      const now = harness.proxy.stats().total.bytesFromDownstream;
      still = now === before && asking.socket.writableLength > 0 ? still + 1 : 0;
      before = now;
      await new Promise((resolve) => setImmediate(resolve));
    }
    asking.socket.resetAndDestroy();
    await until(() => harness.proxy.stats().total.open === 0);
    expect(harness.proxy.stats().total.closed.reset).toBe(1);
    peer.socket.destroy();
  },
);

test('a relay of which one side sends no more ends after halfCloseTimeoutMs of silence', async () => {
  const { harness, backend, port } = await scene({ protocol: 'tcp', halfCloseTimeoutMs: 100 });
  await using _ = harness;
  const asking = client(port);
  asking.write('hello');
  asking.socket.end();
  const peer = await backend.accepted();
  await peer.rest();
  peer.write('the answer');
  expect(await asking.take(10)).toBe('the answer');
  await until(() => harness.proxy.stats().total.closed.idle === 1);
  for (const one of [asking, peer]) one.socket.destroy();
});

test('after a drain in the middle of an answer the next request is answered, and told that it is the last', async () => {
  const { harness, backend, port } = await scene();
  await using _ = harness;
  const asking = client(port);
  asking.write(get());
  const peer = await backend.accepted();
  await peer.message();
  peer.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha');
  await asking.takeTo('ha');
  const drained = harness.proxy.drain(60_000);
  peer.write('lf');
  await asking.takeTo('lf');
  asking.write(get('/next'));
  await peer.message();
  peer.write(ok('next'));
  const answer = await asking.rest();
  expect(bodyOf(answer)).toBe('next');
  expect(answer).toContain('Connection: close\r\n');
  await drained;
});
