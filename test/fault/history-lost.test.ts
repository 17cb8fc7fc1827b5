/**
 * Faults: somebody deletes the stream, empties it, or edits it, while nodes serve. No roster is given up without a person's word, no
 * request fails on the way back, and each node says what is wrong and what mends it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { expect } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startLoad } from '../harness/load.ts';
import { onePool, spawnTestNode, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/process.ts';

const STREAM = `muster-${CLUSTER}`;
/** Beside the two of the config. */
const PUBLISHED_COUNT = 10;
/** Longer than a node took to give its roster up. */
const PATIENCE_MS = 4_000;

async function streamsOf({ writer }: TestCluster) {
  return (await jetstreamManager(writer.connection, { checkAPI: false })).streams;
}

/** What only the journal and the nodes know of: no config has it. */
async function publishBackends(cluster: TestCluster): Promise<void> {
  const { target } = cluster.backends[0]!;
  for (let index = 1; index <= PUBLISHED_COUNT; index++)
    await cluster.writer.publish(`backend.p.extra-${index}`, { type: 'BackendRegistered', target, weight: index });
}

async function deleteStream(cluster: TestCluster): Promise<void> {
  await (await streamsOf(cluster)).delete(STREAM);
  // What was acknowledged was so in a history that is gone.
  cluster.writer.revisionById.clear();
}

/** Connections to every node, one after another, while something happens; none may fail. */
async function withoutFailures(nodes: readonly TestNode[], run: () => Promise<void>): Promise<void> {
  const loads = await Promise.all(nodes.map(async (node) => startLoad(await node.address('front'), 1)));
  try {
    await run();
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
  }
  expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
  for (const load of loads) expect(load.succeededCount()).toBeGreaterThan(0);
}

const backendsOf = (node: TestNode) => node.status().then(({ backendsCount }) => backendsCount);

test('three nodes that are started at once make one stream between them', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const ids = ['lb-1', 'lb-2', 'lb-3'];
  await Promise.all(ids.map((id) => cluster.startNode(id, { newCluster: false })));
  await cluster.agreed();
  const statuses = await Promise.all(cluster.nodes.map((node) => node.status()));
  expect(new Set(statuses.map(({ epoch }) => epoch)).size).toBe(1);
  expect(statuses.map(({ adoption, epochChange }) => adoption ?? epochChange)).toEqual([null, null, null]);
});

test('the stream is deleted and a node without a snapshot starts: nobody gives up what it serves, and a person writes it back', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const [first, second] = (await cluster.startNodes(2)) as [TestNode, TestNode];
  await publishBackends(cluster);
  const count = cluster.backends.length + PUBLISHED_COUNT;
  for (const node of [first, second]) await eventually('it has them', async () => (await backendsOf(node)) === count);
  const { command } = first;
  expect(await command({ type: 'SetBackendMode', pool: 'p', backend: 'extra-3', mode: 'drain' })).toMatchObject({
    outcome: 'appended',
  });
  await cluster.agreed();
  const { epoch } = await first.status();
  await deleteStream(cluster);
  for (const node of [first, second])
    await eventually('it says so', async () => (await node.status()).confirmation?.isGone);

  const journal = { servers: cluster.nats.urls, cluster: CLUSTER };
  const config = onePool(cluster.backends.map(({ target }) => target));
  await using third = await spawnTestNode({ folder: cluster.folder, id: 'lb-3', config, journal });
  await withoutFailures([first, second], async () => {
    await eventually('it says why it waits', () =>
      /is not there, and node lb-\d serves revision \d+ of history.*muster restore-history/.test(
        third.process.output(),
      ),
    );
    await sleep(PATIENCE_MS);
    for (const node of [first, second]) expect(await node.status()).toMatchObject({ epoch, backendsCount: count });
    expect((await fetch(`${third.admin}/readyz`)).status).toBe(503);
    const { output } = await second.muster('status');
    expect(output).toContain('THE JOURNAL IS GONE');
    expect(output).toContain('start no node that has no local snapshot');
    expect(await (await fetch(`${second.admin}/metrics`)).text()).toContain('muster_journal_gone 1');

    const shown = await first.muster('restore-history');
    expect(shown).toMatchObject({ code: 0 });
    expect(shown.output).toMatch(/\+ backend p\/extra-7 {2}registered .*weight 7/);
    expect(shown.output).toMatch(/would be written into a new stream.*muster restore-history --yes/);
    await expect((await streamsOf(cluster)).info(STREAM)).rejects.toThrow('stream not found');
    expect(await first.muster('restore-history', '--yes')).toMatchObject({ code: 0 });
    await eventually('the waiting node serves', async () => (await fetch(`${third.admin}/readyz`)).ok);
    for (const node of [second, third])
      await eventually('it follows', async () => {
        const { epoch: followed, backendsCount } = await node.status();
        return followed !== epoch && backendsCount === count;
      });
  });
  await cluster.agreed({ nodes: [first, second, third] });
  expect((await first.status()).adoption).toMatchObject({ from: epoch, by: expect.stringMatching(/^cli:/) as string });
  expect((await second.status()).adoption).toMatchObject({ from: epoch, by: null });
  expect((await first.status()).backendsCount).toBe(count);
  const { output } = await first.muster('backend', 'list');
  expect(output).toMatch(/extra-3 .*drain/);
  // Who looks after a restart finds it, too.
  await second.stop();
  const again = await cluster.startNode('lb-2');
  expect((await again.muster('status')).output).toMatch(/was adopted in place of .* by itself/);
});

