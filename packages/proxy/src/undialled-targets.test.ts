/**
 * Targets that the node does not dial, in a pool without a health check: no pick is spent on one while there is another, over HTTP
 * and over TCP, with every policy; and where there is no other, the client is told why.
 */
import type { Address } from '@muster/membership';
import { systemResolver, type TargetGuard } from '@muster/transport';
import { DnsServer } from '@muster/transport/testing';
import { expect, test } from 'vitest';
import { UndialledTargets } from './pool/undialled-targets.ts';
import { answering, ask, bodyOf, ok, statusOf } from '../testing/http/scripted.ts';
import { Client, ProxyHarness } from '../testing/proxy-harness.ts';

/** Refuses what has one of its ports, and counts the dials that it refused. */
class PortGuard implements TargetGuard {
  generation = 0;
  refusedCount = 0;
  #ports: ReadonlySet<number>;

  constructor(...ports: readonly number[]) {
    this.#ports = new Set(ports);
  }

  set ports(ports: readonly number[]) {
    this.#ports = new Set(ports);
    this.generation++;
  }

  verdictOn(address: Address) {
    return address.kind === 'tcp' && this.#ports.has(address.port) ? { reason: 'it is ours' } : null;
  }

  refusalOf(address: Address) {
    const verdict = this.verdictOn(address);
    if (verdict !== null) this.refusedCount++;
    return verdict;
  }
}

const picksOf = ({ proxy }: ProxyHarness) => proxy.stats().pools['p']!.picksByBackend;

test.each(['round_robin', 'least_requests', 'random', 'consistent_hash'] as const)(
  'with %s none of many is picked, whatever the number of attempts, and the decision names them',
  async (policy) => {
    const guard = new PortGuard(1);
    await using harness = new ProxyHarness({ guard });
    harness.pool({ policy, connectAttempts: 1 });
    for (const id of ['a', 'b', 'd']) harness.register(id, '127.0.0.1:1');
    harness.register('c', (await answering(harness, () => ok('good'))).target);
    const port = await harness.listen({ protocol: 'http' });
    for (let count = 0; count < 8; count++) expect(bodyOf(await ask(port))).toBe('good');
    expect(picksOf(harness)).toEqual({ c: 8 });
    expect(guard.refusedCount).toBe(0);
    const [decision] = harness.proxy.decisions({ requestId: null, limit: 1, withCandidates: true });
    expect(decision!.attempts).toMatchObject([
      { backend: 'c', undialledIds: ['a', 'b', 'd'], triedIds: [], notKept: [] },
    ]);
  },
);

test('over TCP none is picked either', async () => {
  await using harness = new ProxyHarness({ guard: new PortGuard(1) });
  harness.pool({ connectAttempts: 1 });
  harness.register('a', '127.0.0.1:1');
  harness.register('b', (await harness.named('good')).target);
  const port = await harness.listen();
  for (let count = 0; count < 4; count++) {
    const client = new Client(port);
    expect(await client.read(4)).toBe('good');
    client.socket.destroy();
  }
  expect(picksOf(harness)).toEqual({ b: 4 });
});

test('where all are refused the client is told so, and where one may be dialled again it is', async () => {
  const guard = new PortGuard();
  await using harness = new ProxyHarness({ guard });
  harness.pool();
  const good = await answering(harness, () => ok('good'));
  harness.register('a', good.target);
  harness.register('b', '127.0.0.1:1');
  const port = await harness.listen({ protocol: 'http' });
  guard.ports = [1, Number(good.target.split(':')[1])];
  const refused = await ask(port);
  expect(statusOf(refused)).toBe(503);
  expect(refused).toContain('Muster-Reason: target_refused');
  guard.ports = [1];
  expect(bodyOf(await ask(port))).toBe('good');
});

test('one that is full is waited for, and nobody is sent to one that is not dialled', async () => {
  await using harness = new ProxyHarness({ guard: new PortGuard(1) });
  harness.pool({ maxConnectionsPerBackend: 1 });
  harness.register('a', '127.0.0.1:1');
  const good = await answering(harness, () => ok('good'));
  harness.register('b', good.target);
  const port = await harness.listen({ protocol: 'http' });
  const answers = await Promise.all([ask(port), ask(port), ask(port)]);
  expect(answers.map(bodyOf)).toEqual(['good', 'good', 'good']);
});

test('a name that leads to one costs no attempt, and is passed over from then on', async () => {
  await using dns = await DnsServer.start(({ type }) => ({ addresses: type === 'A' ? ['127.0.0.1'] : [], ttlS: 60 }));
  const guard = new PortGuard(1);
  const resolver = systemResolver({ servers: [dns.address], search: [], timeoutMs: 10_000, tries: 1 });
  await using harness = new ProxyHarness({ guard, resolver });
  harness.pool({ connectAttempts: 1 });
  harness.register('a', 'one.test:1');
  harness.register('b', 'two.test:1');
  harness.register('c', (await answering(harness, () => ok('good'))).target);
  const port = await harness.listen({ protocol: 'http' });
  for (let count = 0; count < 6; count++) expect(bodyOf(await ask(port))).toBe('good');
  expect(guard.refusedCount).toBeLessThanOrEqual(2);
});

test('a name is tried again after a while, because it may lead elsewhere by then', () => {
  let nowMs = 0;
  const targets = new UndialledTargets(new PortGuard(1), () => nowMs);
  expect([targets.has('one.test:1'), targets.has('127.0.0.1:1'), targets.has('127.0.0.1:2')]).toEqual([
    false,
    true,
    false,
  ]);
  const before = targets.generation;
  targets.found('one.test:1');
  expect(targets.has('one.test:1')).toBe(true);
  const found = targets.generation;
  expect(found).toBeGreaterThan(before);
  nowMs = 60_000;
  expect(targets.generation).toBeGreaterThan(found);
  expect(targets.has('one.test:1')).toBe(false);
});
