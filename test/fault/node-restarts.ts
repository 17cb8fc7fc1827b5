/**
 * The test of nodes that are stopped and killed, one after another, while 1,000 events a second come in: for how long is the
 * caller's. One node stays all the time, and the others carry load while they are up. At the end all agree, nothing is lost
 * or doubled, no request failed, and the node that stayed has not grown.
 */
import assert from 'node:assert/strict';
import { expect } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startEventStorm } from '../harness/event-storm.ts';
import { footprint } from '../harness/processes/footprint.ts';
import { startLoad, type Load, type LoadFailure } from '../harness/load.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const EVENTS_PER_SECOND = 1_000;
const STAYING = 'lb-1';
const RESTARTED = ['lb-2', 'lb-3'];
/** So that in four restarts each of the two gets both. */
const SIGNALS = ['SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGTERM'] as const;
const RESTARTS_MIN = 2;
/** Between a node that is up again and the next one that goes. */
const PAUSE_MS = 500;
const DOWN_MS = 500;
/** Connections on the node that stays are opened and closed all the time. */
const DESCRIPTORS_MORE_MAX = 30;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Stops and kills in turns until the storm is over, with load on each node while it is meant to be up. */
class Restarts {
  readonly failures: LoadFailure[] = [];
  readonly times: { readonly signal: string; readonly endMs: number; readonly startMs: number }[] = [];
  readonly #cluster: TestCluster;
  readonly #loadById = new Map<string, Load>();

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  async load(id: string): Promise<void> {
    const node = this.#cluster.nodesById.get(id)!;
    this.#loadById.set(id, startLoad(await node.address('front'), 1));
  }

  async unload(id: string): Promise<void> {
    const load = this.#loadById.get(id)!;
    await load.stop();
    assert.ok(load.succeededCount() > 0, `${id} carried load`);
    this.failures.push(...load.failures);
  }

  async next(): Promise<void> {
    const count = this.times.length;
    const id = RESTARTED[count % RESTARTED.length]!;
    const signal = SIGNALS[count % SIGNALS.length]!;
    await this.unload(id);
    const stoppedMs = performance.now();
    const code = await this.#cluster.nodesById.get(id)!.process.end(signal);
    assert.equal(code, signal === 'SIGTERM' ? 0 : null);
    const endedMs = performance.now();
    await sleep(DOWN_MS);
    await this.#cluster.startNode(id);
    const startMs = performance.now() - endedMs - DOWN_MS;
    this.times.push({ signal, endMs: Math.round(endedMs - stoppedMs), startMs: Math.round(startMs) });
    await this.load(id);
  }
}

const pidsOf = async (node: TestNode): Promise<number[]> => [node.process.pid, ...(await node.workerPids())];

/** Registers the test; the storm lasts `durationMs`. */
export function testNodeRestarts(durationMs: number): void {
  test(`${EVENTS_PER_SECOND} events a second for ${durationMs / 1_000} s while nodes restart`, async () => {
    await using cluster = await TestCluster.start({ poolLines: 'onRemoval = "drain"' });
    await using passing = await startNamedEcho('passing');
    const [staying] = await cluster.startNodes(1 + RESTARTED.length);
    const restarts = new Restarts(cluster);
    for (const id of [STAYING, ...RESTARTED]) await restarts.load(id);

    const storm = { servers: cluster.nats.urls, pool: 'p', target: passing.target, durationMs };
    await using running = await startEventStorm({ ...storm, eventsPerSecond: EVENTS_PER_SECOND });
    // The first third warms up: heaps reach their size, the ring of recent events fills.
    const warm = (EVENTS_PER_SECOND * durationMs) / 3_000;
    const pids = await pidsOf(staying!);
    const warmed = eventually('a third is published', () => running.publishedCount() >= warm, 4 * durationMs).then(() =>
      pids.map(footprint),
    );
    let isOver = false;
    do {
      await restarts.next();
      isOver = await Promise.race([running.finished.then(() => true), sleep(PAUSE_MS).then(() => false)]);
    } while (!isOver || restarts.times.length < RESTARTS_MIN);
    const eventsPerSecond = await running.finished;
    const last = await cluster.writer.publish('pool.last', { type: 'PoolDefined' });
    const { tookMs } = await cluster.agreed({ minRevision: last, withinMs: 2_000 });
    const before = await warmed;
    const after = pids.map(footprint);
    for (const id of [STAYING, ...RESTARTED]) await restarts.unload(id);
    const { messages } = await cluster.stream();
    const facts = { eventsPerSecond: Math.round(eventsPerSecond), revision: last };
    process.stdout.write(
      `${JSON.stringify({ ...facts, agreedMs: Math.round(tookMs), restarts: restarts.times, before, after })}\n`,
    );

    expect(restarts.failures).toEqual([]);
    expect(running.writers.flatMap((writer) => writer.faults(messages))).toEqual([]);
    await cluster.expectSound();
    const { rejectedCount, workers } = await staying!.status();
    expect(rejectedCount).toBe(0);
    expect(workers.map(({ restartsCount }) => restartsCount)).toEqual([0]);
    for (const [index, { residentBytes, descriptorsCount }] of after.entries()) {
      expect(residentBytes / before[index]!.residentBytes).toBeLessThan(1.5);
      expect(descriptorsCount - before[index]!.descriptorsCount).toBeLessThan(DESCRIPTORS_MORE_MAX);
    }
  });
}
