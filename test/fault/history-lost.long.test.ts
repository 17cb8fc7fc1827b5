/** Faults: a stream that was emptied, deleted, replaced, or made anew by a person's word with less in it than the others serve. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { onePool, spawnTestNode, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';
import {
  backendsOf,
  deleteStream,
  PATIENCE_MS,
  publishBackends,
  PUBLISHED_COUNT,
  STREAM,
  streamsOf,
  withoutFailures,
} from './history-lost.ts';

test('a stream that a node made by a person’s word, with less in it, is adopted by nobody until a person says so', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const node = await cluster.startNode('lb-1');
  const count = await publishBackends(cluster);
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
  // Who looks after a restart finds it, too.
  await node.stop();
  const again = await cluster.startNode('lb-1');
  expect((await again.muster('status')).output).toMatch(/was adopted in place of .*by cli:/);
});

test('the stream is purged: a node that is started again serves, those that run store a snapshot, and so does a person', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const [first, second] = (await cluster.startNodes(2)) as [TestNode, TestNode];
  const count = await publishBackends(cluster);
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

test('the stream is deleted and a node without a snapshot starts: nobody gives up what it serves, and a person writes it back', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const [first, second] = (await cluster.startNodes(2)) as [TestNode, TestNode];
  const count = await publishBackends(cluster);
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
