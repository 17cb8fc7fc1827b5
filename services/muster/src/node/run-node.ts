/**
 * The start of a node, in the order that makes it short: what needs another core goes first.
 *
 *     fork workers ─────────────► (each loads its code)
 *     open the journal ─────────► (its thread loads SQLite)
 *     load everything else ─────► serve
 *
 * So this file imports as little as it can; the rest of the node is in `serve-node.ts`.
 */
import type { NodeHandle } from '@muster/actors';
import type { DeclaredRoster } from '../config/declared-roster.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { LogFormat } from '../log/log.ts';
import { openJournal } from './open-journal.ts';
import { WorkerProcesses } from './worker-processes.ts';

export interface RunNodeOptions {
  readonly config: NodeConfig;
  readonly declared: DeclaredRoster;
  /** Default: `text` on a terminal, `json` elsewhere. */
  readonly logFormat?: LogFormat;
  /** Told when the node serves and the config is applied. */
  readonly onServing?: (node: NodeHandle) => void;
}

/** Resolves to the exit code, after SIGTERM or SIGINT or a failure to start: 0, or 1 with one line on stderr. */
export async function runNode(options: RunNodeOptions): Promise<number> {
  const { config } = options;
  const { id: node, maxConnections, configFolder, logLevel, resolver } = config;
  const logFormat = options.logFormat ?? (process.stdout.isTTY ? 'text' : 'json');
  const workers = new WorkerProcesses({ node, maxConnections, configFolder, resolver, logLevel, logFormat });
  workers.forkAhead(config.workers);
  const loading = import('./serve-node.ts');
  const log = loading.then(({ createNodeLog }) => createNodeLog(config, logFormat));
  const [opening, { serveNode }] = await Promise.all([openJournal(config, log), loading]);
  if (opening.outcome === 'failed') {
    workers.close();
    process.stderr.write(`muster: ${opening.reason}\n`);
    return 1;
  }
  return serveNode({ ...options, opened: opening.open, workers, log: await log });
}
