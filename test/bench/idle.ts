/**
 * What an idle connection costs a worker in memory: the slope of its resident size over thousands of connections that
 * have each relayed a line and then keep silent. The kernel's own memory for its two sockets is not in it.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './contenders.ts';
import { machineText } from './figures.ts';
import { startMusterWorker } from './muster-worker.ts';

export const idleUsage = 'idle   memory of a worker per idle connection';

const STEP = 1_000;
const STEPS = 4;
const OPENED_AT_ONCE = 100;
const PAGE_BYTES = 4_096;
/** For the worker to come to rest before its size is read. */
const SETTLE_MS = 500;

export async function idleBench(): Promise<void> {
  const backend = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(
    0,
    '127.0.0.1',
    4_096,
  );
  await once(backend, 'listening');
  const port = await freePort();
  const { port: backendPort } = backend.address() as AddressInfo;
  const worker = await startMusterWorker({ port, backendPort });
  const sockets: Socket[] = [];
  try {
    console.log(`${machineText()}\n`);
    let before = 0;
    for (let step = 0; step <= STEPS; step++) {
      await sleep(SETTLE_MS);
      const bytes = await residentBytes(worker.pid!);
      const slope =
        step < 1 ? '' : `   ${((bytes - before) / STEP / 1_024).toFixed(1)} KiB for each of the last ${STEP}`;
      console.log(
        `${`${sockets.length}`.padStart(6)} connections  ${(bytes / 2 ** 20).toFixed(1).padStart(6)} MiB${slope}`,
      );
      before = bytes;
      if (step < STEPS) await open(sockets, port);
    }
  } finally {
    for (const socket of sockets) socket.destroy();
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    backend.close();
  }
}

async function open(sockets: Socket[], port: number): Promise<void> {
  for (let opened = 0; opened < STEP; opened += OPENED_AT_ONCE) {
    const batch = Array.from({ length: OPENED_AT_ONCE }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    for (const socket of batch) socket.write('a line that comes back\n');
    await Promise.all(batch.map((socket) => once(socket, 'data')));
    sockets.push(...batch);
  }
}

async function residentBytes(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
  return Number(fields[1]) * PAGE_BYTES;
}
