/**
 * Fault: the nodes' wall clocks are set, an hour ahead and an hour back, all alike and each its own way, while NATS is there
 * and while it is not. Nobody's lease ends, probes go on, commands are taken, and all nodes hold the same. The NATS servers' clocks
 * stand where they are.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { join } from '@muster/publisher';
import { startNamedEcho } from '../harness/backend.ts';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startLoad } from '../harness/load.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';
import { backendSeenBy } from '../harness/roster.ts';
import { rounds } from '../harness/processes/rounds.ts';
import { steppedClock, type SteppedClock } from '../harness/processes/stepped-clock.ts';

const HOUR_MS = 3_600_000;
const MEMBER_LEASE_MS = 1_500;
/** Long enough for a lease that is wrongly over to be ended, and for several probes. */
const WATCH_MS = 2 * MEMBER_LEASE_MS;
const AWAY_MS = 5_000;
/** By how much the clocks of the three nodes are ahead of the real time, one moment after another. */
const SHIFTS_HOURS = [
  [1, 1, 1],
  [-1, -1, -1],
  [1, -1, 0],
] as const;

interface Clocked {
  readonly cluster: TestCluster;
  readonly clocks: readonly SteppedClock[];
}

async function startClockedNodes(cluster: TestCluster): Promise<SteppedClock[]> {
  const clocks: SteppedClock[] = [];
  for (const id of ['lb-1', 'lb-2', 'lb-3']) {
    const clock = await steppedClock(cluster.folder.path, id);
    await cluster.startNode(id, { env: clock.env });
    clocks.push(clock);
  }
  return clocks;
}

async function setClocks({ clocks }: Clocked, hours: readonly number[]): Promise<void> {
  await Promise.all(clocks.map((clock, index) => clock.set(hours[index]! * HOUR_MS)));
}

async function probesOf(nodes: readonly TestNode[]): Promise<number[]> {
  return Promise.all(
    nodes.map(async (node) => {
      const { probes } = await node.status();
      expect(probes.failedCount).toBe(0);
      return probes.passedCount;
    }),
  );
}

/** Nothing is recorded because of it, probes go on, and the next command is taken and known to all. */
async function expectUnmoved(clocked: Clocked, hours: readonly number[]): Promise<void> {
  const { cluster } = clocked;
  const { nodes } = cluster;
  const before = await cluster.agreed();
  await setClocks(clocked, hours);
  const probesBefore = await probesOf(nodes);
  await sleep(WATCH_MS);
  const probesAfter = await probesOf(nodes);
  for (const [index, count] of probesAfter.entries()) expect(count).toBeGreaterThan(probesBefore[index]! + 3);
  expect(await cluster.agreed()).toMatchObject({ revision: before.revision, hash: before.hash });
  for (const mode of ['drain', 'ready'] as const) {
    const outcome = await nodes[0]!.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-2', mode });
    expect(outcome).toMatchObject({ outcome: 'appended' });
  }
  await cluster.agreed({ minRevision: before.revision + 2, withinMs: 2_000 });
}

/** The clocks step while NATS is away. What the nodes say of how long it was away is by the clock that never steps. */
async function expectSaneOutage(clocked: Clocked): Promise<void> {
  const { nodes, nats } = clocked.cluster;
  const saidBefore = nodes.map((node) => node.process.output().length);
  for (const server of nats.servers) await server.pause();
  for (const node of nodes) await eventually('it says stale', async () => (await node.status()).journalAwaySinceMs);
  const sinceMs = performance.now();
  await setClocks(clocked, [1, -1, 1]);
  await sleep(AWAY_MS - (performance.now() - sinceMs));
  for (const server of nats.servers) server.resume();
  for (const [index, node] of nodes.entries()) {
    const [, seconds] = await eventually('it says that NATS is back', () =>
      /the journal is back after ([\d.]+) s/.exec(node.process.output().slice(saidBefore[index])),
    );
    expect(Number(seconds)).toBeGreaterThan(1);
    expect(Number(seconds)).toBeLessThan(60);
  }
}

async function expectSaneTexts(nodes: readonly TestNode[]): Promise<void> {
  for (const node of nodes) {
    await eventually('it hears the others', async () => (await node.status()).peers.every(({ isHeard }) => isHeard));
    const { code, output } = await node.muster('status');
    expect(code).toBe(0);
    expect(output).toMatch(/serving for \d/);
    expect(output).not.toMatch(/NaN|Invalid|undefined|-\d+(\.\d+)? (s|min|h|d)\b|silent/);
    expect((await node.status()).leases).toEqual({ count: 1, expiredCount: 0 });
  }
}

test("the nodes' clocks are set by an hour", async () => {
  await using cluster = await TestCluster.start();
  const clocks = await startClockedNodes(cluster);
  const { nodes } = cluster;
  const watched = await startNamedEcho('watched');
  await cluster.writer.publish('pool.q', { type: 'PoolDefined', health: { tcp: true, intervalMs: 200, fall: 1 } });
  await cluster.writer.publish('backend.q.watched', { type: 'BackendRegistered', target: watched.target });
  const { target } = cluster.backends[0]!;
  const member = { pool: 'p', id: 'member', target, leaseMs: MEMBER_LEASE_MS, heartbeatMs: MEMBER_LEASE_MS / 5 };
  await using _member = await join({ servers: cluster.nats.urls, cluster: CLUSTER, ...member });
  const isWatched = async (node: TestNode) => (await backendSeenBy(node, 'q', 'watched'))?.health.value;
  for (const node of nodes) {
    await eventually('every backend is healthy', async () => {
      const { eligibility } = (await backendSeenBy(node, 'p', 'member'))!;
      return (await isWatched(node)) === 'healthy' && eligibility.isEligible;
    });
  }
  const loads = await Promise.all(nodes.map(async (node) => startLoad(await node.address('front'), 1)));
  for (let round = 0; round < rounds(1); round++) {
    for (const hours of SHIFTS_HOURS) await expectUnmoved({ cluster, clocks }, hours);
    await expectSaneTexts(nodes);
  }
  await expectSaneOutage({ cluster, clocks });
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
  await watched[Symbol.asyncDispose]();
  for (const node of nodes) await eventually('it is unhealthy', async () => (await isWatched(node)) === 'unhealthy');
  await cluster.expectSound();
  await expectSaneTexts(nodes);
});
