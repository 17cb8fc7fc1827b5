/** A pool whose health is a majority's word follows the nodes that start and stop; the other pools do not notice them. */
import type { BackendSet } from '@muster/membership';
import { expect, test } from 'vitest';
import { Client, ProxyHarness } from '../../testing/proxy-harness.ts';

const HEALTH = { tcp: true, intervalMs: 5_000, timeoutMs: 2_000, jitterRatio: 0.1, rise: 2, fall: 3 } as const;

test('a node that stops takes its word with it at the next pick', async () => {
  await using harness = new ProxyHarness();
  const [a, b] = [await harness.named('a'), await harness.named('b')];
  harness.pool({ health: HEALTH, healthView: 'quorum' });
  harness.register('a', a.target);
  harness.register('b', b.target);
  for (const node of ['n', 'm', 'o']) {
    harness.publish(`node.${node}`, { type: 'NodeStarted' });
    harness.publish(`health.${node}.p.b`, { type: 'BackendTurnedHealthy', target: b.target, reason: 'seen' });
  }
  harness.publish('health.n.p.a', { type: 'BackendTurnedHealthy', target: a.target, reason: 'seen' });
  for (const node of ['m', 'o']) {
    harness.publish(`health.${node}.p.a`, { type: 'BackendTurnedUnhealthy', target: a.target, reason: 'seen' });
  }
  const port = await harness.listen();
  const reached = async () => {
    const client = new Client(port);
    const name = await client.read(1);
    client.socket.destroy();
    return name;
  };
  expect([await reached(), await reached()]).toEqual(['b', 'b']);
  harness.publish('node.o', { type: 'NodeStopped', reason: 'lease-expired' });
  expect(new Set([await reached(), await reached()])).toEqual(new Set(['a', 'b']));
});

test('only the pools that ask a quorum make their set anew', async () => {
  const sets: BackendSet[] = [];
  await using harness = new ProxyHarness({ onExchange: ({ attempts }) => sets.push(attempts[0]!.set) });
  const backend = await harness.named('a');
  for (const [pool, healthView] of [
    ['own', 'own'],
    ['quorum', 'quorum'],
  ] as const) {
    harness.publish(`pool.${pool}`, { type: 'PoolDefined', healthView });
    harness.publish(`backend.${pool}.a`, { type: 'BackendRegistered', target: backend.target });
  }
  const ports = [
    await harness.listen({ id: 'l-1', pool: 'own', protocol: 'http' }),
    await harness.listen({ id: 'l-2', pool: 'quorum', protocol: 'http' }),
  ];
  const pickFromBoth = async () => {
    for (const port of ports) {
      const client = new Client(port);
      client.socket.write('GET / HTTP/1.1\r\nhost: p.test\r\n\r\n');
      await client.read(1);
      client.socket.destroy();
    }
    return sets.splice(0);
  };
  const [ownBefore, quorumBefore] = await pickFromBoth();
  harness.publish('node.n', { type: 'NodeStarted' });
  const [ownAfter, quorumAfter] = await pickFromBoth();
  expect(ownAfter).toBe(ownBefore);
  expect(quorumAfter).not.toBe(quorumBefore);
  expect(quorumAfter!.revision).toBe(harness.roster.revision);
});
