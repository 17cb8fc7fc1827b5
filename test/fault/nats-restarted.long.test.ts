/**
 * Fault: NATS is killed or stopped and started again under nodes that follow it: one server alone, and of three the one that
 * a node is connected to and knows no other. For how long a node is behind is measured from the moment at which the server
 * has acknowledged a publish, which with three may take an election.
 */
import assert from 'node:assert/strict';
import { expect } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { EventWriter } from '../harness/event-writer.ts';
import { startLoad } from '../harness/load.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';
import { rounds } from '../harness/processes/rounds.ts';

/**
 * A second is what is usual at most. Rarely, a copy of the stream hears only with its leader's next heartbeat, 1 s later, that
 * an event is settled, and a consumer that died unheard is missed after 1.75 s; both at once, on a busy machine, stay below this.
 */
const BEHIND_MAX_MS = 5_000;
const SIGNALS = ['SIGKILL', 'SIGTERM'] as const;

/** Moments after the server greets again. */
interface Return {
  /** It has taken a publish. */
  readonly ackedMs: number;
  /** Each node has folded what was published. */
  readonly foldedMs: readonly number[];
}

interface Restart {
  readonly server: number;
  readonly signal: 'SIGKILL' | 'SIGTERM';
  /** Those that are looked at. */
  readonly nodes: readonly TestNode[];
}

/** Restarts a server, publishes over it at once, and measures. */
async function restart(cluster: TestCluster, { server, signal, nodes }: Restart): Promise<Return> {
  const { [server]: restarted } = cluster.nats.servers;
  await restarted!.end(signal);
  await restarted!.restart();
  const greetedMs = performance.now();
  const sinceMs = (): number => Math.round(performance.now() - greetedMs);
  await using writer = await EventWriter.open([restarted!.url], CLUSTER);
  const revision = await writer.publish('pool.news', { type: 'PoolDefined' });
  const ackedMs = sinceMs();
  const folded = nodes.map(async (node) => {
    await eventually('it has folded the news', async () => (await node.status()).revision >= revision, 30_000);
    return sinceMs();
  });
  return { ackedMs, foldedMs: await Promise.all(folded) };
}

function summary(values: readonly number[]): object {
  const sorted = values.toSorted((a, b) => a - b);
  return { p50Ms: sorted[Math.floor(sorted.length / 2)], maxMs: sorted.at(-1) };
}

/** Does them one after another, with traffic on all nodes. Says for how long each node was behind, in ms. */
async function restartAll(cluster: TestCluster, restarts: readonly Omit<Restart, 'signal'>[]): Promise<number[]> {
  const loads = await Promise.all(cluster.nodes.map(async (node) => startLoad(await node.address('front'), 1)));
  const returns: Return[] = [];
  for (const [round, one] of restarts.entries()) {
    returns.push(await restart(cluster, { ...one, signal: SIGNALS[round % SIGNALS.length]! }));
    await cluster.agreed({ withinMs: BEHIND_MAX_MS });
  }
  await cluster.expectSound();
  await Promise.all(loads.map((load) => load.stop()));
  assert.deepEqual(
    loads.flatMap(({ failures }) => failures),
    [],
  );
  for (const load of loads) assert.ok(load.succeededCount() > 0);
  const behindMs = returns.flatMap(({ ackedMs, foldedMs }) => foldedMs.map((moment) => moment - ackedMs));
  const measured = {
    acked: summary(returns.map(({ ackedMs }) => ackedMs)),
    folded: summary(returns.flatMap(({ foldedMs }) => foldedMs)),
    behind: summary(behindMs),
  };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
  return behindMs;
}

test('the only NATS server is restarted under two nodes', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const nodes = await cluster.startNodes(2);
  const behindMs = await restartAll(
    cluster,
    Array.from({ length: rounds(4) }, () => ({ server: 0, nodes })),
  );
  expect(Math.max(...behindMs)).toBeLessThan(BEHIND_MAX_MS);
});

test('of three NATS servers, the one that a node is connected to is restarted', async () => {
  await using cluster = await TestCluster.start();
  const nodes: TestNode[] = [];
  for (const [index, url] of cluster.nats.urls.entries()) {
    nodes.push(await cluster.startNode(`lb-${index + 1}`, { servers: [url] }));
  }
  const restarts = Array.from({ length: rounds(3) }, (_, round) => ({ server: round % 3, nodes: [nodes[round % 3]!] }));
  expect(Math.max(...(await restartAll(cluster, restarts)))).toBeLessThan(BEHIND_MAX_MS);
});
