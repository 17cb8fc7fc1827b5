/** Whatever way a request ends, nothing of it is left: no connection, no place in a line, no count, no client. */
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import type { ExchangeRecord } from './record/exchange-record.ts';
import { rawTransport, socketTransport } from '@muster/transport';
import { answering, bodyOf, client, expectNothingUnderWay, get } from '../../testing/http/scripted.ts';
import { ok, post, scripted, statusOf, until, valuesOf, type Talker } from '../../testing/http/scripted.ts';

const UPLOAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nonly this';

interface Ending {
  readonly name: string;
  readonly request: string;
  /** What a backend does that has read the head; null: none is asked. */
  readonly backend: ((peer: Talker) => void) | null;
  readonly client?: (asking: Talker) => void;
  /** 300 when left out. */
  readonly responseHeaderTimeoutMs?: number;
  readonly answer: { readonly status: number; readonly reason?: string } | null;
  readonly termination: string | null;
}

const nothing = () => undefined;
/** Its body is larger than any buffers on the way. */
const ENDLESS = 'HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n';

const ENDINGS: readonly Ending[] = [
  {
    name: 'an answer',
    request: get(),
    backend: (peer) => peer.write(ok('')),
    answer: { status: 200 },
    termination: 'finished',
  },
  {
    name: 'a head that does not come to its end',
    request: 'GET / HTTP/1.1\r\nHost',
    backend: null,
    answer: { status: 408, reason: 'request_timeout' },
    termination: null,
  },
  { name: 'a client that says nothing', request: '', backend: null, answer: null, termination: null },
  {
    name: 'a body that stalls',
    request: UPLOAD,
    backend: nothing,
    answer: { status: 408, reason: 'request_timeout' },
    termination: 'request_timeout',
  },
  {
    name: 'a body that stalls while it is answered',
    request: UPLOAD,
    backend: (peer) => peer.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx'),
    answer: { status: 200 },
    termination: 'request_timeout',
  },
  {
    name: 'a body that is not well-formed',
    request: 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc',
    backend: nothing,
    client: (asking) => asking.write('dexyz'),
    answer: { status: 400, reason: 'bad_request_body' },
    termination: 'bad_request_body',
  },
  {
    name: 'an answer that stalls',
    request: get(),
    backend: (peer) => peer.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx'),
    answer: { status: 200 },
    termination: 'answer_cut',
  },
  {
    name: 'no answer in time',
    request: get(),
    backend: nothing,
    answer: { status: 504, reason: 'answer_timeout' },
    termination: 'answer_timeout',
  },
  {
    name: 'a client that does not take its answer',
    request: get(),
    backend: (peer) => {
      peer.write(ENDLESS);
      peer.pour();
    },
    client: (asking) => asking.socket.pause(),
    answer: null,
    termination: 'client_stalled',
  },
  {
    name: 'a client that resets while it is answered',
    request: get(),
    backend: (peer) => peer.write(ENDLESS),
    client: (asking) => asking.socket.resetAndDestroy(),
    answer: null,
    termination: 'client_left',
  },
  {
    name: 'a client that ends in the middle of its body',
    request: UPLOAD,
    backend: nothing,
    client: (asking) => asking.socket.end(),
    answer: null,
    termination: 'client_left',
  },
  {
    name: 'a client that closes and a backend that never answers',
    request: get(),
    backend: nothing,
    client: (asking) => asking.socket.destroy(),
    responseHeaderTimeoutMs: 60_000,
    answer: null,
    termination: 'client_left',
  },
  {
    name: 'a tunnel',
    request: get('/', 'Connection: upgrade\r\nUpgrade: x\r\n'),
    backend: (peer) => {
      peer.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
      peer.socket.end();
    },
    client: (asking) => asking.socket.end(),
    answer: { status: 101 },
    termination: 'tunnel_closed',
  },
  {
    name: 'a tunnel that nobody asked for',
    request: get(),
    backend: (peer) => peer.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    answer: { status: 502, reason: 'bad_answer' },
    termination: 'bad_answer',
  },
  {
    name: 'too many interim answers',
    request: get(),
    backend: (peer) => peer.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(40)),
    answer: { status: 102 },
    termination: 'bad_answer',
  },
];

