/** Faults: a stream that was emptied, and one that a node made anew by a person's word, with less in it than the others serve. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/process.ts';
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