test('a stream that a node made by a person’s word, with less in it, is adopted by nobody until a person says so', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const node = await cluster.startNode('lb-1');
  await publishBackends(cluster);
  const count = cluster.backends.length + PUBLISHED_COUNT;
  await eventually('it has them', async () => (await backendsOf(node)) === count);
  await deleteStream(cluster);
  await eventually('it says so', async () => (await node.status()).confirmation?.isGone);
  const other = await cluster.startNode('lb-2', { newCluster: true });
  expect(await backendsOf(other)).toBe(cluster.backends.length);
  await eventually(
    'it has read the other',
    async () => (await node.status()).epochChange?.missingCount === PUBLISHED_COUNT,
  );
  await sleep(PATIENCE_MS);
  expect(await backendsOf(node)).toBe(count);
  expect((await node.muster('status')).output).toMatch(
    /it lacks 10 of the things served here[^]*muster restore-history/,
  );
  await withoutFailures([node, other], async () => {
    expect(await node.muster('restore-history', '--yes')).toMatchObject({ code: 0 });
    await eventually(
      'both have all',
      async () => (await backendsOf(node)) === count && (await backendsOf(other)) === count,
    );
  });
  await cluster.agreed();
});

test('another history is adopted by a person under traffic, and no request fails', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const node = await cluster.startNode('lb-1');
  const streams = await streamsOf(cluster);
  await withoutFailures([node], async () => {
    for (let round = 0; round < 5; round++) {
      const { config } = await streams.info(STREAM);
      await deleteStream(cluster);
      const { created } = await streams.add(config);
      await eventually('it says so', async () => (await node.status()).epochChange?.to === created);
      expect(await node.muster('adopt-epoch')).toMatchObject({ code: 0 });
      expect(await node.status()).toMatchObject({ epoch: created, backendsCount: cluster.backends.length });
    }
  });
});

test('the stream is purged: a node that is started again serves, those that run store a snapshot, and so does a person', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const [first, second] = (await cluster.startNodes(2)) as [TestNode, TestNode];
  await publishBackends(cluster);
  const count = cluster.backends.length + PUBLISHED_COUNT;
  for (const node of [first, second]) await eventually('it has them', async () => (await backendsOf(node)) === count);
  // Whether it has saved all that on its disk is not known.
  await second.process.end('SIGKILL');
  const streams = await streamsOf(cluster);
  await streams.purge(STREAM);
  await eventually('the one that runs stores a snapshot', () =>
    first.process.output().includes('no snapshot is known that reaches there: one is stored'),
  );
  const again = await cluster.startNode('lb-2');
  expect(await backendsOf(again)).toBe(count);
  await cluster.agreed();

  await streams.purge(STREAM);
  expect(await again.muster('snapshot')).toMatchObject({
    code: 0,
    output: expect.stringMatching(/is stored/) as string,
  });
  // And with nobody left who runs, and no bucket: from the machine's own snapshot.
  for (const node of cluster.nodes) await node.stop();
  await streams.delete(`OBJ_${STREAM}-snapshots`);
  await streams.purge(STREAM);
  const last = await cluster.startNode('lb-2');
  expect(await backendsOf(last)).toBe(count);
  expect(await last.command({ type: 'SetBackendMode', pool: 'p', backend: 'extra-1', mode: 'drain' })).toMatchObject({
    outcome: 'appended',
  });
});

test('the stream is edited under a node that runs: it says so, appends nothing, serves on, and goes on when it is mended', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const node = await cluster.startNode('lb-1');
  const streams = await streamsOf(cluster);
  const { config } = await streams.info(STREAM);
  // What a config leaves out, an edit leaves as it is.
  const MENDED = { max_age: 0, no_ack: false, max_msg_size: -1 };
  const edits: Partial<StreamConfig>[] = [{ max_age: 3_600_000_000_000 }, { no_ack: true }, { max_msg_size: 100 }];
  await withoutFailures([node], async () => {
    for (const edit of edits) {
      await streams.update(STREAM, { ...config, ...edit });
      await eventually('it says so', async () => (await node.status()).confirmation?.unfit);
      expect((await node.muster('status')).output).toMatch(/NOTHING IS APPENDED TO THE JOURNAL: .*nats stream edit/);
      const drain = await node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' });
      expect(drain).toMatchObject({
        error: { code: 'unavailable', message: expect.stringContaining('nats stream edit') },
      });
      await streams.update(STREAM, { ...config, ...MENDED });
      await eventually('it is mended', async () => (await node.status()).confirmation?.unfit === null);
      for (const mode of ['drain', 'ready'] as const)
        expect(await node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode })).toMatchObject({
          outcome: 'appended',
        });
    }
  });
});
