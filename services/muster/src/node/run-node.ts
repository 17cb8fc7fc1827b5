/**
 * The composition root: one node, from its config to its exit code.
 *
 *     journal ─► node (actors) ─► workers          started in this order,
 *                  ▲    └─► log, admin API         stopped in the reverse one
 *              config applied, once the node has caught up
 */
import { startNode, coarseClock, type NodeHandle } from '@muster/actors';
import { createMemoryJournal, JournalError, type Journal } from '@muster/journal';
import { openEmbeddedJournal } from '@muster/journal-embedded';
import type { JournalConfig, NodeConfig } from '../config/node-config.ts';
import type { DeclaredRoster } from '../config/declared-roster.ts';
import { createLog, type Log, type LogFormat } from '../log/log.ts';
import { logMembership } from '../log/membership-log.ts';
import { startAdmin, type RunningAdmin } from './admin-endpoint.ts';
import { applyConfig } from './apply-config.ts';
import { openListeningSocket } from './listening-socket.ts';
import { startConfiguredProbe } from './start-probe.ts';
import { stopSignal } from './stop-signal.ts';
import { workerSpawner } from './worker-process.ts';

export interface RunNodeOptions {
  readonly config: NodeConfig;
  readonly declared: DeclaredRoster;
  /** For messages; null where the config did not come from a file. */
  readonly configPath: string | null;
  /** Default: `text` on a terminal, `json` elsewhere. */
  readonly logFormat?: LogFormat;
  /** Told when the node serves and the config is applied. */
  readonly onServing?: (node: NodeHandle) => void;
}

/** Probes are started in batches this far apart: one wake-up for many costs half the CPU of one for each. */
const CLOCK_TICK_MS = 50;

/** Resolves to the exit code, after SIGTERM or SIGINT or a failure to start: 0, or 1 with one line on stderr. */
export async function runNode(options: RunNodeOptions): Promise<number> {
  const { config } = options;
  const format = options.logFormat ?? (process.stdout.isTTY ? 'text' : 'json');
  const log = createLog({ level: config.logLevel, format, node: config.id, output: process.stdout });
  let journal: Journal;
  try {
    journal = await openJournal(config.journal);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    return fail(error.message);
  }
  const node = startNode({
    node: config.id,
    cluster: config.cluster,
    journal,
    workers: config.workers,
    clock: coarseClock({ tickMs: CLOCK_TICK_MS }),
    startProbe: startConfiguredProbe,
    openSocket: openListeningSocket,
    spawnWorker: workerSpawner({ node: config.id, maxConnections: config.maxConnections }),
    log,
  });
  let isConfigApplied = false;
  const admin = await startAdmin({ node, config, log, isConfigApplied: () => isConfigApplied });
  if (admin?.outcome === 'failed') {
    await node.stop({ drainTimeoutMs: 0, reason: 'the admin address is taken' });
    await journal.close();
    return fail(admin.reason);
  }
  await serveUntilStopped(node, { ...options, onConfigApplied: () => (isConfigApplied = true) }, log);
  await shutDown({ node, journal, admin, log });
  return 0;
}

interface ServeOptions extends RunNodeOptions {
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
  readonly node: NodeHandle;
  readonly journal: Journal;
  readonly admin: RunningAdmin | null;
  readonly log: Log;
}

async function shutDown({ journal, admin, log }: Running): Promise<void> {
  await admin?.close();
  await journal.close();
  log.info({}, 'stopped');
}

function openJournal(config: JournalConfig): Promise<Journal> {
  return config.kind === 'memory' ? Promise.resolve(createMemoryJournal()) : openEmbeddedJournal({ path: config.path });
}

function fail(message: string): number {
  process.stderr.write(`muster: ${message}\n`);
  return 1;
}
