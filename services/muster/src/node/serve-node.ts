/**
 * The composition root: one node, from its open journal to its exit code.
 *
 *     journal ─► node (actors) ─► workers          started in this order,
 *                  ▲    └─► log, admin API         stopped in the reverse one
 *              config applied, once the node has caught up
 */
import { startNode, coarseClock, type NodeHandle } from '@muster/actors';
import type { Journal } from '@muster/journal';
import { createLog, type Log } from '../log/log.ts';
import { logMembership } from '../log/membership-log.ts';
import type { RunningAdmin } from './admin-endpoint.ts';
import { applyConfig } from './apply-config.ts';
import { openListeningSocket } from './listening-socket.ts';
import { startConfiguredProbe } from './start-probe.ts';
import { stopSignal } from './stop-signal.ts';
import type { RunNodeOptions } from './run-node.ts';
import type { WorkerProcesses } from './worker-processes.ts';

export interface ServeNodeOptions extends RunNodeOptions {
  readonly journal: Journal;
  readonly workers: WorkerProcesses;
}

/** Probes are started in batches this far apart: one wake-up for many costs half the CPU of one for each. */
const CLOCK_TICK_MS = 50;

/** Serves until SIGTERM or SIGINT, then stops everything, the journal included. Resolves to the exit code. */
export async function serveNode(options: ServeNodeOptions): Promise<number> {
  const { config, journal, workers } = options;
  const format = options.logFormat ?? (process.stdout.isTTY ? 'text' : 'json');
  const log = createLog({ level: config.logLevel, format, node: config.id, output: process.stdout });
  const node = startNode({
    node: config.id,
    cluster: config.cluster,
    journal,
    workers: config.workers,
    clock: coarseClock({ tickMs: CLOCK_TICK_MS }),
    startProbe: startConfiguredProbe,
    openSocket: openListeningSocket,
    spawnWorker: workers.spawn,
    log,
  });
  // The HTTP server is a third of all code that is loaded: the workers and the journal start meanwhile.
  const { startAdmin } = await import('./admin-endpoint.ts');
  let isConfigApplied = false;
  const admin = await startAdmin({ node, config, log, isConfigApplied: () => isConfigApplied });
  if (admin?.outcome === 'failed') {
    await node.stop({ drainTimeoutMs: 0, reason: 'the admin address is taken' });
    await journal.close();
    process.stderr.write(`muster: ${admin.reason}\n`);
    return 1;
  }
  await serveUntilStopped(node, { ...options, onConfigApplied: () => (isConfigApplied = true) }, log);
  await shutDown({ journal, admin, log });
  return 0;
}

interface ServeOptions extends ServeNodeOptions {
  readonly onConfigApplied: () => void;
}

async function serveUntilStopped(node: NodeHandle, options: ServeOptions, log: Log): Promise<void> {
  const stopping = stopSignal();
  const stopLogging = logMembership(node, log);
  const serving = applyAndServe(node, options, log).catch((error: unknown) => {
    log.error({ err: error }, 'the node stopped before it served');
  });
  const signal = await stopping.first;
  const { drainTimeoutMs } = options.config;
  log.info({ signal }, `${signal}: draining for at most ${drainTimeoutMs / 1_000} s; a second signal ends it at once`);
  await Promise.race([node.stop({ drainTimeoutMs, reason: signal }), stopping.second]);
  await node.stop({ drainTimeoutMs: 0, reason: signal });
  await serving;
  stopLogging();
  stopping.forget();
}

async function applyAndServe(node: NodeHandle, options: ServeOptions, log: Log): Promise<void> {
  await node.caughtUp();
  await applyConfig({ node, declared: options.declared, origin: `config:${options.config.id}`, log });
  options.onConfigApplied();
  await node.ready();
  const { revision, hash, workers } = node.status();
  log.info({ revision, hash }, `serving at revision ${revision} (hash ${hash}) with ${workers.length} worker(s)`);
  options.onServing?.(node);
}

interface Running {
  readonly journal: Journal;
  readonly admin: RunningAdmin | null;
  readonly log: Log;
}

async function shutDown({ journal, admin, log }: Running): Promise<void> {
  await admin?.close();
  await journal.close();
  log.info({}, 'stopped');
}
