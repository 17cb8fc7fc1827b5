/**
 * A pool with `healthView = "quorum"`: what most live nodes see of a backend decides, whatever this node's probes say, and a
 * node that has stopped has no say any more. The two other nodes are played by a publisher.
 */
import { newestNatsServer, startNatsServer } from '@muster/nats-server';
import { expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { nameBehind } from '../harness/client.ts';
import { EventWriter } from '../harness/event-writer.ts';
import { onePool, startTestNode, testFolder } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const CLUSTER = 'quorum';
const program = await newestNatsServer();
const why = 'unavailable' in program ? ` (skipped: ${program.unavailable})` : '';

test.skipIf('unavailable' in program)(`most live nodes decide on a backend's health${why}`, async () => {
  if ('unavailable' in program) return;
  await using folder = await testFolder();
  await using nats = await startNatsServer({ program, folder: folder.path });
  await using one = await startNamedEcho('b-1');
  await using two = await startNamedEcho('b-2');
  const poolLines = 'healthView = "quorum"\nhealth = { tcp = true, intervalMs = 500 }';
  const journal = { servers: [nats.url], cluster: CLUSTER };
  await using node = await startTestNode({ folder, journal, config: onePool([one.target, two.target], { poolLines }) });
  await using writer = await EventWriter.open([nats.url], CLUSTER);
  const address = await node.address('front');
  const names = async () => new Set([await nameBehind(address), await nameBehind(address), await nameBehind(address)]);

  expect(await names()).toEqual(new Set(['b-1', 'b-2']));
  const seen = { type: 'BackendTurnedUnhealthy', target: one.target, reason: 'status 503' } as const;
  for (const other of ['lb-8', 'lb-9']) {
    await writer.publish(`node.${other}`, { type: 'NodeStarted' });
    await writer.publish(`health.${other}.p.b-1`, seen);
  }
  await eventually('b-1 is passed over', async () => (await names()).size === 1);
  expect(await names()).toEqual(new Set(['b-2']));
  expect((await node.muster('backend', 'list', 'p')).output).toContain('2 of 3 nodes: lb-8, lb-9: status 503');

  await writer.publish('node.lb-9', { type: 'NodeStopped', reason: 'gone' });
  await eventually('one of two is no majority: the own word counts', async () => (await names()).size === 2);
});
