/**
 * Faults: somebody deletes the stream, or edits it, while nodes serve. No roster is given up without a person's word, no request fails
 * on the way back, and each node says what is wrong and what mends it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamConfig } from '@nats-io/jetstream';
import { expect } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { onePool, spawnTestNode, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/process.ts';
import { PATIENCE_MS, publishBackends, STREAM, deleteStream, streamsOf, withoutFailures } from './history-lost.ts';

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
