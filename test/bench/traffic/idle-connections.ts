/**
 * What an idle connection costs a process in memory: its resident size over thousands of connections, each of which has had
 * one exchange and then keeps silent. The kernel's own memory for the sockets is not in it.
 */
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const OPENED_AT_ONCE = 100;
const PAGE_BYTES = 4_096;
/** For the process to come to rest before its size is read. */
const SETTLE_MS = 500;

export interface IdleOptions {
  readonly pid: number;
  readonly port: number;
  /** What each connection says once. */
  readonly request: string;
  /** What must stand at the start of the answer to it. */
  readonly answer: string;
  /** Connections between two readings. */
  readonly step: number;
  readonly steps: number;
}

export interface IdleReading {
  readonly connections: number;
  readonly residentBytes: number;
}

/** A reading without connections and one after each step. Closes them. Throws where a connection gets another answer or none. */
export async function readIdleSizes(options: IdleOptions): Promise<IdleReading[]> {
  const sockets: Socket[] = [];
  const readings: IdleReading[] = [];
  try {
    for (let step = 0; step <= options.steps; step++) {
      if (step > 0) await open(sockets, options);
      await sleep(SETTLE_MS);
      const closed = sockets.filter((socket) => socket.readableEnded || socket.destroyed).length;
      if (closed > 0) throw new Error(`${closed} of ${sockets.length} idle connections were closed.`);
      readings.push({ connections: sockets.length, residentBytes: await residentBytes(options.pid) });
    }
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  return readings;
}

async function open(sockets: Socket[], { port, request, answer, step }: IdleOptions): Promise<void> {
  for (let opened = 0; opened < step; opened += OPENED_AT_ONCE) {
    const batch = Array.from({ length: OPENED_AT_ONCE }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    sockets.push(...batch);
    await Promise.all(batch.map((socket) => exchange(socket, request, answer)));
  }
}

async function exchange(socket: Socket, request: string, answer: string): Promise<void> {
  socket.write(request);
  const first = await new Promise<Buffer | null>((resolve) => {
    socket.once('data', resolve).once('close', () => resolve(null));
  });
  if (first?.toString('latin1').startsWith(answer) === true) return;
  throw new Error(`A connection was answered with ${JSON.stringify(first?.toString('latin1', 0, 80) ?? 'nothing')}.`);
}

async function residentBytes(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
  return Number(fields[1]) * PAGE_BYTES;
}
