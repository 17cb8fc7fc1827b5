/**
 * The entry of a proxy worker process. The control process starts it over IPC, tells it what happened
 * (`WorkerMessage`) and hands it listening sockets; it folds, relays, and reports what it counts.
 *
 * It takes orders from its parent alone: a terminal's Ctrl-C reaches every process of the group, and a worker that
 * obeyed it would cut connections that the node means to drain. When the parent is gone without a word, the worker
 * stops accepting at once, so that a new node can have the address, and lets its open connections finish.
 */
import { parseArgs } from 'node:util';
import type { WorkerMessage, WorkerReport } from '@muster/actors';
import type { SocketHandle } from '@muster/proxy';
import { Worker } from './worker.ts';

const STATS_INTERVAL_MS = 1_000;
/** When the control process died, it cannot say any more how long connections may take. */
const ORPHAN_DRAIN_TIMEOUT_MS = 30_000;

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    index: { type: 'string' },
    'max-connections': { type: 'string' },
  },
});

function report(message: WorkerReport): void {
  // A report that cannot be sent has nobody to read it: the channel closes when the parent is gone, and 'disconnect' follows.
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
}

const worker = new Worker({
  node: values.node!,
  index: Number(values.index),
  maxConnections: Number(values['max-connections']),
  report,
});

async function drainAndExit(timeoutMs: number): Promise<void> {
  await worker.drain(timeoutMs);
  reportStats();
  process.exit(0);
}

function reportStats(): void {
  report({ kind: 'stats', stats: worker.stats() });
}

process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('message', (message: WorkerMessage, handle: SocketHandle | undefined) => {
  if (message.kind === 'drain') void drainAndExit(message.timeoutMs);
  else worker.receive(message, handle ?? null);
});
process.on('disconnect', () => void drainAndExit(ORPHAN_DRAIN_TIMEOUT_MS));
setInterval(reportStats, STATS_INTERVAL_MS);
report({ kind: 'started' });
