/**
 * Workers share one queue of connections: with every worker killed, a connection waits in the kernel and is answered by the next
 * worker; with one worker killed and one that stands still, it does not wait for either.
 */
import { bindSharedSocket, type BoundSocket } from '@muster/transport';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const WORKER = new URL('relay-worker-process.ts', import.meta.url);

async function startWorker(target: string, socket: BoundSocket): Promise<ChildProcess> {
  const worker = fork(WORKER, [target]);
  worker.send('web', socket.handle as never);
  const [outcome] = (await once(worker, 'message')) as [{ ok: boolean }];
  expect(outcome.ok).toBe(true);
  return worker;
}

async function kill(worker: ChildProcess): Promise<void> {
  worker.kill('SIGKILL');
  await once(worker, 'exit');
}

test('with all workers killed a new connection waits in the kernel and the restarted worker answers it', async () => {
  const backend = createServer((socket) => socket.end('answered')).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const target = `127.0.0.1:${(backend.address() as AddressInfo).port}`;
  const bound = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  if (!bound.ok) throw new Error(bound.code);
  const { socket } = bound;
  const ask = () => connect({ port: socket.boundPort!, host: '127.0.0.1' });

  const workers = [await startWorker(target, socket), await startWorker(target, socket)];
  for (let time = 0; time < 4; time++) expect(await text(ask())).toBe('answered');
  await Promise.all(workers.map(kill));

  const waiting = [ask(), ask(), ask()];
  await Promise.all(waiting.map((client) => once(client, 'connect')));
  const restarted = await startWorker(target, socket);
  expect(await Promise.all(waiting.map(text))).toEqual(['answered', 'answered', 'answered']);

  await kill(restarted);
  socket.close();
  backend.close();
});

test('with one worker killed and one standing still the third answers everybody, and nobody has to tell it', async () => {
  const backend = createServer((socket) => socket.end('answered')).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const target = `127.0.0.1:${(backend.address() as AddressInfo).port}`;
  const bound = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  if (!bound.ok) throw new Error(bound.code);
  const { socket } = bound;
  const ask = () => text(connect({ port: socket.boundPort!, host: '127.0.0.1' }));

  const start = () => startWorker(target, socket);
  const [killed, still, living] = await Promise.all([start(), start(), start()]);
  still.kill('SIGSTOP');
  await kill(killed);
  // Were each worker's connections its own, two of three would wait here until the test is over.
  for (let time = 0; time < 20; time++) expect(await ask()).toBe('answered');
  expect(new Set(await Promise.all(Array.from({ length: 50 }, ask)))).toEqual(new Set(['answered']));

  await kill(still);
  await kill(living);
  socket.close();
  backend.close();
});
