/** Listeners that move and pools that are renamed while clients are served; workers that are full; what a killed node leaves behind. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startNamedEcho } from '../harness/backend.ts';
import { nameBehind, openClient, refuses } from '../harness/client.ts';
import { startNamedHttp } from '../harness/http/http-backend.ts';
import { ask } from '../harness/http/http-client.ts';
import { freePort, onePool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

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

test('a WebSocket lives on while apply renames its pool and its backend under traffic, and then its listener', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedHttp('one');
  const server = new WebSocketServer({ server: backend.server, path: '/live' });
  server.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data.toString())));
  const config = ({ pool, member, listener }: Names, port: number): string => `
[[pools]]
id = "${pool}"
health = { tcp = true, intervalMs = 60_000 }
backends = [{ id = "${member}", target = "${backend.target}" }]
[[listeners]]
id = "${listener}"
bind = "127.0.0.1:${port}"
protocol = "http"
pool = "${pool}"
`;
  const first = { pool: 'p', member: 'b', listener: 'front' };
  const port = await freePort();
  await using node = await startTestNode({ folder, workers: 2, config: config(first, port) });
  const address = await node.address('front');
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live`);
  await once(socket, 'open');
  const file = join(folder.path, 'lb-1.toml');
  const head = (await readFile(file, 'utf8')).split('[[pools]]')[0]!;
  const rename = async (names: Names): Promise<void> => {
    await writeFile(file, head + config(names, port));
    const { code, output } = await node.muster('apply', '-f', file);
    expect([code, output]).toEqual([0, output]);
    const heard = once(socket, 'message');
    socket.send(names.pool);
    expect(String((await heard)[0])).toBe(names.pool);
  };
  const stopping = new AbortController();
  const load = (async () => {
    while (!stopping.signal.aborted) expect(await ask(address)).toMatchObject({ status: 200, backend: 'one' });
  })();
  const renamed = async (): Promise<void> => {
    await rename({ ...first, pool: 'p-2' });
    await rename({ pool: 'p-2', member: 'b-2', listener: 'front' });
    await rename({ pool: 'p-3', member: 'b-3', listener: 'front' });
  };
  await Promise.all([load, renamed().finally(() => stopping.abort())]);
  // The address of a renamed listener refuses connections for some milliseconds, so nobody asks meanwhile.
  await rename({ pool: 'p-3', member: 'b-3', listener: 'front-2' });
  expect(await ask(address)).toMatchObject({ status: 200, backend: 'one' });
  socket.terminate();
  server.close();
});

interface Names {
  readonly pool: string;
  readonly member: string;
  readonly listener: string;
}
