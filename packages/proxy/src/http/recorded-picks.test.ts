/** What a decision says of a pick is what the pick was made from: who was passed over, and why. */
import type { Decision } from '@muster/selection';
import { expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import { answering, ask, bodyOf, client, gauges, get, ok } from '../../testing/http/scripted.ts';
import { scripted, until, type Talker } from '../../testing/http/scripted.ts';

/** Nobody listens there. */
const REFUSING_TARGET = '127.0.0.1:1';

function newest({ proxy }: ProxyHarness): Decision {
  return proxy.decisions({ requestId: null, limit: 1, withCandidates: true })[0]!;
}

test('one whose kept-alive connection had ended was passed over while there were others', async () => {
  await using harness = new ProxyHarness();
  harness.pool({ connectAttempts: 3 });
  // Answers the first request of a connection, and ends with the second.
  let requestsCount = 0;
  const seen = new WeakSet<Talker>();
  const dying = await answering(harness, (_request, peer) => {
    if (seen.has(peer)) peer.socket.destroy();
    seen.add(peer);
    return ++requestsCount === 1 ? ok('dying') : null;
  });
  harness.register('a', dying.target);
  const port = await harness.listen({ protocol: 'http' });
  expect(bodyOf(await ask(port))).toBe('dying');
  harness.register('b', REFUSING_TARGET);
  const last = await answering(harness, () => ok('last'));
  harness.register('c', last.target);
  // Its turn comes after those of the others, one of which refuses.
  expect(bodyOf(await ask(port))).toBe('last');
  expect(bodyOf(await ask(port))).toBe('last');
  expect(newest(harness).attempts).toMatchObject([
    { backend: 'a', outcome: 'stale', triedIds: [] },
    { backend: 'b', outcome: 'connect_failed', triedIds: ['a'] },
    { backend: 'c', outcome: 'answered', triedIds: ['b', 'a'] },
  ]);
});

test('those at their limit of connections are named, each once', async () => {
  await using harness = new ProxyHarness();
  harness.pool({ maxConnectionsPerBackend: 1, policy: 'random' });
  const busy = [await scripted(harness), await scripted(harness)];
  for (const [index, { target }] of busy.entries()) harness.register(`busy-${index}`, target);
  const port = await harness.listen({ protocol: 'http' });
  const held = [client(port), client(port)];
  for (const asking of held) asking.write(get());
  for (const backend of busy) await (await backend.accepted()).message();
  harness.register('free', (await answering(harness, () => ok('free'))).target);
  const passedOver = new Set<string>();
  // By chance, but always the same: in forty picks each of the two comes up.
  for (let count = 0; count < 40; count++) {
    await ask(port);
    const { fullIds, backend } = newest(harness).attempts[0]!;
    expect(backend).toBe('free');
    expect(new Set(fullIds).size).toBe(fullIds.length);
    for (const id of fullIds) passedOver.add(id);
  }
  expect([...passedOver].toSorted()).toEqual(['busy-0', 'busy-1']);
  for (const asking of held) asking.socket.destroy();
});

test('in panic a second attempt passes over those that are not eligible, unless nobody else is left', async () => {
  await using harness = new ProxyHarness();
  harness.pool({ connectAttempts: 3, health: { tcp: true }, panicThreshold: 1 });
  const backend = await answering(harness, () => ok('suspected'));
  const targets = { a: REFUSING_TARGET, b: REFUSING_TARGET, c: backend.target };
  for (const [id, target] of Object.entries(targets)) {
    harness.register(id, target);
    const type = id === 'c' ? 'BackendTurnedUnhealthy' : 'BackendTurnedHealthy';
    harness.publish(`health.n.p.${id}`, { type, target, reason: 'seen' });
  }
  const port = await harness.listen({ protocol: 'http' });
  expect(bodyOf(await ask(port))).toBe('suspected');
  await until(() => harness.proxy.stats().total.open === 0);
  expect(newest(harness).attempts).toMatchObject([
    { backend: 'a', isPanic: true, isStrict: false },
    { backend: 'b', isPanic: true, isStrict: true },
    { backend: 'c', isPanic: true, isStrict: false, triedIds: ['a', 'b'] },
  ]);
});

test('a pick that found nobody says what it had to pick from', async () => {
  await using harness = new ProxyHarness();
  harness.pool({ connectAttempts: 2, health: { tcp: true } });
  harness.register('a', REFUSING_TARGET);
  const port = await harness.listen({ protocol: 'http' });
  const refusal = async () => {
    await ask(port);
    return newest(harness);
  };
  const nobody = { candidates: [], candidatesCount: 0 };
  const empty = { reason: 'empty_set', revision: 2, rosterRevision: 2, triedIds: [], ...nobody };
  expect(await refusal()).toMatchObject({ attempts: [], refused: empty });
  harness.publish('health.n.p.a', { type: 'BackendTurnedHealthy', target: REFUSING_TARGET, reason: 'seen' });
  const all = { reason: 'connect_failed', revision: 3, triedIds: ['a'], candidatesCount: 1, fullIds: [] };
  expect(await refusal()).toMatchObject({ attempts: [{ backend: 'a' }], refused: all });
});

test('a request that waited says nothing of the wait once somebody took it', async () => {
  await using harness = new ProxyHarness();
  harness.pool({ maxConnectionsPerBackend: 1, waitTimeoutMs: 60_000 });
  const backend = await scripted(harness);
  harness.register('a', backend.target);
  const port = await harness.listen({ protocol: 'http' });
  const [first, second] = [client(port), client(port)];
  first.write(get('/first'));
  const peer = await backend.accepted();
  await peer.message();
  second.write(get('/second'));
  await until(() => gauges(harness).requestsWaiting === 1);
  peer.write(ok('1'));
  await first.message();
  await peer.message();
  peer.write(ok('2'));
  await second.message();
  expect(newest(harness)).toMatchObject({ path: '/second', refused: null, attempts: [{ fullIds: [] }] });
  for (const asking of [first, second]) asking.socket.destroy();
});

test('a request that waited in vain says who was full', async () => {
  await using harness = new ProxyHarness();
  harness.pool({ maxConnectionsPerBackend: 1, waitTimeoutMs: 1 });
  const backend = await scripted(harness);
  harness.register('a', backend.target);
  const port = await harness.listen({ protocol: 'http' });
  const first = client(port);
  first.write(get());
  await (await backend.accepted()).message();
  expect(await ask(port)).toContain('wait_timeout');
  expect(newest(harness)).toMatchObject({ attempts: [], refused: { reason: 'backends_full', fullIds: ['a'] } });
  first.socket.destroy();
});
