/** Listeners that move and pools that are renamed while clients are served; workers that are full; what a killed node leaves behind. */
import { connect } from 'node:net';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { nameBehind, openClient, refuses } from '../harness/client.ts';
import { freePort, onePool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/process.ts';

function listening(node: TestNode, listener: string, boundAddress: string): Promise<unknown> {
  return eventually(`${listener} is in force at ${boundAddress}`, async () => {
    const found = (await node.status()).listeners.find(({ id }) => id === listener);
    return found?.boundAddress === boundAddress && found.appliedRevision === found.revision;
  });
}

test('a listener widens, narrows and swaps addresses with another one, and what it leaves is closed', async () => {
  await using folder = await testFolder();
  await using one = await startNamedEcho('one');
  const [port, otherPort] = [await freePort(), await freePort()];
  const config = onePool([one.target], { port });
  await using node = await startTestNode({ folder, workers: 2, config });
  const define = (listener: string, bind: string) =>
    node.command({ type: 'DefineListener', listener, bind, pool: 'p' });
  for (const host of ['0.0.0.0', '127.0.0.1', '[::]', '127.0.0.1']) {
    expect(await define('front', `${host}:${port}`)).toMatchObject({ outcome: 'appended' });
    await listening(node, 'front', `${host}:${port}`);
    expect(await nameBehind({ host: '127.0.0.1', port })).toBe('one');
    const elsewhere = nameBehind({ host: '127.0.0.2', port }).catch(() => 'refused');
    expect(await elsewhere).toBe(host === '127.0.0.1' ? 'refused' : 'one');
  }
  await define('other', `0.0.0.0:${otherPort}`);
  await listening(node, 'other', `0.0.0.0:${otherPort}`);
  await define('front', `127.0.0.1:${otherPort}`);
  await define('other', `127.0.0.1:${port}`);
  await listening(node, 'front', `127.0.0.1:${otherPort}`);
  await listening(node, 'other', `127.0.0.1:${port}`);
  await refuses({ host: '127.0.0.2', port: otherPort });
});

test('a Unix path that a killed node left is taken over, and a file that is no socket is not', async () => {
  await using folder = await testFolder();
  await using one = await startNamedEcho('one');
  const path = join(folder.path, 'front.sock');
  const config = onePool([one.target]).replace('127.0.0.1:0', `unix:${path}`);
  {
    await using killed = await startTestNode({ folder, config });
    expect(await text(connect({ path }).end())).toBe('one\n');
    await killed.process.end('SIGKILL');
  }
  expect(existsSync(path)).toBe(true);
  await using node = await startTestNode({ folder, config });
  await eventually('the listener has its path again', () =>
    text(connect({ path }).end()).then((name) => name === 'one\n'),
  );
  await node.command({ type: 'DefineListener', listener: 'bad', bind: `unix:${folder.path}/lb-1.toml`, pool: 'p' });
  await eventually('the reason is shown', async () => {
    const { listeners } = await node.status();
    return listeners.some(({ reason }) => reason?.includes('is a file that is no socket') ?? false);
  });
});

test('a full worker accepts nothing: nobody is reset, and who waits is served when there is room', async () => {
  await using folder = await testFolder();
  await using one = await startNamedEcho('one');
  const config = onePool([one.target]);
  await using node = await startTestNode({ folder, workers: 2, config, nodeLines: 'maxConnections = 2' });
  const front = await node.address('front');
  const clients = await Promise.all(Array.from({ length: 4 }, () => openClient(front)));
  for (const client of clients) expect(await client.greeting()).toBe('one');
  const waiting = Array.from({ length: 6 }, () => nameBehind(front));
  for (const client of clients) await client[Symbol.asyncDispose]();
  expect(await Promise.all(waiting)).toEqual(Array.from({ length: 6 }, () => 'one'));
});

test('a pool and its backend are renamed under traffic: no request fails, and open connections live on', async () => {
  await using folder = await testFolder();
  await using one = await startNamedEcho('one');
  const poolLines = 'health = { tcp = true, intervalMs = 60_000 }';
  await using node = await startTestNode({ folder, workers: 2, config: onePool([one.target], { poolLines }) });
  const front = await node.address('front');
  await using longLived = await openClient(front);
  expect(await longLived.greeting()).toBe('one');
  const stopping = new AbortController();
  const load = (async () => {
    while (!stopping.signal.aborted) expect(await nameBehind(front)).toBe('one');
  })();
  const bind = `127.0.0.1:0`;
  for (let round = 0; round < 10; round++) {
    const [before, pool] = [round === 0 ? 'p' : `p-${round - 1}`, `p-${round}`];
    for (const command of [
      { type: 'DefinePool', pool, health: { tcp: true, intervalMs: 60_000 } },
      { type: 'RegisterBackend', pool, backend: `b-${round}`, target: one.target },
      { type: 'DefineListener', listener: 'front', bind, pool },
      { type: 'RemovePool', pool: before },
    ] as const) {
      expect(await node.command(command)).toMatchObject({ outcome: 'appended' });
    }
    await longLived.echo(`round ${round}`);
  }
  stopping.abort();
  await load;
});
