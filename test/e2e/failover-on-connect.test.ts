/**
 * Another backend is tried only while nothing has been sent: when a connect fails. A slow answer is not a connect failure.
 */
import { expect, test } from 'vitest';
import { refusingTarget, startBackend, startNamedEcho } from '../harness/backend.ts';
import { openClient } from '../harness/client.ts';
import { startTestNode, testFolder } from '../harness/node.ts';

const config = (first: string, second: string) => `
[[pools]]
id = "peers"
connectTimeoutMs = 400
backends = [{ id = "peer-1", target = "${first}" }, { id = "peer-2", target = "${second}" }]
[[listeners]]
id = "front"
bind = "127.0.0.1:0"
pool = "peers"`;

test('the first peer refuses, the second answers', async () => {
  await using folder = await testFolder();
  await using second = await startNamedEcho('second');
  await using node = await startTestNode({ folder, config: config(await refusingTarget(), second.target) });
  const address = await node.address('front');
  for (let attempt = 0; attempt < 10; attempt++) {
    await using client = await openClient(address);
    expect(await client.greeting()).toBe('second');
  }
  expect(second.acceptedCount()).toBe(10);
});

test('a peer that accepts and then sleeps 1 s is not left', async () => {
  await using folder = await testFolder();
  await using sleeper = await startBackend((socket) => {
    socket.once('data', (bytes) => {
      setTimeout(() => socket.write(bytes), 1_000);
    });
    socket.on('end', () => socket.end());
  });
  await using never = await startNamedEcho('never');
  await using node = await startTestNode({ folder, config: config(sleeper.target, never.target) });
  await using client = await openClient(await node.address('front'));
  await client.echo('answered by the sleeper');
  expect(client.received()).toBe('answered by the sleeper\n');
  expect(sleeper.acceptedCount()).toBe(1);
  expect(never.acceptedCount()).toBe(0);
});

test('when every peer refuses, the connection is closed', async () => {
  await using folder = await testFolder();
  await using node = await startTestNode({ folder, config: config(await refusingTarget(), await refusingTarget()) });
  await using client = await openClient(await node.address('front'));
  await client.closed();
  expect(client.received()).toBe('');
});
