/**
 * What 10,000 backends cost the control process: to start, to stop, and to watch with a TCP probe every 5 s each. The
 * targets are one listening socket in another process, so that only the probing side is counted.
 *
 *     node test/bench/node/actors.ts [BACKENDS] [SECONDS] [--observe]
 *
 * With `--observe` everything that the node sees is kept in a store on the disk, as a node does by default.
 *
 * `blockedMs` is the longest turn of the event loop, as far as a timer of 1 ms resolution can tell.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { coarseClock, startNode, type NodeHandle } from '@muster/actors';
import { createMemoryJournal, type Journal } from '@muster/journal';
import { parseTarget, type MembershipEventInput } from '@muster/membership';
import { openObservationStore, type ObservationStore } from '@muster/observations';
import { probeTcp } from '@muster/probes';
import { ANY_TARGET, systemDialler, systemResolver } from '@muster/transport';

export interface ActorFigures {
  readonly backendsCount: number;
  /** From the call of `startNode` on a journal with as many events to the roster being served. */
  readonly startMs: number;
  /** Until every backend has been probed and every finding is recorded. */
  readonly allProbedMs: number;
  /** CPU of all threads until then: what is left of `allProbedMs` is waiting, for other processes on a busy machine. */
  readonly startCpuMs: number;
  readonly startBlockedMs: number;
  readonly idleCpuRatio: number;
  readonly probesPerSecond: number;
  readonly cpuMicrosecondsPerProbe: number;
  readonly idleBlockedMs: number;
  readonly heapBytesPerBackend: number;
  /** On the disk, for each observation that was kept; null where none are. */
  readonly bytesPerObservation: number | null;
  readonly stopMs: number;
  readonly stopBlockedMs: number;
}

const WARM_UP_MS = 6_000;
const TARGET_PROCESS = `
  const server = require('node:net').createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(server.address().port));
  process.stdin.on('end', () => process.exit()).resume();
`;

/** `seconds`: how long the idle cost is measured, after a warm-up of 6 s. */
export async function measureActors(
  backendsCount: number,
  seconds: number,
  { isObserved = false } = {},
): Promise<ActorFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  const log = { info: () => undefined, warn: console.error, error: console.error };
  const store = isObserved ? openObservationStore({ path: folder, log }) : null;
  const target = spawn(process.execPath, ['-e', TARGET_PROCESS], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [port] = (await once(target.stdout, 'data')) as [Buffer];
    return await measure(await populatedJournal(backendsCount, Number(port)), { backendsCount, seconds, store });
  } finally {
    target.stdin.end();
    await once(target, 'exit');
    await store?.close();
    await rm(folder, { recursive: true });
  }
}

async function measure(
  journal: Journal,
  { backendsCount, seconds, store }: { backendsCount: number; seconds: number; store: ObservationStore | null },
): Promise<ActorFigures> {
  const heapBytesBefore = process.memoryUsage().heapUsed;
  const start = measureLoop();
  const node = startProbingNode(journal, store);
  await node.ready();
  const startMs = start.elapsedMs();
  await untilAllProbed(node, backendsCount);
  const allProbedMs = start.elapsedMs();
  const startCpuMs = start.cpuMs();
  const startBlockedMs = start.blockedMs();
  const heapBytesPerBackend = (process.memoryUsage().heapUsed - heapBytesBefore) / backendsCount;

  await sleep(WARM_UP_MS);
  const idle = measureLoop();
  const probesBefore = node.status().probes.passedCount;
  await sleep(seconds * 1_000);
  const idleCpuMs = idle.cpuMs();
  const idleMs = idle.elapsedMs();
  const idleBlockedMs = idle.blockedMs();
  const probesCount = node.status().probes.passedCount - probesBefore;

  await store?.flush();
  const kept = store?.status();
  const stop = measureLoop();
  await node.stop();
  return {
    backendsCount,
    startMs,
    allProbedMs,
    startCpuMs,
    startBlockedMs,
    idleCpuRatio: idleCpuMs / idleMs,
    probesPerSecond: (probesCount / idleMs) * 1_000,
    cpuMicrosecondsPerProbe: (idleCpuMs * 1_000) / probesCount,
    idleBlockedMs,
    heapBytesPerBackend,
    bytesPerObservation: kept === undefined ? null : kept.bytes / kept.keptCount,
    stopMs: stop.elapsedMs(),
    stopBlockedMs: stop.blockedMs(),
  };
}

function startProbingNode(journal: Journal, observations: ObservationStore | null): NodeHandle {
  const dialler = systemDialler({ resolver: systemResolver(), guard: ANY_TARGET });
  const quiet = { info: () => undefined, warn: console.error, error: console.error };
  return startNode({
    node: 'lb-1',
    cluster: 'bench',
    journal,
    workers: 0,
    observations,
    clock: coarseClock(),
    startProbe: (target, { timeoutMs }) => probeTcp({ dialler, target: parseTarget(target)!, timeoutMs }),
    openSocket: () => Promise.resolve({ outcome: 'failed', reason: 'this benchmark has no listeners', taken: null }),
    spawnWorker: () => {
      throw new Error('this benchmark has no workers');
    },
    log: quiet,
  });
}

async function untilAllProbed(node: NodeHandle, backendsCount: number): Promise<void> {
  for (;;) {
    const { probes, pendingFactsCount } = node.status();
    if (probes.passedCount >= backendsCount && pendingFactsCount === 0) return;
    await sleep(5);
  }
}

async function populatedJournal(backendsCount: number, port: number): Promise<Journal> {
  const journal = createMemoryJournal();
  let eventsCount = 0;
  const append = async (entity: string, event: MembershipEventInput): Promise<void> => {
    eventsCount += 1;
    const subject = `muster.bench.${entity}`;
    await journal.append({ id: `bench-${eventsCount}`, subject, origin: 'bench', payload: JSON.stringify(event) });
  };
  await append('pool.p', { type: 'PoolDefined', health: { tcp: true, intervalMs: 5_000 } });
  for (let index = 0; index < backendsCount; index++) {
    await append(`backend.p.b-${index}`, { type: 'BackendRegistered', target: `127.0.0.1:${port}` });
  }
  return journal;
}

function measureLoop() {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  return {
    cpuMs: () => {
      const { user, system } = process.cpuUsage(cpuBefore);
      return (user + system) / 1_000;
    },
    elapsedMs: () => performance.now() - startedMs,
    blockedMs: () => {
      delay.disable();
      return delay.max / 1e6;
    },
  };
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

if (import.meta.main) {
  const [backendsCount = 10_000, seconds = 20] = process.argv.slice(2).filter(isNumber).map(Number);
  console.log(await measureActors(backendsCount, seconds, { isObserved: process.argv.includes('--observe') }));
}
