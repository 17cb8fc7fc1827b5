/**
 * Fault: a worker stands still, as one does whose filter loops for ever. It holds connections and serves none of them, so after half a
 * minute the node kills it, says why, and another one takes its place; the other worker is left alone.
 */
import { expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { openClient } from '../harness/client.ts';
import { onePool, startTestNode, testFolder } from '../harness/node.ts';
import { eventually, isAlive } from '../harness/processes/process.ts';

const REPLACED_WITHIN_MS = 120_000;

test('a worker that stands still is killed and replaced, and a new connection is answered', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('b');
  await using node = await startTestNode({ folder, workers: 2, config: onePool([backend.target]) });
  const front = await node.address('front');
  const [still, other] = await node.workerPids();
  process.kill(still!, 'SIGSTOP');
  await eventually('it is gone', () => !isAlive(still!), REPLACED_WITHIN_MS);
  await eventually('two serve', async () => (await node.workerPids()).length === 2);
  const pids = await node.workerPids();
  expect(pids).toContain(other);
  expect(pids).not.toContain(still);
  expect(node.process.output()).toContain('because it stood still for 30 s');
  for (let count = 0; count < 4; count++) {
    await using client = await openClient(front);
    expect(await client.greeting()).toBe('b');
  }
});
