/**
 * Fault: one node of three is cut off for longer than its lease, and healed. Its workers serve on with what they know, the
 * others declare it stopped once, and afterwards it says that it lives, and all agree.
 *
 * First the network loses its packets, which nobody is told; then its control process is stopped, which it is not told itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { LEASE_EXPIRED } from '@muster/membership';
import { TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startLoad } from '../harness/load.ts';
import { startNamespace, type Namespace } from '../harness/network/namespace.ts';
import type { TestNode } from '../harness/node.ts';
import { startPlace } from '../harness/network/passage.ts';
import { eventually } from '../harness/processes/process.ts';
import { isStartedFor } from '../harness/roster.ts';
import { rounds } from '../harness/processes/rounds.ts';
import { startWire } from '../harness/network/wire.ts';

/** A node's lease is 10 s. */
const CUT_MS = 12_000;
const DECLARED_WITHIN_MS = 14_000;
const CUT_NODE = 'lb-3';

interface Cut {
  readonly begin: () => Promise<void>;
  readonly heal: () => Promise<void>;
  /** What holds just before the healing. */
  readonly expectBefore: () => Promise<void>;
}

/** One round: returns how long the agreement took after the healing, in ms. */
async function cutOff(cluster: TestCluster, cut: Cut): Promise<number> {
  const others = cluster.nodes.filter((node) => node !== cluster.nodesById.get(CUT_NODE));
  await cluster.writer.publish('pool.q', { type: 'PoolDefined' });
  const cutAtMs = performance.now();
  await cut.begin();
  await eventually(
    'the others declare it stopped',
    async () => {
      await cluster.writer.publish('backend.q.b', { type: 'BackendRegistered', target: cluster.backends[0]!.target });
      const views = await Promise.all(others.map((node) => isStartedFor(node, CUT_NODE)));
      return views.every((isStarted) => !isStarted);
    },
    DECLARED_WITHIN_MS,
  );
  await cluster.agreed({ nodes: others });
  await sleep(CUT_MS - (performance.now() - cutAtMs));
  await cut.expectBefore();
  const minRevision = await cluster.writer.publish('pool.q', { type: 'PoolRemoved' });
  await cut.heal();
  const { tookMs } = await cluster.agreed({ minRevision, withinMs: 2_000 });
  for (const node of cluster.nodes) await eventually('it is started again', () => isStartedFor(node, CUT_NODE));
  await cluster.expectSound();
  return tookMs;
}

/** What is recorded of each node, in order. */
async function recordsByNode(cluster: TestCluster): Promise<Record<string, readonly string[]>> {
  const { messages } = await cluster.stream();
  const ofNodes = messages.filter(({ subject }) => subject.includes('.node.'));
  const byNode = Object.groupBy(ofNodes, ({ subject }) => subject.split('.').at(-1)!);
  return Object.fromEntries(
    Object.entries(byNode).map(([node, events = []]) => [
      node,
      events.map(({ id }) => (id.startsWith(LEASE_EXPIRED) ? 'end of lease' : 'start')),
    ]),
  );
}

/** Of the node that was cut off exactly one end for each cut, and then one start. */
function recordsAfter(cutCount: number): Record<string, readonly string[]> {
  const cuts = Array.from({ length: cutCount }, () => ['end of lease', 'start']).flat();
  return { 'lb-1': ['start'], 'lb-2': ['start'], [CUT_NODE]: ['start', ...cuts] };
}

async function withLoads(nodes: readonly TestNode[], run: () => Promise<void>): Promise<void> {
  const loads = await Promise.all(nodes.map(async (node) => startLoad(await node.address('front'), 1)));
  await run();
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
  for (const load of loads) expect(load.succeededCount()).toBeGreaterThan(100);
}

/** Starts the node that is to be cut off in a network that has nothing but the way to NATS on its cable. */
async function startNodeBehindCable(cluster: TestCluster, namespace: Namespace): Promise<AsyncDisposable> {
  await using disposer = new AsyncDisposableStack();
  const wires = await Promise.all(
    cluster.nats.servers.map((server) => startWire(server, { host: namespace.outerHost })),
  );
  for (const wire of wires) disposer.use(wire);
  const backendPorts = cluster.backends.map(({ port }) => port);
  const place = disposer.use(await startPlace(namespace, { backendPorts }));
  const servers = wires.map(({ host, port }) => `nats://${host}:${port}`);
  await cluster.startNode(CUT_NODE, { place, servers });
  return disposer.move();
}

test("packets between a node and NATS are lost for longer than the node's lease", async ({ skip }) => {
  const made = await startNamespace();
  if ('unavailable' in made) {
    process.stderr.write(`${made.unavailable}\n`);
    return skip(made.unavailable);
  }
  await using namespace = made;
  await using cluster = await TestCluster.start();
  await cluster.startNodes(2);
  await using _behindCable = await startNodeBehindCable(cluster, namespace);
  const cutNode = cluster.nodesById.get(CUT_NODE)!;
  await cluster.agreed();
  const tookMs: number[] = [];
  await withLoads(cluster.nodes, async () => {
    for (let round = 0; round < rounds(1); round++) {
      const expectBefore = async () => {
        expect((await cutNode.status()).journalAwaySinceMs).toBeLessThan(Date.now() - CUT_MS / 2);
        expect((await fetch(`${cutNode.admin}/readyz`)).status).toBe(200);
      };
      const [begin, heal] = [() => namespace.pullCable(), () => namespace.plugIn()];
      tookMs.push(await cutOff(cluster, { begin, heal, expectBefore }));
    }
  });
  process.stdout.write(`agreed after the cable was plugged in: ${tookMs.map(Math.round).join(', ')} ms\n`);
  expect(await recordsByNode(cluster)).toEqual(recordsAfter(rounds(1)));
});

test('the control process of a node stands still for longer than its lease', async () => {
  await using cluster = await TestCluster.start();
  const nodes = await cluster.startNodes(3);
  const { child } = nodes[2]!.process;
  await cluster.agreed();
  const tookMs: number[] = [];
  await withLoads(nodes, async () => {
    for (let round = 0; round < rounds(1); round++) {
      const signal = (name: NodeJS.Signals) => () => Promise.resolve(void child.kill(name));
      const [begin, heal] = [signal('SIGSTOP'), signal('SIGCONT')];
      tookMs.push(await cutOff(cluster, { begin, heal, expectBefore: () => Promise.resolve() }));
    }
  });
  process.stdout.write(`agreed after the process was continued: ${tookMs.map(Math.round).join(', ')} ms\n`);
  expect(await recordsByNode(cluster)).toEqual(recordsAfter(rounds(1)));
});
