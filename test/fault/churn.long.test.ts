/**
 * 12,000 membership events in 60 s under load: nothing leaks, every worker agrees, and no connection to a healthy
 * backend fails.
 *
 * Passing backends join, are drained, get weights and leave all the time, in a pool that two steady ones stay in.
 * The load goes through the same pool; a connection may land on a passing backend only while that one is really there.
 */
import { expect, test } from 'vitest';
import type { CommandInput } from '@muster/membership';
import { startNamedEcho } from '../harness/backend.ts';
import { footprint } from '../harness/processes/footprint.ts';
import { startLoad } from '../harness/load.ts';
import { startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const EVENTS = 12_000;
const DURATION_MS = 60_000;
const BURST_EVENTS = 20;
const PASSING_BACKENDS = 50;

/** The life of passing backend number `n`, one command at a time; its connections drain before it leaves. */
function commandAt(step: number, target: string): CommandInput {
  const backend = `passing-${step % PASSING_BACKENDS}`;
  switch (Math.floor(step / PASSING_BACKENDS) % 5) {
    case 0:
      return { type: 'RegisterBackend', pool: 'p', backend, target };
    case 1:
      return { type: 'RegisterBackend', pool: 'p', backend, target, weight: 3 };
    case 2:
      return { type: 'SetBackendMode', pool: 'p', backend, mode: 'drain' };
    case 3:
      return { type: 'SetBackendMode', pool: 'p', backend, mode: 'maint' };
    default:
      return { type: 'DeregisterBackend', pool: 'p', backend };
  }
}

interface Churn {
  readonly target: string;
  readonly fromStep: number;
  readonly events: number;
}

async function churn(node: TestNode, { target, fromStep, events }: Churn): Promise<void> {
  const pauseMs = (DURATION_MS * BURST_EVENTS) / EVENTS;
  for (let step = fromStep; step < fromStep + events; step += BURST_EVENTS) {
    const startedMs = performance.now();
    const burst = Array.from({ length: BURST_EVENTS }, (_, index) => node.command(commandAt(step + index, target)));
    for (const outcome of await Promise.all(burst)) expect(outcome).toMatchObject({ outcome: 'appended' });
    const restMs = pauseMs - (performance.now() - startedMs);
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
  }
}

test('12,000 events in 60 s under load', async () => {
  await using folder = await testFolder();
  await using steady = await startNamedEcho('steady');
  await using passing = await startNamedEcho('passing');
  await using node = await startTestNode({
    folder,
    workers: 2,
    config: `
[[pools]]
id = "p"
onRemoval = "drain"
backends = [{ id = "steady-1", target = "${steady.target}" }, { id = "steady-2", target = "${steady.target}" }]
[[listeners]]
id = "front"
bind = "127.0.0.1:0"
pool = "p"`,
  });
  const pids = [node.process.pid, ...(await node.workerPids())];
  const load = startLoad(await node.address('front'), 4);

  // The first third warms up: heaps reach their size, the ring of recent events fills.
  const third = EVENTS / 3;
  await churn(node, { target: passing.target, fromStep: 0, events: third });
  const before = pids.map(footprint);
  await churn(node, { target: passing.target, fromStep: third, events: EVENTS - third });
  await load.stop();
  const after = pids.map(footprint);

  expect(load.failures).toEqual([]);
  expect(load.succeededCount()).toBeGreaterThan(1_000);
  const status = await eventually('every worker has folded everything', async () => {
    const now = await node.status();
    return now.workers.every(({ revision }) => revision === now.revision) && now;
  });
  expect(status.revision).toBeGreaterThanOrEqual(EVENTS);
  expect(status.workers.map(({ hash }) => hash)).toEqual([status.hash, status.hash]);
  expect(status.workers.map(({ restartsCount }) => restartsCount)).toEqual([0, 0]);
  for (const [index, { residentBytes, descriptorsCount }] of after.entries()) {
    expect(residentBytes / before[index]!.residentBytes).toBeLessThan(1.5);
    expect(descriptorsCount - before[index]!.descriptorsCount).toBeLessThan(20);
  }
  process.stdout.write(`${JSON.stringify({ before, after, connections: load.succeededCount() })}\n`);
});
