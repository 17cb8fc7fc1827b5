/** Requests that wait in a line on their way: for room at a backend, and for their turn to be tried again. */
import { roomFor } from '@muster/transport/testing';
import { expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import { type Dial, type DialOwner, rawTransport, type Transport } from '@muster/transport';
import { ask, bodyOf, client, expectNothingUnderWay, gauges, get } from '../../testing/http/scripted.ts';
import { ok, scripted, statusOf, until, valuesOf } from '../../testing/http/scripted.ts';

/** Nobody listens there; dials to it wait for what a test says. */
const HELD_TARGET = '127.0.0.1:9';

function withHeldDials(): { transport: Transport; dials: DialOwner[] } {
  const real = rawTransport!;
  const dials: DialOwner[] = [];
  const dial: Transport['dial'] = (address, owner): Dial => {
    if (address.kind === 'unix' || address.port !== 9) return real.dial(address, owner);
    dials.push(owner);
    return { close: () => undefined };
  };
  return { transport: { ...real, dial }, dials };
}

const outcomeOf = (answer: string) => [statusOf(answer), valuesOf(answer, 'Muster-Reason')[0]];

test('the time of a wait is over when there is room, however long the dial then takes', async () => {
  const { transport, dials } = withHeldDials();
  await using harness = new ProxyHarness({ transport });
  harness.pool({ maxConnectionsPerBackend: 1, waitTimeoutMs: 200, connectTimeoutMs: 600, connectAttempts: 1 });
  harness.register('a', HELD_TARGET);
  const port = await harness.listen({ protocol: 'http' });
  const first = client(port);
  first.write(get());
  await until(() => dials.length === 1);
  const second = client(port);
  second.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nheld');
  await until(() => gauges(harness).requestsWaiting === 1);
  dials[0]!.onConnectFailed('ECONNREFUSED');
  await until(() => dials.length === 2);
  expect(outcomeOf(await second.message())).toEqual([504, 'connect_timeout']);
  for (const asking of [first, second]) asking.socket.destroy();
  await expectNothingUnderWay(harness);
});

test('a second attempt waits where the only backend left is full', async () => {
  const { transport, dials } = withHeldDials();
  await using harness = new ProxyHarness({ transport });
  const backend = await scripted(harness);
  harness.pool({ maxConnectionsPerBackend: 1 });
  harness.register('b', backend.target);
  const port = await harness.listen({ protocol: 'http' });
  const first = client(port);
  first.write(get());
  const peer = await backend.accepted();
  await peer.message();
  harness.register('a', HELD_TARGET);
  const second = client(port);
  second.write(get('/second'));
  await until(() => dials.length === 1);
  dials[0]!.onConnectFailed('ECONNREFUSED');
  expect(gauges(harness).requestsWaiting).toBe(1);
  peer.write(ok(''));
  expect(await peer.message()).toContain('/second');
  peer.write(ok('in its turn'));
  expect(bodyOf(await second.message())).toBe('in its turn');
  for (const asking of [first, second]) asking.socket.destroy();
  await expectNothingUnderWay(harness);
});

test('who waits in vain to be tried again is told that there are too many', async () => {
  const { transport, dials } = withHeldDials();
  await using harness = new ProxyHarness({ transport });
  const backend = await scripted(harness);
  harness.pool({ retryBudgetRatio: 0, waitTimeoutMs: 1, connectTimeoutMs: 60_000, maxWaitingRequests: 1 });
  harness.register('a', HELD_TARGET);
  const port = await harness.listen({ protocol: 'http' });
  const clients = Array.from({ length: 3 }, () => client(port));
  for (const asking of clients) asking.write(get());
  const refused = [ask(port), ask(port)];
  await until(() => dials.length === 5);
  harness.register('b', backend.target);
  for (const owner of dials) owner.onConnectFailed('ECONNREFUSED');
  expect((await Promise.all(refused)).map(outcomeOf)).toEqual([
    [503, 'retries_exhausted'],
    [503, 'retries_exhausted'],
  ]);
  for (const asking of clients) asking.socket.destroy();
  await expectNothingUnderWay(harness);
});

test('a whole line that fails at once takes no more of the stack than one request', async () => {
  const { transport, dials } = withHeldDials();
  await using harness = new ProxyHarness({ transport });
  // A client and what the proxy accepted; dials are held, and have no descriptor.
  const count = roomFor(1_024, 2);
  harness.pool({ retryBudgetRatio: 0, waitTimeoutMs: 60_000, connectTimeoutMs: 60_000, connectAttempts: 2 });
  harness.register('a', HELD_TARGET);
  const port = await harness.listen({ protocol: 'http' });
  const clients = Array.from({ length: count + 3 }, () => client(port));
  for (const asking of clients) asking.write(get());
  await until(() => dials.length === clients.length);
  harness.register('b', HELD_TARGET);
  for (const owner of dials.slice()) owner.onConnectFailed('ECONNREFUSED');
  expect(gauges(harness).requestsWaiting).toBe(count);
  // Nobody is left to be tried: the three that were under way fail, and each of the line that is served fails, and serves the next.
  harness.deregister('a');
  harness.deregister('b');
  const statuses = await Promise.all(clients.map(async (asking) => statusOf(await asking.message())));
  expect(statuses.every((status) => status >= 500)).toBe(true);
  for (const asking of clients) asking.socket.destroy();
  await expectNothingUnderWay(harness);
});
