/** Requests sent ahead, bodies larger than any buffer, and answers that come before their request is over. */
import { createHash, randomFillSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import { rawTransport, socketTransport } from '@muster/transport';
import { answering, bodyOf, client, expectNothingUnderWay, gauges, get, ok } from '../../testing/http/scripted.ts';
import { post, scripted, statusOf, turn, valuesOf } from '../../testing/http/scripted.ts';

const MIB = 1_048_576;
/** What the kernel may hold of one direction, on both connections, besides what the proxy does. */
const IN_FLIGHT_MAX = 24 * MIB;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const pathOf = (request: string) => request.split(' ', 2)[1]!;

describe.each([rawTransport!, socketTransport])('on the $name transport', (transport) => {
  test('1,000 requests in one write are answered in order, one in flight, own answers among them', async () => {
    await using harness = new ProxyHarness({ transport });
    let inFlightMax = 0;
    const backend = await answering(harness, (request) => {
      inFlightMax = Math.max(inFlightMax, gauges(harness).requestsInFlight);
      return ok(pathOf(request));
    });
    harness.pool();
    harness.register('a', backend.target);
    const port = await harness.listen({ protocol: 'http', routes: [{ path: '/b', pool: 'p' }] });
    const asking = client(port);
    const paths = Array.from({ length: 1_000 }, (_, index) => (index % 3 === 0 ? `/no/${index}` : `/b/${index}`));
    asking.write(paths.map((path) => get(path)).join(''));
    const seen: string[] = [];
    for (const path of paths) {
      const answer = await asking.message();
      seen.push(statusOf(answer) === 404 ? path : bodyOf(answer));
    }
    expect(seen).toEqual(paths);
    expect(inFlightMax).toBe(1);
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('requests that were sent ahead of a half-close are all answered', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await answering(harness, (request) => ok(pathOf(request)));
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(get('/1') + get('/2') + get('/3'));
    asking.socket.end();
    expect((await asking.rest()).match(/\r\n\r\n\/\d/g)).toEqual(['\r\n\r\n/1', '\r\n\r\n/2', '\r\n\r\n/3']);
  });

  test('a client that does not read holds the backend, and then gets everything; the connection serves another', async () => {
    await using harness = new ProxyHarness({ transport });
    const body = randomFillSync(Buffer.alloc(50 * MIB));
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.socket.pause();
    asking.write(get());
    const peer = await backend.accepted();
    await peer.message();
    peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
    peer.write(body);
    let before = -1;
    const relayed = () => harness.proxy.stats().total.bytesFromUpstream;
    while (relayed() !== before) {
      before = relayed();
      for (let count = 0; count < 20; count++) await turn();
    }
    expect(relayed()).toBeLessThan(IN_FLIGHT_MAX);
    asking.socket.resume();
    await asking.takeTo('\r\n\r\n');
    expect(sha256(Buffer.from(await asking.take(body.length), 'latin1'))).toBe(sha256(body));
    asking.write(get('/next'));
    expect(await peer.message()).toContain('GET /next ');
    peer.write(ok('again'));
    expect(bodyOf(await asking.message())).toBe('again');
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('a backend that does not read holds the client; nothing sent behind the body gets into it', async () => {
    await using harness = new ProxyHarness({ transport });
    const body = randomFillSync(Buffer.alloc(50 * MIB));
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
    const peer = await backend.accepted();
    await peer.takeTo('\r\n\r\n');
    peer.socket.pause();
    const isTaken = new Promise<void>((resolve) => asking.socket.write(body, () => resolve()));
    void isTaken.then(() => asking.write(get(`/${'x'.repeat(4_000)}`)));
    let before = -1;
    const relayed = () => harness.proxy.stats().total.bytesFromDownstream;
    while (relayed() !== before) {
      before = relayed();
      for (let count = 0; count < 20; count++) await turn();
    }
    expect(relayed()).toBeLessThan(IN_FLIGHT_MAX);
    peer.socket.resume();
    expect(sha256(Buffer.from(await peer.take(body.length), 'latin1'))).toBe(sha256(body));
    peer.write(ok('1'));
    expect(bodyOf(await asking.message())).toBe('1');
    expect(await peer.message()).toContain('xxx');
    peer.write(ok('2'));
    expect(bodyOf(await asking.message())).toBe('2');
    asking.socket.destroy();
  });

  test('50 MiB both ways at once, in chunks, arrive unchanged', async () => {
    await using harness = new ProxyHarness({ transport });
    const chunk = randomFillSync(Buffer.alloc(MIB));
    const message = Buffer.concat([
      ...Array.from({ length: 50 }, () => Buffer.concat([Buffer.from('100000\r\n'), chunk, Buffer.from('\r\n')])),
      Buffer.from('0\r\n\r\n'),
    ]);
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const peer = await backend.accepted();
    await peer.takeTo('\r\n\r\n');
    peer.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    // All but the last chunk: an answer that is over ends the request too.
    peer.write(message.subarray(0, -5));
    asking.write(message);
    expect(sha256(Buffer.from(await peer.take(message.length), 'latin1'))).toBe(sha256(message));
    peer.write(message.subarray(-5));
    await asking.takeTo('\r\n\r\n');
    expect(sha256(Buffer.from(await asking.take(message.length), 'latin1'))).toBe(sha256(message));
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('a backend that refuses a body and closes: the client gets the refusal and is told that it is the last', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await harness.backend((socket) => {
      socket.once('data', () => {
        socket.pause();
        socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno', () => socket.destroy());
      });
    });
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nabc');
    const answer = await asking.message();
    expect(statusOf(answer)).toBe(413);
    expect(valuesOf(answer, 'Connection')).toEqual(['close']);
    expect(await asking.rest()).toBe('');
    asking.socket.end('x'.repeat(100_000));
    await expectNothingUnderWay(harness);
  });

  test('a backend that begins to answer and reads on gets all of the body', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc');
    const peer = await backend.accepted();
    await peer.takeTo('abc');
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nABC');
    await asking.takeTo('ABC');
    asking.write('def');
    expect(await peer.take(3)).toBe('def');
    peer.write('DEF');
    expect(await asking.take(3)).toBe('DEF');
    asking.write(get());
    expect(await peer.message()).toContain('GET / ');
    asking.socket.destroy();
  });

  test('a refused request is answered whole, although its body is still coming, and the backend hears nothing', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const port = await harness.listen({ protocol: 'http', maxBodyBytes: 1_000 });
    const connecting = client(port);
    connecting.write('CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(statusOf(await connecting.rest())).toBe(501);
    connecting.socket.end();
    const large = client(port);
    large.write(post('x'.repeat(500_000)));
    const answer = await large.rest();
    expect(statusOf(answer)).toBe(413);
    expect(valuesOf(answer, 'Muster-Reason')).toEqual(['body_too_large']);
    expect(large.wasReset).toBe(false);
    large.socket.end();
    expect(backend.peers).toEqual([]);
    await expectNothingUnderWay(harness);
  });
});
