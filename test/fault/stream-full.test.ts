/**
 * Fault: the stream is full, and later has room again. A command fails within its time with the reason, `status` says that the journal
 * takes no events, and neither a node with nothing to append nor one with facts that wait stays so once there is room.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/processes/process.ts';

const STREAM_BYTES_MAX = 65_536;
const FILLING = 'x'.repeat(4_096);
/** A command's own limit is 2 s; the rest is for a busy machine. */
const COMMAND_WITHIN_MS = 4_000;
const BACK_WITHIN_MS = 15_000;

test('the stream is full, and then is not', async () => {
  await using cluster = await TestCluster.start({ servers: 1, poolLines: '' });
  const nodes = await cluster.startNodes(2);
  await cluster.agreed();
  const { streams } = await jetstreamManager(cluster.writer.connection);
  const name = `muster-${CLUSTER}`;
  const { state } = await streams.info(name);
  await streams.update(name, { max_bytes: state.bytes + STREAM_BYTES_MAX });
  const fill = async (): Promise<void> => {
    for (;;) await cluster.writer.publishText('pool.q', JSON.stringify({ type: FILLING }), { withinMs: 500 });
  };
  await fill().catch(() => undefined);
  await streams.update(name, { max_bytes: (await streams.info(name)).state.bytes });

  for (const node of nodes) {
    const beganMs = performance.now();
    const outcome = await node.command({ type: 'DefinePool', pool: 'r' });
    expect(performance.now() - beganMs).toBeLessThan(COMMAND_WITHIN_MS);
    expect(JSON.stringify(outcome)).toContain('the stream takes no events');
    expect((await node.muster('status')).output).toMatch(/journal takes no events since .*; traffic goes on/);
  }
  await streams.update(name, { max_bytes: -1 });
  const isBack = async () =>
    (await Promise.all(nodes.map((node) => node.status()))).every((at) => at.journalAwaySinceMs === null);
  await eventually('no node says that it is away', isBack, BACK_WITHIN_MS);
  expect(await nodes[0]!.command({ type: 'DefinePool', pool: 'r' })).toMatchObject({ outcome: 'appended' });
});
