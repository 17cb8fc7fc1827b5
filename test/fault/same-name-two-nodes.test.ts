/**
 * Fault: a second machine is started with the id of a node that lives, and with another config. The first goes on as if nothing had
 * happened; the second says what is wrong wherever somebody may look, and appends nothing, until the name is free. What it declares
 * then takes a person's word, because it was declared for a name that somebody else had.
 */
import { expect } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startLoad } from '../harness/load.ts';
import { spawnTestNode, testFolder, type TestFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

/** What traffic finds would be recorded beside what probes find. */
const POOL_LINES = 'health = { tcp = true, intervalMs = 500 }\nejection = false';
const STANDS_BACK = 'another process is node lb-1';
/** Nothing that the first declares is in it. */
const OTHER_CONFIG = `
[[pools]]
id = "q"
health = { tcp = true, intervalMs = 500 }
[[listeners]]
id = "other"
bind = "127.0.0.1:0"
pool = "q"
`;

function secondMachine(cluster: TestCluster, folder: TestFolder): Promise<TestNode> {
  const journal = { servers: cluster.nats.urls, cluster: CLUSTER, replicas: 1 };
  return spawnTestNode({ folder, id: 'lb-1', config: OTHER_CONFIG, journal });
}

async function nameState(node: TestNode): Promise<string | null> {
  return (await node.status().catch(() => null))?.name.state ?? null;
}

const becomes = (node: TestNode, state: string) =>
  eventually(`the process is ${state}`, async () => (await nameState(node)) === state);

const sayings = async (cluster: TestCluster) =>
  (await cluster.stream()).messages.map(({ subject, payload }) => {
    const { type } = JSON.parse(payload) as { type: string };
    return `${subject.split('.').slice(2).join('.')} ${type}`;
  });

test('a second machine with a taken id changes nothing, and takes over on a word once the first is gone', async () => {
  await using cluster = await TestCluster.start({ servers: 1, poolLines: POOL_LINES });
  await using folder = await testFolder();
  const first = await cluster.startNode('lb-1');
  const load = startLoad(await first.address('front'), 2);
  const { length: saidCount } = await sayings(cluster);
  await using second = await secondMachine(cluster, folder);
  await becomes(second, 'standing-back');

  expect(second.process.output()).toContain(STANDS_BACK);
  const ready = await fetch(`${second.admin}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining(STANDS_BACK)]);
  expect(await (await fetch(`${second.admin}/metrics`)).text()).toContain('muster_node_stands_back 1');
  expect((await second.muster('status')).output).toContain(`THIS PROCESS STANDS BACK: ${STANDS_BACK}`);
  expect(await second.command({ type: 'RemovePool', pool: 'p' })).toMatchObject({
    error: { message: expect.stringContaining(STANDS_BACK) as string },
  });
  const event = { subject: `muster.${CLUSTER}.pool.p`, payload: { type: 'PoolRemoved' } };
  const headers = { 'content-type': 'application/json' };
  const raw = await fetch(`${second.admin}/v1/events`, { method: 'POST', headers, body: JSON.stringify(event) });
  expect(raw.status).toBe(503);
  // It serves what the roster says.
  expect((await second.status()).listeners).toMatchObject([{ id: 'front' }]);

  await load.stop();
  expect(load.succeededCount()).toBeGreaterThan(100);
  expect(load.failures).toEqual([]);
  expect((await sayings(cluster)).slice(saidCount)).toEqual([]);

  // Both see a backend die; the one that is the node says so.
  const dead = cluster.backends[1]!;
  await dead[Symbol.asyncDispose]();
  const health = 'health.lb-1.p.b-2 BackendTurnedUnhealthy';
  await eventually('it is recorded', async () => (await sayings(cluster)).includes(health));
  await eventually('the second has probed it', async () => (await second.status()).probes.failedCount >= 4);
  expect((await sayings(cluster)).slice(saidCount)).toEqual([health]);

  expect(await first.stop()).toBe(0);
  await becomes(second, 'held');
  await eventually('it says how its config is applied', () =>
    Promise.resolve(second.process.output().includes('this process stood back for another one with its id')),
  );
  expect((await sayings(cluster)).slice(saidCount + 1)).toEqual(['node.lb-1 NodeStopped', 'node.lb-1 NodeStarted']);
  second.process.child.kill('SIGHUP');
  await eventually('its config is applied', async () => (await sayings(cluster)).includes('pool.q PoolDefined'));
  expect(await second.stop()).toBe(0);
});
