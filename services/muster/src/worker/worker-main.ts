/**
 * The entry of a proxy worker process. The control process starts it over IPC, tells it what happened
 * (`WorkerMessage`) and hands it listening sockets; it folds, relays, and reports what it counts.
 *
 * It takes orders from its parent alone: a terminal's Ctrl-C reaches every process of the group, and a worker that
 * obeyed it would cut connections that the node means to drain. When the parent is gone without a word, the worker
 * stops accepting at once, so that a new node can have the address, and lets its open connections finish; from then on it obeys
 * the signals that end a process.
 */
import { parseArgs } from 'node:util';
import type { WorkerMessage, WorkerReport } from '@muster/actors';
import type { ResolverSettings, SocketHandle, TargetPolicy } from '@muster/transport';
import type { DecisionQuestion, DecisionReport, WorkerOrder } from '@muster/questions/decisions/decision-question';
import { LineOutput } from '@muster/questions/text/line-output';
import { createLog, type LogFormat, type LogLevel } from '../log/log.ts';
import { ignoreSignals, onStopSignals } from '../node/stop-signal.ts';
import { endWorker, surviveFilters } from './stray-errors.ts';
import { Worker } from './worker.ts';

const STATS_INTERVAL_MS = 1_000;
/** For the last lines of the access log to be read, at the end. */
const LAST_LINES_TIMEOUT_MS = 1_000;
const STDOUT = 1;
/** When the control process died, it cannot say any more how long connections may take. */
const ORPHAN_DRAIN_TIMEOUT_MS = 30_000;

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    index: { type: 'string' },
    'max-connections': { type: 'string' },
    'config-folder': { type: 'string' },
    resolver: { type: 'string', default: '{}' },
    targets: { type: 'string' },
    'loop-mark': { type: 'string' },
    'log-level': { type: 'string', default: 'info' },
    'log-format': { type: 'string', default: 'json' },
  },
});

/** `onTaken` is called when the operating system has it, or never will. */
function report(message: WorkerReport | DecisionReport, onTaken: () => void = () => undefined): void {
  // A report that cannot be sent has nobody to read it: the channel closes when the parent is gone, and 'disconnect' follows.
  if (process.connected) process.send!(message, undefined, undefined, onTaken);
  else onTaken();
}

// Given by the control process, which has checked them.
const level = values['log-level'] as LogLevel;
const format = values['log-format'] as LogFormat;
const index = Number(values.index);
const output = new LineOutput({ fd: STDOUT });

const worker = new Worker({
  node: values.node!,
  index,
  maxConnections: Number(values['max-connections']),
  configFolder: values['config-folder'] ?? process.cwd(),
  resolver: JSON.parse(values.resolver) as Partial<ResolverSettings>,
  loopMark: values['loop-mark']!,
  targets: JSON.parse(values.targets!) as TargetPolicy,
  accessLog: { log: createLog({ level, format, node: values.node!, output }).child({ worker: index }), output },
  report,
  handOver: report,
});

async function drainAndExit(timeoutMs: number): Promise<void> {
  await worker.drain(timeoutMs);
  worker.recordDecisions(0);
  worker.secondIsOver();
  await output.close(LAST_LINES_TIMEOUT_MS);
  worker.secondIsOver();
  endWorker(0);
}

function answer({ id, query }: DecisionQuestion): void {
  report({ kind: 'decisions-found', id, decisions: worker.decisions(query) });
}

surviveFilters(report);
ignoreSignals();
process.on('message', (message: WorkerMessage | WorkerOrder, handle: SocketHandle | undefined) => {
  if (message.kind === 'drain') void drainAndExit(message.timeoutMs);
  else if (message.kind === 'find-decisions') answer(message);
  else if (message.kind === 'own-addresses') worker.setOwnAddresses(message.addresses);
  else if (message.kind === 'record-decisions') worker.recordDecisions(message.forMs);
  else worker.receive(message, handle ?? null);
});
process.on('disconnect', () => {
  // Nobody else can tell it any more.
  onStopSignals(() => endWorker(0));
  void drainAndExit(ORPHAN_DRAIN_TIMEOUT_MS);
});
setInterval(() => worker.secondIsOver(), STATS_INTERVAL_MS);
report({ kind: 'started' });
