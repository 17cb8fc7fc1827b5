/** Invariant I5: what may be sent twice, what may not, and what a client is told when there is nobody left. */
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import type { ExchangeRecord } from './record/exchange-record.ts';
import { type Dial, type DialOwner, rawTransport, socketTransport, type Transport } from '@muster/transport';
import { answering, ask, bodyOf, client, expectNothingUnderWay, gauges, get } from '../../testing/http/scripted.ts';
import { ok, post, scripted, statusOf, until, valuesOf, type ScriptedBackend } from '../../testing/http/scripted.ts';

const reasonOf = (answer: string) => valuesOf(answer, 'Muster-Reason')[0];
const portOf = (target: string) => Number(target.slice(target.lastIndexOf(':') + 1));

/** An address of this host that refuses, because what listened there is gone. */
async function refusing(harness: ProxyHarness): Promise<string> {
  const backend = await harness.named('gone');
  await backend[Symbol.asyncDispose]();
  return backend.target;
}

/** The transport, except that dials to one port are never answered; `onDial` is told of each. */
function hanging(real: Transport, target: string, onDial: (owner: DialOwner) => void = () => undefined): Transport {
  return {
    ...real,
    dial(address, owner): Dial {
      if (address.kind === 'unix' || address.port !== portOf(target)) return real.dial(address, owner);
      onDial(owner);
      return { close: () => undefined };
    },
  };
}

function recording(): { records: ExchangeRecord[]; onExchange: (record: ExchangeRecord) => void } {
  const records: ExchangeRecord[] = [];
  return { records, onExchange: (record) => void records.push(record) };
}

const outcomesOf = ({ attempts }: ExchangeRecord) => attempts.map(({ backend, outcome }) => `${backend} ${outcome}`);

describe.each([rawTransport!, socketTransport])('before a byte was sent, on the $name transport', (transport) => {
  test.each([get(), post('kept')])('a backend that refuses is left for another one: %j', async (request) => {
    const { records, onExchange } = recording();
    await using harness = new ProxyHarness({ transport, onExchange });
    const backend = await answering(harness, (text) => ok(bodyOf(text)));
    harness.pool();
    harness.register('a', await refusing(harness));
    harness.register('b', backend.target);
    expect(bodyOf(await ask(await harness.listen({ protocol: 'http' }), request))).toBe(bodyOf(request));
    expect(outcomesOf(records[0]!)).toEqual(['a connect_failed', 'b answered']);
    expect(harness.proxy.stats().pools['p']).toMatchObject({ connectFailures: 1, retries: 1 });
    await expectNothingUnderWay(harness);
  });

  test('none is tried twice, and no more than connectAttempts of them', async () => {
    const { records, onExchange } = recording();
    await using harness = new ProxyHarness({ transport, onExchange });
    harness.pool({ connectAttempts: 3 });
    for (const id of ['a', 'b', 'c', 'd']) harness.register(id, await refusing(harness));
    const answer = await ask(await harness.listen({ protocol: 'http' }));
    expect([statusOf(answer), reasonOf(answer)]).toEqual([502, 'connect_failed']);
    expect(outcomesOf(records[0]!)).toEqual(['a', 'b', 'c'].map((id) => `${id} connect_failed`));
    expect(harness.proxy.stats().pools['p']).toMatchObject({ connectFailures: 3, retries: 2 });
    await expectNothingUnderWay(harness);
  });

  test('one that does not answer the dial is left after connectTimeoutMs; alone, the answer is 504', async () => {
    await using backends = new ProxyHarness();
    const silent = await scripted(backends);
    await using harness = new ProxyHarness({ transport: hanging(transport, silent.target) });
    const good = await answering(harness, () => ok('good'));
    harness.pool({ connectTimeoutMs: 1 });
    harness.register('a', silent.target);
    const port = await harness.listen({ protocol: 'http' });
    const answer = await ask(port);
    expect([statusOf(answer), reasonOf(answer)]).toEqual([504, 'connect_timeout']);
    harness.register('b', good.target);
    expect([bodyOf(await ask(port)), bodyOf(await ask(port))]).toEqual(['good', 'good']);
    await expectNothingUnderWay(harness);
  });
});

