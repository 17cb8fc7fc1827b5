/** What the faults of a lost history share: deleting the stream, what only nodes know of, and clients that may not notice. */
import { jetstreamManager, type StreamAPI } from '@nats-io/jetstream';
import { expect } from 'vitest';
import { CLUSTER, type TestCluster } from '../harness/cluster.ts';
import { startLoad } from '../harness/load.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

export const STREAM = `muster-${CLUSTER}`;
/** Beside the two of the config. */
export const PUBLISHED_COUNT = 10;
/** A node that would give up its roster does so within a second of having read the other history. */
export const PATIENCE_MS = 2_500;

export async function streamsOf({ writer }: TestCluster): Promise<StreamAPI> {
  return (await jetstreamManager(writer.connection, { checkAPI: false })).streams;
}

/** What only the journal and the nodes know of: no config has it. Answers how many backends there are then. */
export async function publishBackends(cluster: TestCluster): Promise<number> {
  const { target } = cluster.backends[0]!;
  for (let index = 1; index <= PUBLISHED_COUNT; index++)
    await cluster.writer.publish(`backend.p.extra-${index}`, { type: 'BackendRegistered', target, weight: index });
  const count = cluster.backends.length + PUBLISHED_COUNT;
  for (const node of cluster.nodes) await eventually('it has them', async () => (await backendsOf(node)) === count);
  return count;
}

export async function deleteStream(cluster: TestCluster): Promise<void> {
  await (await streamsOf(cluster)).delete(STREAM);
  // What was acknowledged was so in a history that is gone.
  cluster.writer.revisionById.clear();
}

/** Connections to every node, one after another, while something happens; none may fail. */
export async function withoutFailures(nodes: readonly TestNode[], run: () => Promise<void>): Promise<void> {
  const loads = await Promise.all(nodes.map(async (node) => startLoad(await node.address('front'), 1)));
  try {
    await run();
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
  }
  expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
  for (const load of loads) expect(load.succeededCount()).toBeGreaterThan(0);
}

export const backendsOf = (node: TestNode) => node.status().then(({ backendsCount }) => backendsCount);
