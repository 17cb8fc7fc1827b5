/**
 * A node that stops, and a listener that is removed, under load: what is in flight is answered, the last answer on a connection says
 * so, and a client that trusts its connection until it has ended loses no request on it.
 *
 * A connection that is opened while the last listening socket closes may be reset before anybody has accepted it: TCP has no way
 * around that. So the first request of a connection may be lost, and no other.
 */
import { expect, test } from 'vitest';
import { openClient, refuses } from '../harness/client.ts';
import { startHttpBackend, startNamedHttp } from '../harness/http/http-backend.ts';
import { ask } from '../harness/http/http-client.ts';
import { startHttpLoad } from '../harness/http/http-load.ts';
import { oneHttpPool, startTestNode, testFolder } from '../harness/node.ts';
import { eventually, isAlive } from '../harness/processes/process.ts';

const CLIENTS = 30;

test('SIGTERM under load: every request on a connection that was taken is answered', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedHttp('b');
  await using node = await startTestNode({ folder, workers: 2, config: oneHttpPool([backend.target]) });
  const address = await node.address('front');
  const pids = await node.workerPids();
  const load = startHttpLoad(address, { clients: CLIENTS });
  await eventually('the load is under way', () => load.succeededCount() > 20 * CLIENTS);

  const stopped = node.stop();
  await load.over;
  expect(load.failures.filter(({ isFirst }) => !isFirst)).toEqual([]);
  expect(load.refusedCount()).toBe(CLIENTS);
  expect(await stopped).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
});

test('SIGTERM lets the requests in flight finish, and their answers say that they are the last', async () => {
  await using folder = await testFolder();
  const release = Promise.withResolvers<void>();
  await using backend = await startHttpBackend((_request, response) => {
    response.write('begun, ');
    void release.promise.then(() => response.end('done'));
  });
  await using slow = await startHttpBackend((_request, response) => {
    void release.promise.then(() => response.end('late'));
  });
  const pools = `${oneHttpPool([backend.target])}
[[pools]]
id = "slow"
backends = [{ id = "s-1", target = "${slow.target}" }]
[[listeners]]
id = "slow"
bind = "127.0.0.1:0"
protocol = "http"
pool = "slow"`;
  await using node = await startTestNode({ folder, config: pools });
  await using begun = await openClient(await node.address('front'));
  await using waiting = await openClient(await node.address('slow'));
  for (const { socket } of [begun, waiting]) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('one answer has begun', () => begun.received().includes('begun'));
  await eventually('the other is still to come', () => slow.requestsCount() === 1);

  const stopped = node.stop();
  await refuses(await addressOf(begun.socket.remotePort!));
  release.resolve();
  await Promise.all([begun.closed(), waiting.closed()]);
  expect(begun.received()).toMatch(/begun, \r\n4\r\ndone\r\n0\r\n\r\n$/);
  expect(waiting.received()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*late/i);
  expect(await stopped).toBe(0);
});

const addressOf = (port: number) => Promise.resolve({ host: '127.0.0.1', port });

test('a listener that is removed and added again under load costs none of them', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedHttp('b');
  await using node = await startTestNode({ folder, workers: 2, config: oneHttpPool([backend.target]) });
  const front = await node.address('front');
  const steady = startHttpLoad(front, { clients: 4 });
  for (let round = 0; round < 5; round++) {
    const listener = `passing-${round % 2}`;
    const defined = { type: 'DefineListener', listener, bind: '127.0.0.1:0', protocol: 'http', pool: 'p' } as const;
    expect(await node.command(defined)).toMatchObject({ outcome: 'appended' });
    const address = await node.address(listener);
    const load = startHttpLoad(address, { clients: CLIENTS });
    await eventually('the load is under way', () => load.succeededCount() > 3 * CLIENTS);
    expect(await node.command({ type: 'RemoveListener', listener })).toMatchObject({ outcome: 'appended' });
    await load.over;
    expect(load.failures.filter(({ isFirst }) => !isFirst)).toEqual([]);
    expect(load.refusedCount()).toBe(CLIENTS);
  }
  await steady.stop();
  expect(steady.failures).toEqual([]);
  expect(await ask(front)).toMatchObject({ status: 200, backend: 'b' });
});
