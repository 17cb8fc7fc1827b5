/**
 * Fault: two machines start with one id at the same moment, as under two supervisors, and the one that has it is killed and comes
 * back. The journal decides which of them is the node; a start after kill -9 waits for nobody.
 */
import { expect } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { spawnTestNode, testFolder, type TestFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const STANDS_BACK = 'another process is node lb-1';
const CONFIG = `
[[pools]]
id = "q"
health = { tcp = true, intervalMs = 500 }
[[listeners]]
id = "other"
bind = "127.0.0.1:0"
pool = "q"
`;

function machine(cluster: TestCluster, folder: TestFolder): Promise<TestNode> {
  const journal = { servers: cluster.nats.urls, cluster: CLUSTER, replicas: 1 };
  return spawnTestNode({ folder, id: 'lb-1', config: CONFIG, journal });
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

test('of two machines that start with one id at the same moment one has it, also after kill -9, and the other ends with 1', async () => {
  await using cluster = await TestCluster.start({ servers: 1 });
  await using oneFolder = await testFolder();
  await using otherFolder = await testFolder();
  await using one = await machine(cluster, oneFolder);
  await using other = await machine(cluster, otherFolder);
  const settled = (): Promise<{ holder: TestNode; rest: TestNode }> =>
    eventually('one of them has the name', async () => {
      const states = [await nameState(one), await nameState(other)].join();
      if (states === 'held,standing-back') return { holder: one, rest: other };
      return states === 'standing-back,held' ? { holder: other, rest: one } : null;
    });
  const { holder, rest } = await settled();
  expect((await sayings(cluster)).filter((line) => line === 'node.lb-1 NodeStarted')).toHaveLength(1);
  expect(await rest.stop()).toBe(1);
  expect(rest.process.output()).toContain(`muster: stopped while ${STANDS_BACK}`);
  await eventually('it is ready', async () => (await fetch(`${holder.admin}/readyz`)).ok);
  await holder.process.end('SIGKILL');
  await using again = await machine(cluster, holder === one ? oneFolder : otherFolder);
  await eventually('it serves what was declared', async () =>
    (await again.status().catch(() => null))?.listeners.some(({ state }) => state === 'listening'),
  );
  await becomes(again, 'held');
  expect((await again.status()).name.hasStoodBack).toBe(false);
});
