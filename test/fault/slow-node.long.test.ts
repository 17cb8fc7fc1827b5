/**
 * Fault: a node falls 100,000 events behind, and goes on. It catches up, its workers too; where the log was cut meanwhile, it
 * builds its roster anew from a snapshot. It never folds on behind what was cut.
 *
 * Its control process stands still while the events are published; its worker serves on.
 */
import { fileURLToPath } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect } from 'vitest';
import { openJetStreamJournal } from '@muster/journal-jetstream';
import { openNatsLink } from '@muster/nats';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startLoad } from '../harness/load.ts';
import { eventually, runProcess } from '../harness/processes/process.ts';
import { rounds } from '../harness/processes/rounds.ts';

const MANY_EVENTS_PROCESS = fileURLToPath(new URL('../harness/many-events-process.ts', import.meta.url));
const EVENTS = 100_000;
/** A bound for a machine that is busy with other things; how long it took is printed. */
const AGREED_WITHIN_MS = 30_000;
const SNAPSHOT_WITHIN_MS = 30_000;

/** Returns the newest revision. */
async function publishMany({ nats }: TestCluster): Promise<number> {
  const { code, output } = await runProcess(MANY_EVENTS_PROCESS, [CLUSTER, `${EVENTS}`, ...nats.urls]);
  if (code !== 0) throw new Error(`not all events were published:\n${output}`);
  return Number(output);
}

/** Cuts the log behind the newest snapshot that the nodes have stored. Returns its revision. */
async function cutBehindSnapshot({ nats, writer }: TestCluster, minRevision: number): Promise<number> {
  await using disposer = new AsyncDisposableStack();
  const link = disposer.adopt(openNatsLink({ servers: nats.urls, name: 'test' }), (open) => open.close());
  await using journal = await openJetStreamJournal({ link, cluster: CLUSTER, replicas: nats.urls.length });
  const stored = async () => {
    // A node looks whether a snapshot is due when something has changed.
    await writer.publish('pool.many', { type: 'PoolDefined' });
    const newest = await journal.loadSnapshot();
    return newest !== null && newest.revision >= minRevision && newest;
  };
  const { revision } = await eventually('a node stores a snapshot', stored, SNAPSHOT_WITHIN_MS);
  const manager = await jetstreamManager(writer.connection, { checkAPI: false });
  await manager.streams.purge(`muster-${CLUSTER}`, { seq: revision + 1 });
  return revision;
}

interface Fall {
  readonly cluster: TestCluster;
  /** What happens to the stream when everybody else has all of it. */
  readonly meanwhile: (revisionBefore: number) => Promise<string>;
}

/** The third node falls behind and goes on. */
async function fallBehind({ cluster, meanwhile }: Fall): Promise<void> {
  const [one, two, slow] = cluster.nodes;
  const { child } = slow!.process;
  const { revision: revisionBefore } = await slow!.status();
  child.kill('SIGSTOP');
  const startedMs = performance.now();
  const minRevision = await publishMany(cluster);
  const publishedMs = Math.round(performance.now() - startedMs);
  const done = await meanwhile(revisionBefore);
  await cluster.agreed({ nodes: [one!, two!], minRevision, withinMs: AGREED_WITHIN_MS });
  child.kill('SIGCONT');
  const { tookMs } = await cluster.agreed({ minRevision, withinMs: AGREED_WITHIN_MS });
  process.stdout.write(
    `${EVENTS} events published in ${publishedMs} ms${done}; agreed ${Math.round(tookMs)} ms after the slow node went on\n`,
  );
}

/** Starts three nodes with clients. They log little: a line for each event would be read by the process that tests. */
async function withNodes(cluster: TestCluster, run: () => Promise<void>): Promise<void> {
  for (const id of ['lb-1', 'lb-2', 'lb-3']) await cluster.startNode(id, { nodeLines: 'logLevel = "warn"' });
  const loads = await Promise.all(cluster.nodes.map(async (node) => startLoad(await node.address('front'), 1)));
  await run();
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
}

async function rebuildsOf(cluster: TestCluster): Promise<number[]> {
  const statuses = await Promise.all(cluster.nodes.map((node) => node.status()));
  return statuses.map(({ rebuilds }) => rebuilds.count);
}

test('a node falls 100,000 events behind', async () => {
  await using cluster = await TestCluster.start();
  await withNodes(cluster, async () => {
    for (let round = 0; round < rounds(1); round++) {
      await fallBehind({ cluster, meanwhile: () => Promise.resolve('') });
      await cluster.expectSound({ withinMs: AGREED_WITHIN_MS });
    }
  });
  expect(await rebuildsOf(cluster)).toEqual([0, 0, 0]);
  const { messages } = await cluster.stream();
  const ofMany = messages.filter(({ subject }) => subject.includes('.backend.many.'));
  expect(ofMany).toHaveLength(rounds(1) * EVENTS);
});

test('a node falls 100,000 events behind, and the log is cut meanwhile', async () => {
  await using cluster = await TestCluster.start();
  const meanwhile = async (revisionBefore: number) => {
    const cutAt = await cutBehindSnapshot(cluster, revisionBefore + EVENTS / 2);
    return `, ${cutAt - revisionBefore} of them cut`;
  };
  await withNodes(cluster, async () => {
    for (let round = 0; round < rounds(1); round++) await fallBehind({ cluster, meanwhile });
  });
  expect(await rebuildsOf(cluster)).toEqual([0, 0, rounds(1)]);
  const { lastReason } = (await cluster.nodes[2]!.status()).rebuilds;
  expect(lastReason).toContain('what this node has to read next is gone');
});
