/** What requests and their connections see of a roster that changes, I4 first. */
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import { type Dial, type DialOwner, rawTransport, socketTransport, type Transport } from '@muster/transport';
import { answering, ask, bodyOf, client, expectNothingUnderWay, gauges, get } from '../../testing/http/scripted.ts';
import { ok, scripted, statusOf, until, valuesOf } from '../../testing/http/scripted.ts';

const reasonOf = (answer: string) => valuesOf(answer, 'Muster-Reason')[0];

/** A client whose request a backend has, and that backend's connection. */
async function asked(harness: ProxyHarness, spec: Parameters<ProxyHarness['pool']>[0] = {}) {
  const backend = await scripted(harness);
  harness.pool(spec);
  harness.register('a', backend.target);
  const port = await harness.listen({ protocol: 'http' });
  const asking = client(port);
  asking.write(get());
  const peer = await backend.accepted();
  await peer.message();
  return { backend, port, asking, peer };
}

describe.each([rawTransport!, socketTransport])('I4 on the $name transport', (transport) => {
  test('a removed target’s connections are closed in the call: waiting ones, and those with a request', async () => {
    await using harness = new ProxyHarness({ transport });
    const { backend, port, asking, peer } = await asked(harness);
    const other = client(port);
    other.write(get());
    const second = await backend.accepted();
    await second.message();
    second.write(ok(''));
    await other.message();
    expect(gauges(harness)).toMatchObject({ connectionsOpen: 2, connectionsIdle: 1 });
    harness.deregister('a');
    expect(gauges(harness)).toMatchObject({ connectionsOpen: 0, requestsInFlight: 0 });
    const answer = await asking.message();
    expect([statusOf(answer), reasonOf(answer)]).toEqual([502, 'target_removed']);
    expect([await peer.rest(), await second.rest()]).toEqual(['', '']);
    for (const one of [asking, other]) one.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('an answer that has begun is cut', async () => {
    await using harness = new ProxyHarness({ transport });
    const { asking, peer } = await asked(harness);
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await asking.takeTo('half');
    harness.deregister('a');
    await asking.rest();
    expect(asking.wasReset).toBe(true);
    await expectNothingUnderWay(harness);
  });

  test('so is a tunnel', async () => {
    await using harness = new ProxyHarness({ transport });
    const { port, asking, backend } = await asked(harness);
    const tunnel = client(port);
    tunnel.write(get('/', 'Connection: upgrade\r\nUpgrade: x\r\n'));
    const peer = await backend.accepted();
    await peer.message();
    peer.write('HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    await tunnel.message();
    harness.deregister('a');
    expect(gauges(harness).connectionsOpen).toBe(0);
    expect([await tunnel.rest(), await peer.rest()]).toEqual(['', '']);
    for (const one of [asking, tunnel]) one.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('a dial to a target that leaves goes to another backend', async () => {
    const dials: DialOwner[] = [];
    const hanging: Transport = {
      ...transport,
      dial(address, owner): Dial {
        if (address.kind === 'tcp' && address.port !== 9) return transport.dial(address, owner);
        dials.push(owner);
        return { close: () => undefined };
      },
    };
    await using harness = new ProxyHarness({ transport: hanging });
    const staying = await answering(harness, () => ok('staying'));
    harness.pool();
    harness.register('a', '127.0.0.1:9');
    harness.register('b', staying.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(get());
    await until(() => dials.length === 1);
    harness.deregister('a');
    expect(bodyOf(await asking.message())).toBe('staying');
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });
});

describe('a backend that drains', () => {
  test('its waiting connections are closed; a request in flight is answered, and its connection then closed', async () => {
    await using harness = new ProxyHarness();
    const { backend, port, asking, peer } = await asked(harness);
    const other = client(port);
    other.write(get());
    const idle = await backend.accepted();
    await idle.message();
    idle.write(ok(''));
    await other.message();
    harness.setMode('a', 'drain');
    expect(gauges(harness)).toMatchObject({ connectionsOpen: 1, connectionsIdle: 0 });
    peer.write(ok('finished'));
    expect(bodyOf(await asking.message())).toBe('finished');
    expect(await peer.rest()).toBe('');
    const answer = await ask(port);
    expect([statusOf(answer), reasonOf(answer)]).toEqual([503, 'no_healthy_backend']);
    expect(bodyOf(answer)).toContain('no healthy backend');
    for (const one of [asking, other]) one.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('what is not answered within drainTimeoutMs is cut', async () => {
    await using harness = new ProxyHarness();
    const { asking, peer } = await asked(harness, { drainTimeoutMs: 1 });
    harness.setMode('a', 'drain');
    const answer = await asking.message();
    expect([statusOf(answer), reasonOf(answer)]).toEqual([502, 'drain_timeout']);
    expect(await peer.rest()).toBe('');
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('with onRemoval drain, so does one that was removed', async () => {
    await using harness = new ProxyHarness();
    const { asking, peer } = await asked(harness, { onRemoval: 'drain' });
    harness.deregister('a');
    peer.write(ok('finished'));
    expect(bodyOf(await asking.message())).toBe('finished');
    expect(await peer.rest()).toBe('');
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });
});

describe('a listener', () => {
  test('that is removed closes idle clients at once, and answers those in flight for the last time', async () => {
    await using harness = new ProxyHarness();
    const { port, asking, peer } = await asked(harness);
    const idle = client(port);
    await until(() => harness.proxy.stats().total.open === 2);
    harness.proxy.closeListener('web', 60_000);
    expect(await idle.rest()).toBe('');
    idle.socket.destroy();
    peer.write(ok('last'));
    const answer = await asking.rest();
    expect(bodyOf(answer)).toBe('last');
    expect(valuesOf(answer, 'Connection')).toEqual(['close']);
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('that speaks another protocol speaks it on new connections; open ones go on', async () => {
    await using harness = new ProxyHarness();
    const { backend, port, asking, peer } = await asked(harness);
    const spec = { bind: '127.0.0.1:0', pool: 'p', idleTimeoutMs: 60_000 } as const;
    harness.proxy.updateListener('web', { ...spec, protocol: 'tcp' });
    peer.write(ok(''));
    await asking.message();
    asking.write(get('/still-http'));
    expect(await peer.message()).toContain('Via: 1.1 muster');
    const raw = client(port);
    raw.write('not HTTP');
    expect(await (await backend.accepted()).take(8)).toBe('not HTTP');
    harness.proxy.updateListener('web', { ...spec, protocol: 'http' });
    expect(statusOf(await ask(port, 'not HTTP\r\n\r\n'))).toBe(400);
    for (const one of [asking, raw]) one.socket.destroy();
  });
});

test('in panic the second attempt goes to an eligible backend', async () => {
  await using harness = new ProxyHarness();
  const good = await answering(harness, () => ok('good'));
  harness.pool({ connectAttempts: 2, health: { tcp: true } });
  const gone = await harness.named('gone');
  await gone[Symbol.asyncDispose]();
  for (const id of ['a', 'b', 'c']) harness.register(id, gone.target);
  harness.register('d', good.target);
  const verdict = (type: 'BackendTurnedHealthy' | 'BackendTurnedUnhealthy', target: string) =>
    ({ type, target, reason: 'seen by a test' }) as const;
  for (const id of ['a', 'b', 'c']) {
    harness.publish(`health.n.p.${id}`, verdict('BackendTurnedUnhealthy', gone.target));
  }
  harness.publish('health.n.p.d', verdict('BackendTurnedHealthy', good.target));
  const port = await harness.listen({ protocol: 'http' });
  const answers = [];
  for (let count = 0; count < 4; count++) answers.push(bodyOf(await ask(port)));
  expect(answers).toEqual(['good', 'good', 'good', 'good']);
  const { retries, connectFailures } = harness.proxy.stats().pools['p']!;
  expect(retries).toBe(connectFailures);
  expect(retries).toBeGreaterThan(0);
});

test('a request that is in flight while its backend gets another target is cut, and the next goes there', async () => {
  await using harness = new ProxyHarness();
  const { asking } = await asked(harness);
  const moved = await answering(harness, () => ok('moved'));
  harness.register('a', moved.target);
  expect(reasonOf(await asking.message())).toBe('target_removed');
  asking.write(get());
  expect(bodyOf(await asking.message())).toBe('moved');
  asking.socket.destroy();
});
