/**
 * The second story of docs/debugging.md: of two nodes one has read an event otherwise than it was published. It is found by its
 * status, repaired by itself, and afterwards named by replay, with the first revision at which it was wrong.
 */
import { join } from 'node:path';
import { newestNatsServer } from '@muster/nats-server';
import { expect, test } from 'vitest';
import { startAlteringWire } from '../harness/network/altering-wire.ts';
import { TestCluster } from '../harness/cluster.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const program = await newestNatsServer();
const why = 'unavailable' in program ? ` (skipped: ${program.unavailable})` : '';

async function output(node: TestNode, ...args: string[]): Promise<string> {
  const { code, output: text } = await node.muster(...args);
  expect([args, code, text]).toEqual([args, 0, text]);
  return text;
}

test.skipIf('unavailable' in program)(`the node that disagreed is named, with the first revision${why}`, async () => {
  await using cluster = await TestCluster.start({ servers: 1, poolLines: '' });
  const { hostname, port } = new URL(cluster.nats.urls[0]!);
  await using wire = await startAlteringWire({ host: hostname, port: Number(port) });
  const right = await cluster.startNode('lb-1');
  const wrong = await cluster.startNode('lb-2', { servers: [`nats://${wire.address}`] });
  await cluster.agreed();

  // One node reads a weight that nobody published.
  wire.alterNext('"weight":1', '"weight":7');
  const added = await output(right, 'backend', 'add', 'p', 'b-9', '--target', '127.0.0.1:9', '--weight', '1');
  const revision = Number(/revision (\d+)/.exec(added)![1]);

  // Its status, and that of the other, say so, within seconds.
  const differs = await eventually('lb-1 hears that lb-2 differs', async () => {
    const { peers } = await right.status();
    return peers.find(({ node, agreement }) => node === 'lb-2' && agreement === 'differs');
  });
  expect(differs.comparedRevision).toBe(revision);
  // And it repairs itself: it reads the log again.
  const rebuilt = await eventually('lb-2 builds its roster anew', async () => {
    const { rebuilds } = await wrong.status();
    return rebuilds.count > 0 ? rebuilds : null;
  });
  expect(rebuilt.lastReason).toContain('disagrees');
  await cluster.agreed();
  expect(wire.alteredCount()).toBe(1);

  // Long after it is over, both nodes' records still say who was wrong, and since which event.
  const verdict = new RegExp(`node lb-2 recorded [0-9a-f]{16} at revision ${revision} and was wrong`);
  expect(await output(wrong, 'replay', '--at', `${revision}`)).toMatch(verdict);
  expect(await output(right, 'replay', '--at', `${revision}`)).toMatch(verdict);

  // Which event it was, as everybody else read it.
  const event = await output(right, 'events', '--from', `${revision}`, '--limit', '1');
  expect(event).toMatch(/backend p\/b-9 {2}registered 127\.0\.0\.1:9, weight 1 {2}\(cli:/);

  // A file of it can be sent to somebody else, who finds the same.
  const file = join(cluster.folder.path, 'disagreed.muster');
  const summary = await output(wrong, 'export', '--from', `${revision - 1}`, '-o', file);
  expect(summary).toMatch(new RegExp(`node lb-2 recorded [0-9a-f]{16} at revision ${revision}, and the log folds to`));
  expect(await output(right, 'replay', '--at', `${revision}`, '--file', file)).toMatch(verdict);
});