describe.each([rawTransport!, socketTransport])(
  'a kept-alive connection that ends, on the $name transport',
  (transport) => {
    /** One exchange has kept a connection alive; `request` is sent on it and it ends without an answer. */
    async function staleAt(harness: ProxyHarness, backend: ScriptedBackend, request: string) {
      harness.pool();
      harness.register('a', backend.target);
      const asking = client(await harness.listen({ protocol: 'http' }));
      asking.write(get('/first'));
      const peer = await backend.accepted();
      await peer.message();
      peer.write(ok(''));
      await asking.message();
      asking.write(request);
      const sent = await peer.message();
      peer.socket.destroy();
      return { asking, sent };
    }

    test.each([get('/x'), `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`])(
      'what may be sent twice is sent again, whole, on a new one: %j',
      async (request) => {
        const { records, onExchange } = recording();
        await using harness = new ProxyHarness({ transport, onExchange });
        const backend = await scripted(harness);
        const { asking, sent } = await staleAt(harness, backend, request);
        const second = await backend.accepted();
        expect(await second.message()).toBe(sent);
        second.write(ok('at last'));
        expect(bodyOf(await asking.message())).toBe('at last');
        expect(outcomesOf(records[1]!)).toEqual(['a stale', 'a answered']);
        asking.socket.destroy();
        await expectNothingUnderWay(harness);
      },
    );

    test.each([
      ['a POST', post('once')],
      ['a PUT of more than 64 KiB', `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`],
    ])('%s is not sent again', async (_, request) => {
      await using harness = new ProxyHarness({ transport });
      const backend = await scripted(harness);
      const { asking } = await staleAt(harness, backend, request);
      const answer = await asking.message();
      expect([statusOf(answer), reasonOf(answer)]).toEqual([502, 'no_answer']);
      expect(backend.peers.length).toBe(1);
      asking.socket.destroy();
      await expectNothingUnderWay(harness);
    });

    test('an answer that had begun is not asked for again', async () => {
      await using harness = new ProxyHarness({ transport });
      const backend = await scripted(harness);
      harness.pool();
      harness.register('a', backend.target);
      const asking = client(await harness.listen({ protocol: 'http' }));
      asking.write(get());
      const peer = await backend.accepted();
      await peer.message();
      peer.write(ok(''));
      await asking.message();
      asking.write(get());
      await peer.message();
      peer.write('HTTP/1.1 2');
      peer.socket.end();
      expect(reasonOf(await asking.message())).toBe('no_answer');
      expect(backend.peers.length).toBe(1);
      asking.socket.destroy();
    });
  },
);

describe('after a byte was sent', () => {
  test('a new connection that ends without an answer is a 502, and nobody else is asked', async () => {
    await using harness = new ProxyHarness();
    const [a, b] = [await scripted(harness), await scripted(harness)];
    harness.pool();
    harness.register('a', a.target);
    harness.register('b', b.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(get());
    const peer = await a.accepted();
    await peer.message();
    peer.socket.destroy();
    const answer = await asking.message();
    expect([statusOf(answer), reasonOf(answer)]).toEqual([502, 'no_answer']);
    expect(b.peers).toEqual([]);
    asking.socket.destroy();
  });

  test('a slow answer is a 504 after responseHeaderTimeoutMs, and nobody else is asked', async () => {
    await using harness = new ProxyHarness();
    const [a, b] = [await scripted(harness), await scripted(harness)];
    harness.pool({ responseHeaderTimeoutMs: 1 });
    harness.register('a', a.target);
    harness.register('b', b.target);
    const answer = await ask(await harness.listen({ protocol: 'http' }));
    expect([statusOf(answer), reasonOf(answer)]).toEqual([504, 'answer_timeout']);
    expect(await (await a.accepted()).rest()).toContain('GET / ');
    expect(b.peers).toEqual([]);
    await expectNothingUnderWay(harness);
  });

  test.each([
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx',
    'hello\r\n\r\n',
    'SSH-2.0-x\r\n',
  ])('what is no answer is a 502: %j', async (text) => {
    await using harness = new ProxyHarness();
    const backend = await answering(harness, () => text);
    harness.pool();
    harness.register('a', backend.target);
    const answer = await ask(await harness.listen({ protocol: 'http' }));
    expect([statusOf(answer), reasonOf(answer)]).toEqual([502, 'bad_answer']);
    expect(gauges(harness).connectionsOpen).toBe(0);
    await expectNothingUnderWay(harness);
  });

  test('an answer that breaks off is cut for the client too', async () => {
    await using harness = new ProxyHarness();
    const backend = await answering(harness, (_, peer) => {
      peer.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
      return null;
    });
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(get());
    await asking.rest();
    expect(asking.wasReset).toBe(true);
    await expectNothingUnderWay(harness);
  });
});

describe('the retry budget', () => {
  test('a fourth request that is tried again waits its turn', async () => {
    await using backends = new ProxyHarness();
    const silent = await scripted(backends);
    const dials: DialOwner[] = [];
    const transport = hanging(rawTransport!, silent.target, (owner) => void dials.push(owner));
    await using harness = new ProxyHarness({ transport });
    const slow = await scripted(harness);
    harness.pool({ retryBudgetRatio: 0, connectTimeoutMs: 60_000 });
    harness.register('a', silent.target);
    harness.register('b', slow.target);
    harness.setMode('b', 'drain');
    const port = await harness.listen({ protocol: 'http', halfCloseTimeoutMs: 1 });
    const clients = Array.from({ length: 4 }, () => client(port));
    for (const asking of clients) asking.write(get());
    await until(() => dials.length === 4);
    harness.setMode('b', 'ready');
    for (const owner of dials) owner.onConnectFailed('ECONNREFUSED');
    const peer = await slow.accepted();
    await until(() => slow.peers.length === 3);
    expect(gauges(harness).requestsWaiting).toBe(1);
    await peer.message();
    peer.write(ok(''));
    await until(() => gauges(harness).requestsWaiting === 0);
    expect(await peer.message()).toContain('GET / ');
    for (const asking of clients) asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });
});
