/**
 * The start of a node, in the order that makes it short: what needs another core goes first.
 *
 *     fork workers ─────────────► (each loads its code)
 *     open the journal ─────────► (its thread loads SQLite)
 *     load everything else ─────► serve
 *
 * So this file imports as little as it can; the rest of the node is in `serve-node.ts`.
 */
import { isatty } from 'node:tty';
import type { NodeHandle } from '@muster/actors';
import type { DeclaredRoster, LoadedConfig, NodeConfig } from '@muster/config';
import type { LogFormat } from '../log/log.ts';
import { writeError } from '@muster/questions/text';
import { openJournal } from './open-journal.ts';
import { ignoreUnusedSignals, onReloadSignal } from './stop-signal.ts';
import { WorkerProcesses } from './worker-processes.ts';

const STDOUT = 1;
/** For the last lines of the log to be read, at the end. */
const LAST_LINES_TIMEOUT_MS = 1_000;

export interface RunNodeOptions {
  readonly config: NodeConfig;
  readonly declared: DeclaredRoster;
  /** A person says that this node may make the journal's stream, whoever knows of an earlier one. Default false. */
  readonly isNewCluster?: boolean;
  /** Reads the config again, for SIGHUP. Default: there is nothing to read. */
  readonly load?: () => Promise<LoadedConfig>;
  /** Default: `text` on a terminal, `json` elsewhere. */
  readonly logFormat?: LogFormat;
  /** Told when the node serves and the config is applied. */
  readonly onServing?: (node: NodeHandle) => void;
}

/** Resolves to the exit code, after SIGTERM or SIGINT or a failure to start: 0, or 1 with one line on stderr. */
export async function runNode(options: RunNodeOptions): Promise<number> {
  ignoreUnusedSignals();
  onReloadSignal(() => undefined);
  const { config } = options;
  const { id: node, maxConnections, configFolder, logLevel, resolver, targets } = config;
  const logFormat = options.logFormat ?? (isatty(STDOUT) ? 'text' : 'json');
  const workers = new WorkerProcesses({ node, maxConnections, configFolder, resolver, targets, logLevel, logFormat });
  workers.forkAhead(config.workers);
  const loading = import('./serve-node.ts');
  const opened = loading.then(({ openNodeLog }) => openNodeLog(config, logFormat));
  const log = opened.then((open) => open.log);
  const [opening, { serveNode }] = await Promise.all([
    openJournal(config, { isNewCluster: options.isNewCluster ?? false, log }),
    loading,
  ]);
  if (opening.outcome === 'failed') {
    workers.close();
    writeError(`muster: ${opening.reason}`);
    return 1;
  }
  const code = await serveNode({ ...options, opened: opening.open, workers, log: await log });
  await (await opened).close(LAST_LINES_TIMEOUT_MS);
  return code;
}
