/**
 * Fault: clients that never come to the end of their request (slow loris). Each holds a connection and sends a byte of its head every
 * second. Others are served all the while, the memory for it is bounded, and each slow one gets its 408 when its time is up.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { footprint } from '../harness/processes/footprint.ts';
import { startNamedHttp } from '../harness/http/http-backend.ts';
import type { Address } from '../harness/http/http-client.ts';
import { startHttpLoad, type HttpLoad } from '../harness/http/http-load.ts';
import { oneHttpPool, startTestNode, testFolder } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const CLIENTS = 4;
const DRIP_MS = 1_000;
const OPENING_AT_A_TIME = 100;
/** What else a process of the test has open. */
const DESCRIPTORS_BESIDES = 1_000;
/** The connection, its head so far, and what the kernel's buffers have of it in this process. */
const BYTES_EACH_MAX = 24 * 1_024;
/** A worker's heap may grow by so much whatever happens. */
const BYTES_BESIDES = 48 * 1_048_576;

export interface SlowLorisOptions {
  readonly connections: number;
  /** Longer than it takes to open them all. */
  readonly headTimeoutMs: number;
}

interface SlowClient {
  readonly socket: Socket;
  readonly beganMs: number;
  received: string;
  endedMs: number | null;
}

async function openSlowClient(address: Address): Promise<SlowClient> {
  const socket = connect(address);
  await once(socket, 'connect');
  const client: SlowClient = { socket, beganMs: performance.now(), received: '', endedMs: null };
  const end = () => (client.endedMs ??= performance.now());
  socket.setEncoding('latin1').on('data', (text: string) => (client.received += text));
  socket.on('end', end).on('close', end).on('error', end);
  socket.write('GET / HTTP/1.1\r\nHost: example.test\r\nX-Slow: ');
  return client;
}

async function openSlowClients(address: Address, count: number): Promise<SlowClient[]> {
  const clients: SlowClient[] = [];
  while (clients.length < count) {
    const opening = Array.from({ length: Math.min(OPENING_AT_A_TIME, count - clients.length) }, () =>
      openSlowClient(address),
    );
    clients.push(...(await Promise.all(opening)));
  }
  return clients;
}

/** Sends a byte on each, every second; counts the seconds in which nobody else was answered. */
function drip(clients: readonly SlowClient[], load: HttpLoad) {
  let answeredBefore = load.succeededCount();
  const counts = { seconds: 0, starved: 0 };
  const timer = setInterval(() => {
    for (const { socket, endedMs } of clients) if (endedMs === null) socket.write('z');
    const answered = load.succeededCount();
    counts.seconds++;
    if (answered === answeredBefore) counts.starved++;
    answeredBefore = answered;
  }, DRIP_MS);
  return { counts, [Symbol.dispose]: () => clearInterval(timer) };
}

function descriptorsLimit(): number {
  const line = readFileSync('/proc/self/limits', 'utf8')
    .split('\n')
    .find((found) => found.startsWith('Max open files'));
  const hard = line!.trim().split(/\s+/)[4]!;
  return hard === 'unlimited' ? Infinity : Number(hard);
}

/** Registers the test. */
export function testSlowLoris({ connections, headTimeoutMs }: SlowLorisOptions): void {
  // Node raises its own limit to the hard one at its start.
  const isPossible = descriptorsLimit() >= connections + DESCRIPTORS_BESIDES;
  if (!isPossible) {
    const needed = connections + DESCRIPTORS_BESIDES;
    process.stderr.write(`skipped: ${connections} connections need ${needed} descriptors; ulimit -Hn ${needed}\n`);
  }
  test.skipIf(!isPossible)(`${connections} slow connections disturb nobody, and each gets its 408`, async () => {
    await using folder = await testFolder();
    await using backend = await startNamedHttp('b');
    const listenerLines = `headTimeoutMs = ${headTimeoutMs}`;
    const config = oneHttpPool([backend.target], { listenerLines });
    await using node = await startTestNode({ folder, config });
    const address = await node.address('front');
    const [pid] = await node.workerPids();
    const load = startHttpLoad(address, { clients: CLIENTS });
    await eventually('others are served', () => load.succeededCount() > 1_000);

    const before = footprint(pid!);
    const slow = await openSlowClients(address, connections);
    using dripping = drip(slow, load);
    expect(slow.filter(({ endedMs }) => endedMs !== null)).toEqual([]);
    await eventually('a byte has dripped from each', () => dripping.counts.seconds >= 2);
    const during = footprint(pid!);
    await eventually('every slow one is told', () => slow.every(({ endedMs }) => endedMs !== null), 2 * headTimeoutMs);
    await load.stop();
    const { counts } = dripping;
    process.stdout.write(`${JSON.stringify({ connections, before, during, counts, served: load.succeededCount() })}\n`);

    expect(load.failures).toEqual([]);
    expect(counts.starved).toBe(0);
    expect(during.descriptorsCount - before.descriptorsCount).toBeGreaterThanOrEqual(connections);
    expect(during.residentBytes - before.residentBytes).toBeLessThan(BYTES_BESIDES + connections * BYTES_EACH_MAX);
    expect(slow.filter(({ received }) => !received.startsWith('HTTP/1.1 408 '))).toEqual([]);
    expect(Math.min(...slow.map(({ beganMs, endedMs }) => endedMs! - beganMs))).toBeGreaterThan(headTimeoutMs * 0.9);
    expect(backend.requestsCount()).toBe(load.succeededCount());
    await eventually(
      'the worker has let go of them',
      () => footprint(pid!).descriptorsCount < before.descriptorsCount + 50,
    );
  });
}
