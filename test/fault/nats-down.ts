/**
 * The test of all NATS servers being gone. Traffic goes on, probes go on and act at once, what they found is recorded when
 * NATS is back, commands fail fast, and a node says since when it is stale. For how long is the caller's: some seconds in
 * every run, 30 s in the long one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startLoad } from '../harness/load.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';
import { rounds } from '../harness/processes/rounds.ts';

const COMMAND_FAILS_WITHIN_MS = 1_000;

interface BackendOfRoster {
  readonly id: string;
  readonly eligibility: { readonly isEligible: boolean };
}

async function isEligible(node: TestNode, pool: string, backend: string): Promise<boolean> {
  const { backends } = (await (await fetch(`${node.admin}/v1/pools/${pool}`)).json()) as {
    backends: BackendOfRoster[];
  };
  return backends.find(({ id }) => id === backend)!.eligibility.isEligible;
}

async function expectFastRefusal(node: TestNode): Promise<void> {
  const startedMs = performance.now();
  const outcome = await node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' });
  expect(outcome).toMatchObject({ error: { code: 'unavailable' } });
  expect(performance.now() - startedMs).toBeLessThan(COMMAND_FAILS_WITHIN_MS);
}

export function testNatsDown(downMs: number): void {
  test(`all NATS servers are down for ${downMs / 1_000} s`, () => natsDown(downMs));
}

async function natsDown(downMs: number): Promise<void> {
  await using cluster = await TestCluster.start();
  const nodes = await cluster.startNodes(3);
  await cluster.writer.publish('pool.q', {
    type: 'PoolDefined',
    health: { tcp: true, intervalMs: 200, rise: 1, fall: 1 },
  });
  for (let round = 0; round < rounds(1); round++) {
    const watched = await startNamedEcho('watched');
    await cluster.writer.publish('backend.q.watched', { type: 'BackendRegistered', target: watched.target });
    for (const node of nodes) await eventually('it is healthy', () => isEligible(node, 'q', 'watched'));
    const loads = await Promise.all(nodes.map(async (node) => startLoad(await node.address('front'), 1)));

    await Promise.all(cluster.nats.servers.map((server) => server.end('SIGKILL')));
    const downSinceMs = performance.now();
    for (const node of nodes) await eventually('it says stale', async () => (await node.status()).journalAwaySinceMs);
    await watched[Symbol.asyncDispose]();
    for (const node of nodes)
      await eventually('it acts on its own', async () => !(await isEligible(node, 'q', 'watched')));
    for (const node of nodes) {
      expect((await fetch(`${node.admin}/readyz`)).status).toBe(200);
      expect((await node.status()).pendingFactsCount).toBe(1);
      await expectFastRefusal(node);
    }
    await sleep(downMs - (performance.now() - downSinceMs));

    await Promise.all(cluster.nats.servers.map((server) => server.restart()));
    const recorded = await cluster.writer.publish('pool.r', { type: 'PoolDefined' });
    await cluster.agreed({ minRevision: recorded, withinMs: 2_000 });
    await Promise.all(loads.map((load) => load.stop()));
    expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
    for (const node of nodes)
      await eventually('its fact is recorded', async () => (await node.status()).pendingFactsCount === 0);
    await cluster.expectSound();
  }
}
