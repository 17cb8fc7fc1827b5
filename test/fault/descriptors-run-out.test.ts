/** Fault: a worker has no file descriptor left. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type ProxyStats } from '@muster/proxy';
import { bindSharedSocket, type BoundSocket } from '@muster/transport';
import { expect, test } from 'vitest';
import { startBackend } from '../harness/backend.ts';
import { eventually } from '../harness/processes/process.ts';

const WORKER = fileURLToPath(new URL('relay-worker-process.ts', import.meta.url));
const DESCRIPTORS_MAX = 64;
const CLIENTS_COUNT = 100;

async function startLimitedWorker(target: string, socket: BoundSocket): Promise<ChildProcess> {
  const limited = `ulimit -n ${DESCRIPTORS_MAX}; exec "$0" "$@"`;
  const worker = spawn('sh', ['-c', limited, process.execPath, WORKER, target], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  worker.send('web', socket.handle as never);
  await once(worker, 'message');
  return worker;
}

async function statsOf(worker: ChildProcess): Promise<ProxyStats> {
  worker.send('stats');
  const [stats] = (await once(worker, 'message')) as [ProxyStats];
  return stats;
}

test('a worker without descriptors closes what it cannot serve, keeps what it has, and serves again later', async () => {
  await using backend = await startBackend((socket) => {
    socket.write('a');
    socket.pipe(socket);
  });
  const bound = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  if (!bound.ok) throw new Error(bound.code);
  const worker = await startLimitedWorker(backend.target, bound.socket);
  const address = { port: bound.socket.boundPort!, host: '127.0.0.1' };

  const clients = Array.from({ length: CLIENTS_COUNT }, () => {
    const state = { socket: connect(address), hasAnswer: false, isOver: false };
    state.socket.on('data', () => (state.hasAnswer = true)).on('error', () => undefined);
    state.socket.on('close', () => (state.isOver = true));
    return state;
  });
  await eventually('every client is served or closed', () =>
    clients.every(({ hasAnswer, isOver }) => hasAnswer || isOver),
  );
  const served = clients.filter(({ isOver }) => !isOver);
  expect(served.length).toBeGreaterThan(5);
  expect(served.length).toBeLessThan(DESCRIPTORS_MAX / 2);
  expect((await statsOf(worker)).total.open).toBe(served.length);

  const [first, ...others] = served;
  first!.socket.write('still here');
  const [echoed] = (await once(first!.socket, 'data')) as [Buffer];
  expect(echoed.toString()).toBe('still here');

  for (const { socket } of others) socket.destroy();
  await eventually('the worker has let go of them', async () => (await statsOf(worker)).total.open === 1);
  const late = connect({ ...address, allowHalfOpen: false });
  late.end();
  expect(await text(late)).toBe('a');

  first!.socket.destroy();
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  bound.socket.close();
});
