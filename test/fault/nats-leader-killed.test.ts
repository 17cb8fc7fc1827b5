/**
 * Fault: kill -9 of the NATS server that leads the stream, while events come in and traffic flows. The others elect a leader
 * within some seconds; until then nothing is acknowledged, and afterwards everything that was is there once.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { expect } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startLoad } from '../harness/load.ts';
import { eventually } from '../harness/processes/process.ts';
import { rounds } from '../harness/processes/rounds.ts';

async function streamLeader(cluster: TestCluster): Promise<string> {
  const manager = await jetstreamManager(cluster.writer.connection, { checkAPI: false });
  return eventually('the stream has a leader', async () => {
    return (await manager.streams.info(`muster-${CLUSTER}`)).cluster?.leader;
  });
}

test('the leader of the stream is killed under load', async () => {
  await using cluster = await TestCluster.start();
  const nodes = await cluster.startNodes(3);
  const load = startLoad(await nodes[0]!.address('front'), 2);
  const target = cluster.backends[0]!.target;
  const agreedMs: number[] = [];
  for (let round = 0; round < rounds(1); round++) {
    const leader = await streamLeader(cluster);
    const server = cluster.nats.servers.find((_, index) => `nats-${index + 1}` === leader)!;
    const over = new AbortController();
    const publishing = (async () => {
      for (let step = 0; !over.signal.aborted; step++) {
        await cluster.writer.publish('backend.p.extra', { type: 'BackendRegistered', target, weight: 1 + (step % 7) });
      }
    })();
    await server.end('SIGKILL');
    const revision = await cluster.writer.publish('backend.p.extra', { type: 'BackendRegistered', target, weight: 9 });
    over.abort();
    await publishing;
    const { tookMs } = await cluster.agreed({ minRevision: revision, withinMs: 2_000 });
    agreedMs.push(Math.round(tookMs));
    await server.restart();
    await cluster.expectSound();
  }
  process.stdout.write(`agreed after the first acknowledged event: ${agreedMs.join(', ')} ms\n`);
  await load.stop();
  expect(load.failures).toEqual([]);
  expect(load.succeededCount()).toBeGreaterThan(100);
});