/** Long enough for what is no timeout, and as short as may be for what is one. */
const TIMEOUTS = { headTimeoutMs: 150, bodyTimeoutMs: 150, halfCloseTimeoutMs: 150 } as const;

describe.each([rawTransport!, socketTransport])('on the $name transport', (transport) => {
  test.each(ENDINGS)(
    '$name',
    async ({ request, backend, client: act = nothing, answer, termination, responseHeaderTimeoutMs = 300 }) => {
      const records: ExchangeRecord[] = [];
      await using harness = new ProxyHarness({ transport, onExchange: (record) => void records.push(record) });
      const script = await scripted(harness);
      harness.pool({ responseHeaderTimeoutMs, maxConnectionsPerBackend: 4, policy: 'least_requests' });
      harness.register('a', script.target);
      const asking = client(await harness.listen({ protocol: 'http', ...TIMEOUTS }));
      asking.write(request);
      if (backend !== null) {
        const peer = await script.accepted();
        await peer.takeTo('\r\n\r\n');
        backend(peer);
      }
      act(asking);
      if (answer === null) await until(() => harness.proxy.stats().total.open === 0);
      const told = answer === null ? null : await asking.takeTo('\r\n\r\n');
      expect(told === null ? null : statusOf(told)).toBe(answer?.status ?? null);
      expect(told === null ? undefined : valuesOf(told, 'Muster-Reason')[0]).toBe(answer?.reason);
      await until(() => records.length > 0 || termination === null);
      asking.socket.destroy();
      await expectNothingUnderWay(harness);
      expect(records.map((record) => record.termination)).toEqual(termination === null ? [] : [termination]);
      // Had a place or a count been left behind, the next request would see it in what its backend was picked from.
      const next = await scripted(harness);
      harness.register('a', next.target);
      harness.register('b', next.target);
      const later = client(await harness.listen({ id: 'later', protocol: 'http' }));
      later.write(get());
      const peer = await next.accepted();
      await peer.message();
      peer.write(ok(''));
      await later.message();
      expect(records.at(-1)!.attempts[0]!.inputs.consulted.every(({ inFlight }) => inFlight === 0)).toBe(true);
      later.socket.destroy();
    },
  );

  test('10,000 requests leave nothing', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await answering(harness, () => ok('x'));
    harness.pool();
    harness.register('a', backend.target);
    const port = await harness.listen({ protocol: 'http' });
    const talk = async (): Promise<void> => {
      for (let connection = 0; connection < 10; connection++) {
        const asking = client(port);
        for (let count = 0; count < 125; count++) {
          asking.write(count % 5 === 0 ? post('body') : get());
          await asking.message();
        }
        asking.socket.destroy();
      }
    };
    await Promise.all(Array.from({ length: 8 }, talk));
    await expectNothingUnderWay(harness);
    expect(backend.peers.length).toBeLessThanOrEqual(16);
    expect(harness.proxy.stats().total).toMatchObject({ accepted: 80, open: 0, closed: { finished: 80 } });
  });

  test('an idle client is closed after keepAliveTimeoutMs', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await answering(harness, () => ok('x'));
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http', keepAliveTimeoutMs: 1 }));
    asking.write(get());
    expect(bodyOf(await asking.message())).toBe('x');
    expect(await asking.rest()).toBe('');
    asking.socket.destroy();
    expect(harness.proxy.stats().total.closed.idle).toBe(1);
  });

  test('a client that half-closes gets the answer of a quick backend', async () => {
    await using harness = new ProxyHarness({ transport });
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(get());
    asking.socket.end();
    const peer = await backend.accepted();
    await peer.message();
    void mayAnswer.then(() => peer.write(ok('still')));
    answer();
    expect(bodyOf(await asking.rest())).toBe('still');
    await expectNothingUnderWay(harness);
  });
});
