/**
 * Pools and listeners start and stop at run time inside one process, by events, while another listener is under load and
 * notices nothing; SIGTERM joins everything.
 */
import { expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { nameBehind, openClient, refuses } from '../harness/client.ts';
import { onePool, startTestNode, testFolder } from '../harness/node.ts';
import { eventually, isAlive } from '../harness/processes/process.ts';

const ROUNDS = 10;

test('listeners come and go while the connections of another one are untouched', async () => {
  await using folder = await testFolder();
  await using steady = await startNamedEcho('steady');
  await using passing = await startNamedEcho('passing');
  await using node = await startTestNode({
    folder,
    workers: 2,
    config: `
[[pools]]
id = "steady"
backends = [{ id = "s-1", target = "${steady.target}" }]
[[listeners]]
id = "front"
bind = "127.0.0.1:0"
pool = "steady"`,
  });
  const front = await node.address('front');
  await using longLived = await openClient(front);
  expect(await longLived.greeting()).toBe('steady');

  const stopping = new AbortController();
  const load = (async () => {
    let count = 0;
    while (!stopping.signal.aborted) {
      expect(await nameBehind(front)).toBe('steady');
      await longLived.echo(`round ${count}`);
      count++;
    }
    return count;
  })();

  for (let round = 0; round < ROUNDS; round++) {
    const pool = `pool-${round}`;
    const listener = `listener-${round}`;
    for (const command of [
      { type: 'DefinePool', pool },
      { type: 'RegisterBackend', pool, backend: 'b-1', target: passing.target },
      { type: 'DefineListener', listener, bind: '127.0.0.1:0', pool },
    ] as const) {
      expect(await node.command(command)).toMatchObject({ outcome: 'appended' });
    }
    const address = await node.address(listener);
    expect(await eventually('the new listener answers', () => nameBehind(address))).toBe('passing');
    await using open = await openClient(address);
    expect(await open.greeting()).toBe('passing');
    expect(await node.command({ type: 'RemoveListener', listener })).toMatchObject({ outcome: 'appended' });
    await eventually('the removed listener refuses', async () => {
      return nameBehind(address).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
      );
    });
    await open.echo('a removed listener lets its connections finish');
    expect(await node.command({ type: 'RemovePool', pool })).toMatchObject({ outcome: 'appended' });
    await open.closed();
  }
  stopping.abort();
  expect(await load).toBeGreaterThan(0);
  expect(longLived.isClosed()).toBe(false);
});

test('SIGTERM lets connections finish, joins every process and exits with 0', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('b');
  await using node = await startTestNode({
    folder,
    workers: 2,
    config: onePool([backend.target]),
  });
  const address = await node.address('front');
  const pids = await node.workerPids();
  expect(pids).toHaveLength(2);
  await using client = await openClient(address);
  await client.greeting();

  const stopped = node.stop();
  await refuses(address);
  await client.echo('the connection that was open lives on');
  client.socket.end();
  expect(await stopped).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(node.process.output()).toContain('stopped');
});

test('a second SIGTERM ends the wait for open connections', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('b');
  await using node = await startTestNode({
    folder,
    config: onePool([backend.target]),
  });
  const address = await node.address('front');
  await using client = await openClient(address);
  await client.greeting();
  const stopped = node.stop();
  await refuses(address);
  await client.echo('still open');
  await eventually('a later signal is another wish', async () => {
    node.process.child.kill('SIGTERM');
    return client.isClosed();
  });
  expect(await stopped).toBe(0);
});
