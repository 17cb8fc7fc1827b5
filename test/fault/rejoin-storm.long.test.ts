/**
 * Fault: all NATS servers are killed for less than the lease of 500 members, who all come back at once; then the members'
 * process is killed. The first is nobody's end, and appends nothing about anybody; the second is the end of each of them, once,
 * whichever node is first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LEASE_EXPIRED, type RecordedEvent } from '@muster/membership';
import { expect } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startLoad } from '../harness/load.ts';
import { eventually, startProcess } from '../harness/processes/process.ts';
import { rounds } from '../harness/processes/rounds.ts';

const PUBLISHERS = fileURLToPath(new URL('../bench/cluster/publishers-process.ts', import.meta.url));
const MEMBERS = 500;
const LEASE_MS = 10_000;
const HEARTBEAT_MS = 2_000;
const DOWN_MS = 3_000;
/** How long after a lease its end may be recorded: nodes look once a while, and 500 appends take their time. */
const ENDED_WITHIN_MS = 15_000;

/** Events about members, and ends of nodes' leases. */
async function aboutMembers(cluster: TestCluster): Promise<readonly RecordedEvent[]> {
  const { messages } = await cluster.stream();
  return messages.filter(({ subject, payload }) => {
    return (
      subject.startsWith(`muster.${CLUSTER}.backend.m.`) ||
      (subject.includes('.node.') && payload.includes(LEASE_EXPIRED))
    );
  });
}

test(`${MEMBERS} members outlive NATS, and end once each`, async () => {
  await using cluster = await TestCluster.start();
  const nodes = await cluster.startNodes(3);
  await cluster.writer.publish('pool.m', { type: 'PoolDefined' });
  const args = [cluster.nats.urls.join(','), CLUSTER, 'm', ...[MEMBERS, LEASE_MS, HEARTBEAT_MS].map(String)];
  await using members = startProcess(PUBLISHERS, args);
  await eventually('all have joined', () => members.output().includes('joined'), 30_000);
  const joined = await aboutMembers(cluster);
  expect(joined).toHaveLength(MEMBERS);
  const loads = await Promise.all(nodes.map(async (node) => startLoad(await node.address('front'), 1)));

  for (let round = 0; round < rounds(1); round++) {
    await Promise.all(cluster.nats.servers.map((server) => server.end('SIGKILL')));
    await sleep(DOWN_MS);
    await Promise.all(cluster.nats.servers.map((server) => server.restart()));
    const revision = await cluster.writer.publish('pool.news', { type: 'PoolDefined' });
    await cluster.agreed({ minRevision: revision });
    // Whoever was wrongly thought silent would be out by then.
    await sleep(LEASE_MS + HEARTBEAT_MS);
    expect(await aboutMembers(cluster)).toEqual(joined);
  }

  const killedMs = performance.now();
  await members.end('SIGKILL');
  await eventually(
    'all are out',
    async () => (await Promise.all(nodes.map((node) => node.status()))).every(({ leases }) => leases.count === 0),
    LEASE_MS + ENDED_WITHIN_MS,
  );
  const endedMs = Math.round(performance.now() - killedMs);
  await cluster.expectSound();
  const ends = (await aboutMembers(cluster)).slice(MEMBERS);
  expect(ends).toHaveLength(MEMBERS);
  expect(new Set(ends.map(({ subject }) => subject))).toEqual(new Set(joined.map(({ subject }) => subject)));
  for (const { payload } of ends) {
    expect(JSON.parse(payload)).toEqual({ type: 'BackendDeregistered', reason: LEASE_EXPIRED });
  }
  const expired = (await Promise.all(nodes.map((node) => node.status()))).map(({ leases }) => leases.expiredCount);
  expect(expired.reduce((sum, count) => sum + count, 0)).toBe(MEMBERS);
  process.stdout.write(`${JSON.stringify({ endedMs, expiredByNode: expired })}\n`);
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
});
