/**
 * Fault: somebody deletes the stream under load, and makes it again. All nodes serve what they had, say so loudly, and record
 * nothing, whatever somebody writes into the new one; what is served is written there by a person's word, or given up by one. A
 * member of the old history comes back by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { expect } from 'vitest';
import { join, type Member } from '@muster/publisher';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { EventWriter } from '../harness/event-writer.ts';
import { startLoad } from '../harness/load.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';
import { backendSeenBy } from '../harness/roster.ts';
import { rounds } from '../harness/processes/rounds.ts';

const STREAM = `muster-${CLUSTER}`;
/** How long the nodes serve what they had, in ms. */
const WITHOUT_STREAM_MS = 3_000;

async function managerOf({ writer }: TestCluster): Promise<JetStreamManager> {
  return jetstreamManager(writer.connection, { checkAPI: false });
}

async function deleteStream(cluster: TestCluster): Promise<void> {
  await (await managerOf(cluster)).streams.delete(STREAM);
  // What was acknowledged was so in a history that is gone.
  cluster.writer.revisionById.clear();
}

/** As it was, and empty. Returns the new epoch. */
async function makeStreamAgain(cluster: TestCluster): Promise<string> {
  const manager = await managerOf(cluster);
  const { config } = await manager.streams.info(STREAM);
  await deleteStream(cluster);
  const { created } = await manager.streams.add(config);
  return created;
}

async function joinMember({ nats, backends }: TestCluster): Promise<Member> {
  const { target } = backends[0]!;
  return join({ servers: nats.urls, cluster: CLUSTER, pool: 'p', id: 'member', target, leaseMs: 2_000 });
}

async function expectMember(nodes: readonly TestNode[]): Promise<void> {
  for (const node of nodes) {
    await eventually('it has the member', async () => {
      return (await backendSeenBy(node, 'p', 'member'))?.eligibility.isEligible;
    });
  }
}

/** Clients of every node, and somebody who publishes without a pause, also into a stream that is not there or has no pool. */
async function underLoad(cluster: TestCluster, run: () => Promise<void>): Promise<void> {
  const { target } = cluster.backends[0]!;
  const loads = await Promise.all(cluster.nodes.map(async (node) => startLoad(await node.address('front'), 1)));
  await using writer = await EventWriter.open(cluster.nats.urls, CLUSTER);
  const over = new AbortController();
  const publishing = (async () => {
    for (let step = 0; !over.signal.aborted; step++) {
      const event = { type: 'BackendRegistered', target, weight: 1 + (step % 7) } as const;
      await writer.publish('backend.p.extra', event, 500).catch(() => 'the stream is away');
    }
  })();
  await run();
  over.abort();
  await Promise.all([publishing, ...loads.map((load) => load.stop())]);
  expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
  for (const load of loads) expect(load.succeededCount()).toBeGreaterThan(0);
}

/** What each node serves stays what it was while this runs. */
async function expectServedAsBefore(nodes: readonly TestNode[], run: () => Promise<void>): Promise<void> {
  const served = async (node: TestNode) => {
    return eventually('its workers have what it has', async () => {
      const { epoch, revision, hash, state, workers } = await node.status();
      return workers.every((worker) => worker.hash === hash) && { epoch, revision, hash, state };
    });
  };
  const before = await Promise.all(nodes.map(served));
  await run();
  expect(await Promise.all(nodes.map(served))).toEqual(before);
  for (const node of nodes) expect((await fetch(`${node.admin}/readyz`)).status).toBe(200);
}

async function expectRefusal(node: TestNode): Promise<void> {
  const outcome = await node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' });
  expect(outcome).toMatchObject({ error: { code: 'unavailable' } });
  expect(JSON.stringify(outcome)).toContain('adopt-epoch');
}

test('the stream is deleted and made again under load', async () => {
  await using cluster = await TestCluster.start();
  const nodes = await cluster.startNodes(3);
  await using _member = await joinMember(cluster);
  for (let round = 0; round < rounds(1); round++) {
    await expectMember(nodes);
    let epoch = '';
    await underLoad(cluster, async () => {
      epoch = await makeStreamAgain(cluster);
      for (const node of nodes)
        await eventually('it says so', async () => (await node.status()).epochChange?.to === epoch);
      await expectServedAsBefore(nodes, async () => {
        // Accepted by the fold, and no pool.
        const revision = await cluster.writer.publish('node.stranger', { type: 'NodeStarted', workers: 1 });
        for (const node of nodes) {
          await eventually('it reads the other history', async () => {
            return ((await node.status()).epochChange?.revision ?? 0) >= revision;
          });
        }
        await sleep(WITHOUT_STREAM_MS);
      });
      for (const node of nodes) {
        expect((await node.muster('status')).output).toMatch(/THE JOURNAL IS ANOTHER ONE[^]*muster adopt-epoch/);
        await expectRefusal(node);
      }
    });

    // A pool is not enough: it lacks what is served.
    const minRevision = await cluster.writer.publish('pool.p', { type: 'PoolDefined' });
    await sleep(WITHOUT_STREAM_MS);
    for (const node of nodes) expect((await node.status()).epoch).not.toBe(epoch);
    await underLoad(cluster, async () => {
      expect(await nodes[0]!.muster('restore-history', '--yes')).toMatchObject({ code: 0 });
    });
    for (const node of nodes) await eventually('it adopts it', async () => (await node.status()).epoch === epoch);
    await cluster.agreed({ minRevision });
    await expectMember(nodes);
    const { revision } = await cluster.expectSound();
    expect(revision).toBeGreaterThan(minRevision);
    for (const node of nodes) expect((await node.status()).epochChange).toBeNull();
    await underLoad(cluster, () => sleep(1_000));
  }
});

test('the stream is deleted under load, and a person says that it begins anew', async () => {
  await using cluster = await TestCluster.start();
  const nodes = await cluster.startNodes(3);
  await using _member = await joinMember(cluster);
  for (let round = 0; round < rounds(1); round++) {
    await expectMember(nodes);
    const before = await cluster.agreed();
    const { epoch: epochBefore } = await cluster.stream();
    await underLoad(cluster, async () => {
      await deleteStream(cluster);
      for (const node of nodes) await eventually('it says stale', async () => (await node.status()).journalAwaySinceMs);
      await expectServedAsBefore(nodes, () => sleep(WITHOUT_STREAM_MS));
      for (const node of nodes) {
        expect((await node.muster('status')).output).toContain('this node is stale');
        const line = 'was deleted; to write what a node serves into a new one, on that node: muster restore-history';
        await eventually('it says what to do', () => node.process.output().includes(line));
        await expectRefusal(node);
      }
    });

    const outputs: string[] = [];
    for (const node of nodes) outputs.push((await node.muster('adopt-epoch')).output);
    expect(outputs[0]).toContain("the node serves the journal's present history");
    // Where what the others serve is all in the first one's config, they may have taken it by themselves.
    for (const output of outputs) expect(output).toMatch(/present history|history already/);
    await cluster.agreed();
    await expectMember(nodes);
    await cluster.expectSound();
    for (const node of nodes) {
      const { epoch, revision } = await node.status();
      expect(epoch).not.toBe(epochBefore);
      expect(revision).toBeLessThan(before.revision + 1_000);
    }
    await underLoad(cluster, () => sleep(1_000));
  }
});
