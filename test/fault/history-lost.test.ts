/**
 * Faults: somebody deletes the stream, or edits it, while nodes serve. No roster is given up without a person's word, no request fails
 * on the way back, and each node says what is wrong and what mends it.
 */
import type { StreamConfig } from '@nats-io/jetstream';
import { expect } from 'vitest';
import { TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { eventually } from '../harness/processes/process.ts';
import { STREAM, streamsOf, withoutFailures } from './history-lost.ts';

test('three nodes that are started at once make one stream between them', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  const ids = ['lb-1', 'lb-2', 'lb-3'];
  await Promise.all(ids.map((id) => cluster.startNode(id, { newCluster: false })));
  await cluster.agreed();
  const statuses = await Promise.all(cluster.nodes.map((node) => node.status()));
  expect(new Set(statuses.map(({ epoch }) => epoch)).size).toBe(1);
  expect(statuses.map(({ adoption, epochChange }) => adoption ?? epochChange)).toEqual([null, null, null]);
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
